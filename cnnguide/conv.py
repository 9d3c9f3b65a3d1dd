"""Two-dimensional convolution from its definition: four ways to the same numbers, and their cost.

Page: *conv*. Source: Dumoulin and Visin, A guide to convolution arithmetic for deep learning,
arXiv:1603.07285.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cnnguide.checks import (
    check_flag,
    check_float_images,
    check_floats,
    check_images,
    check_input,
    check_number,
    check_tensor,
    check_type,
    check_whole,
    name_of,
)

if TYPE_CHECKING:
    from jaxtyping import Float, Shaped

__all__ = [
    "KERNELS",
    "DepthwiseSeparableConv2d",
    "Pair",
    "apply_kernel",
    "conv2d_library",
    "conv2d_loops",
    "conv2d_matmul",
    "conv2d_windows",
    "conv_multiply_adds",
    "conv_parameters",
    "correlate",
    "output_size",
    "pad",
    "pair",
    "windows",
]

Pair = int | tuple[int, int]

#: Kernels of 3 × 3 numbers by name, for `apply_kernel`. Those for edges are positive where the
#: image gets brighter downwards or to the right.
#:
#: :meta hide-value:
KERNELS = {
    "identity": torch.tensor([[0.0, 0, 0], [0, 1, 0], [0, 0, 0]]),
    "horizontal edges": torch.tensor([[-1.0, -1, -1], [0, 0, 0], [1, 1, 1]]),
    "vertical edges": torch.tensor([[-1.0, 0, 1], [-1, 0, 1], [-1, 0, 1]]),
    "sobel x": torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]),
    "sobel y": torch.tensor([[-1.0, -2, -1], [0, 0, 0], [1, 2, 1]]),
    "sharpen": torch.tensor([[0.0, -1, 0], [-1, 5, -1], [0, -1, 0]]),
    "blur": torch.full((3, 3), 1 / 9),
    "emboss": torch.tensor([[-2.0, -1, 0], [-1, 1, 1], [0, 1, 2]]),
}


def pair(value: Pair, name: str, least: int) -> tuple[int, int]:
    """Read a setting as (height, width) and refuse what is too small or not a whole number.

    Parameters
    ----------
    value : int or (int, int)
    name : str
        Of the setting, for the message.
    least : int
        The smallest that is allowed.

    Returns
    -------
    (int, int)

    Raises
    ------
    TypeError
        For something other than one or two whole numbers.
    ValueError
        For a number below `least`.

    Examples
    --------
    >>> pair(3, "kernel", 1), pair((2, 5), "kernel", 1)
    ((3, 3), (2, 5))
    """
    check_type(name, str, "name", "a string")
    check_whole(least, "least")
    both = value if isinstance(value, tuple) else (value, value)
    if len(both) != 2 or not all(type(side) is int for side in both):
        raise TypeError(
            f"{name} must be a whole number or a pair (height, width), got {name_of(value)}"
        )
    for side in both:
        check_whole(side, name)
    if min(both) < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    return both


def output_size(
    size: int, kernel_size: int, *, stride: int = 1, padding: int = 0, dilation: int = 1
) -> int:
    r"""Count the places at which a kernel fits along one axis.

    Parameters
    ----------
    size : int
        Pixels of the input along the axis.
    kernel_size : int
        Weights of the kernel along the axis, at least 1.
    stride : int
        Pixels from one place to the next, at least 1.
    padding : int
        Pixels added at each end, at least 0.
    dilation : int
        Pixels from one weight to the next, at least 1.

    Returns
    -------
    int
        Pixels of the output along the axis, at least 1.

    Raises
    ------
    ValueError
        If a setting is too small, or the kernel does not fit once.

    Notes
    -----
    .. math:: \left\lfloor \frac{n + 2p - d(k-1) - 1}{s} \right\rfloor + 1

    Examples
    --------
    >>> output_size(7, 3), output_size(7, 3, padding=1), output_size(7, 3, stride=2)
    (5, 7, 3)
    """
    for name, value, least in (
        ("size", size, 0),
        ("kernel_size", kernel_size, 1),
        ("stride", stride, 1),
        ("padding", padding, 0),
        ("dilation", dilation, 1),
    ):
        check_whole(value, name, least)
    reach = dilation * (kernel_size - 1) + 1
    if reach > size + 2 * padding:
        raise ValueError(
            f"the kernel spans {reach} pixels and the padded image only {size + 2 * padding}; "
            "take a smaller kernel or more padding"
        )
    return (size + 2 * padding - reach) // stride + 1


def check_conv(image: Tensor, weight: Tensor, bias: Tensor | None, groups: int) -> None:
    """Refuse a weight or bias that does not fit the image; broadcasting would hide it."""
    check_float_images(image)
    check_tensor(weight, "weight")
    if weight.ndim != 4:
        raise ValueError(
            f"a weight must have shape (out, in / groups, h, w), got {tuple(weight.shape)}"
        )
    if weight.dtype != image.dtype:
        raise TypeError(
            f"image and weight must share a dtype, got {image.dtype} and {weight.dtype}"
        )
    check_whole(groups, "groups")
    c, o = image.shape[1], weight.shape[0]
    if min(c, o) < 1:
        raise ValueError(f"a convolution must have channels on both sides, got {c} in and {o} out")
    if groups < 1 or c % groups or o % groups:
        raise ValueError(
            f"groups must divide both channel counts, got groups={groups} for {c} and {o}"
        )
    if weight.shape[1] != c // groups:
        raise ValueError(
            f"a weight for {c} channels in {groups} group(s) must have {c // groups} input "
            f"channels, got {weight.shape[1]}"
        )
    if bias is None:
        return
    check_tensor(bias, "bias")
    if bias.shape != (o,):
        raise ValueError(
            f"a bias must have a number for each output channel, ({o},), got {tuple(bias.shape)}"
        )
    if bias.dtype != image.dtype:
        raise TypeError(f"image and bias must share a dtype, got {image.dtype} and {bias.dtype}")


def windows(
    image: Shaped[Tensor, "N C H W"], kernel_size: Pair, *, stride: Pair = 1, dilation: Pair = 1
) -> Shaped[Tensor, "N C Ho Wo kh kw"]:
    """Show every window of an image, as a view that copies nothing.

    Parameters
    ----------
    image : Tensor
        ``N C H W``, any dtype, already padded.
    kernel_size : int or (int, int)
        Sides of the window in pixels, for both axes or for (height, width).
    stride, dilation : int or (int, int)
        In pixels, for both axes or for (height, width): from one window to the next, and from one
        pixel of a window to the next.

    Returns
    -------
    Tensor
        ``N C Ho Wo kh kw``: at ``[n, c, i, j]`` the window that makes output ``i, j``.
        It shares the image's memory.

    Raises
    ------
    ValueError
        For other than four axes, a setting that is too small, or a kernel that does not fit.

    Notes
    -----
    To step from one window to the next is to step `stride` pixels; to step inside a window is
    to step `dilation` pixels. Both are strides of one and the same memory.

    Examples
    --------
    >>> image = torch.arange(9.0).view(1, 1, 3, 3)
    >>> windows(image, 2)[0, 0, 1, 0].tolist()
    [[3.0, 4.0], [6.0, 7.0]]
    """
    check_images(image)
    kh, kw = pair(kernel_size, "kernel_size", 1)
    sh, sw = pair(stride, "stride", 1)
    dh, dw = pair(dilation, "dilation", 1)
    n, c, h, w = image.shape
    ho = output_size(h, kh, stride=sh, dilation=dh)
    wo = output_size(w, kw, stride=sw, dilation=dw)
    step_n, step_c, step_h, step_w = image.stride()
    return image.as_strided(
        (n, c, ho, wo, kh, kw),
        (step_n, step_c, sh * step_h, sw * step_w, dh * step_h, dw * step_w),
    )


def pad(image: Tensor, padding: Pair, *, value: float = 0.0) -> Tensor:
    """Add rows and columns of one value around each image.

    Parameters
    ----------
    image : Tensor
        ``N C H W``.
    padding : int or (int, int)
        Rows above and below, and columns left and right; a single number serves both.
    value : float
        What the new pixels hold.

    Returns
    -------
    Tensor
        The image itself if there is nothing to add.

    Raises
    ------
    ValueError
        For a padding below 0.

    Examples
    --------
    >>> pad(torch.ones(1, 1, 1, 2), 1)[0, 0].tolist()
    [[0.0, 0.0, 0.0, 0.0], [0.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    """
    check_images(image)
    check_number(value, "value")
    ph, pw = pair(padding, "padding", 0)
    return F.pad(image, (pw, pw, ph, ph), value=value) if ph or pw else image


def sides(weight: Tensor) -> tuple[int, int]:
    """Give the height and width of a weight's kernels."""
    return weight.shape[2], weight.shape[3]


def check_same(padding: str, stride: Pair) -> None:
    """Refuse a padding by name that PyTorch does not know, or that a stride makes impossible."""
    if padding not in ("same", "valid"):
        raise ValueError(f"padding must be pixels, 'same' or 'valid', got {padding!r}")
    if padding == "same" and pair(stride, "stride", 1) != (1, 1):
        raise ValueError(f"padding='same' must have stride 1, got stride={stride}")


def add_border(
    image: Tensor, weight: Tensor, padding: Pair | str, *, stride: Pair, dilation: Pair
) -> Tensor:
    """Pad an image as the setting says: by pixels, or so that the output keeps the size."""
    if not isinstance(padding, str):
        return pad(image, padding)
    check_same(padding, stride)
    if padding == "valid":
        return image
    steps = zip(sides(weight), pair(dilation, "dilation", 1), strict=True)
    height, width = (max(gap * (side - 1), 0) for side, gap in steps)
    top, left = height // 2, width // 2  # of an odd number, the larger half goes behind
    return F.pad(image, (left, width - left, top, height - top))


def add_bias(output: Tensor, bias: Tensor | None) -> Tensor:
    """Add each output channel's bias."""
    return output if bias is None else output + bias.view(-1, 1, 1)


def correlate(
    image: Float[Tensor, "H W"], kernel: Float[Tensor, "kh kw"]
) -> Float[Tensor, "Ho Wo"]:
    r"""Slide one kernel over one plane: the smallest convolution, without batch or channels.

    Parameters
    ----------
    image : Tensor
        ``H W``, float.
    kernel : Tensor
        ``kh kw``, the image's dtype, no larger than the image.

    Returns
    -------
    Tensor
        ``H-kh+1 W-kw+1``, in the image's dtype.

    Raises
    ------
    ValueError
        For other than two axes, or a kernel that does not fit.

    Notes
    -----
    .. math:: y_{i,j} = \sum_{u,v} w_{u,v}\, x_{i+u,j+v}

    Examples
    --------
    >>> image = torch.tensor([[0.0, 0, 2, 2], [0, 0, 2, 2], [0, 0, 2, 2]])
    >>> correlate(image, torch.tensor([[-1.0, 1], [-1, 1]])).tolist()
    [[0.0, 4.0, 0.0], [0.0, 4.0, 0.0]]
    """
    check_floats(image, "image")
    check_floats(kernel, "kernel")
    if kernel.dtype != image.dtype:
        raise TypeError(
            f"image and kernel must share a dtype, got {image.dtype} and {kernel.dtype}"
        )
    if image.ndim != 2 or kernel.ndim != 2:
        raise ValueError(
            "image and kernel must have the shape (height, width), "
            f"got {tuple(image.shape)} and {tuple(kernel.shape)}"
        )
    (h, w), (kh, kw) = image.shape, kernel.shape
    output = image.new_zeros(output_size(h, kh), output_size(w, kw))
    for i in range(h - kh + 1):
        for j in range(w - kw + 1):
            output[i, j] = (image[i : i + kh, j : j + kw] * kernel).sum()
    return output


def conv2d_loops(
    image: Float[Tensor, "N C H W"],
    weight: Float[Tensor, "O Cg kh kw"],
    bias: Float[Tensor, " O"] | None = None,
    *,
    stride: Pair = 1,
    padding: Pair | str = 0,
    dilation: Pair = 1,
    groups: int = 1,
) -> Float[Tensor, "N O Ho Wo"]:
    r"""Convolve by the definition: one sum of products for every output number.

    Parameters
    ----------
    image : Tensor
        ``N C H W``, float. An empty batch gives an empty result.
    weight : Tensor
        ``O C/groups kh kw``, the image's dtype.
    bias : Tensor, optional
        ``O``, the image's dtype.
    stride, dilation : int or (int, int)
        In pixels, for both axes or for (height, width).
    padding : int, (int, int) or str
        Zeros on each side, for both axes or for (height, width); ``"same"`` adds what keeps the
        size, with stride 1, and ``"valid"`` nothing.
    groups : int
        Equal parts into which the channels are divided; divides both ``C`` and ``O``.

    Returns
    -------
    Tensor
        ``N O Ho Wo`` with the sides of `output_size`, in the image's dtype.

    Raises
    ------
    ValueError
        For shapes or settings that do not fit together.
    TypeError
        For images that are not float, a weight or bias of another dtype, or a setting that is
        not a whole number.

    Notes
    -----
    .. math:: y_{n,o,i,j} = b_o + \sum_{c,u,v} w_{o,c,u,v}\, x_{n,c,\,si+du,\,sj+dv}

    Examples
    --------
    >>> image = torch.arange(9.0).view(1, 1, 3, 3)
    >>> weight = torch.tensor([[[[1.0, 0.0], [0.0, 1.0]]]])
    >>> conv2d_loops(image, weight).tolist()
    [[[[4.0, 6.0], [10.0, 12.0]]]]
    """
    check_conv(image, weight, bias, groups)
    image = add_border(image, weight, padding, stride=stride, dilation=dilation)
    o, cg, kh, kw = weight.shape
    sh, sw = pair(stride, "stride", 1)
    dh, dw = pair(dilation, "dilation", 1)
    ho = output_size(image.shape[2], kh, stride=sh, dilation=dh)
    wo = output_size(image.shape[3], kw, stride=sw, dilation=dw)
    planes = []
    for k in range(o):
        first = k // (o // groups) * cg  # the first input channel of this output's group
        for i in range(ho):
            for j in range(wo):
                rows = slice(i * sh, i * sh + dh * (kh - 1) + 1, dh)
                columns = slice(j * sw, j * sw + dw * (kw - 1) + 1, dw)
                window = image[:, first : first + cg, rows, columns]
                planes.append((window * weight[k]).sum((1, 2, 3)))
    output = torch.stack(planes, 1).view(len(image), o, ho, wo)
    return add_bias(output, bias)


def conv2d_windows(
    image: Float[Tensor, "N C H W"],
    weight: Float[Tensor, "O Cg kh kw"],
    bias: Float[Tensor, " O"] | None = None,
    *,
    stride: Pair = 1,
    padding: Pair | str = 0,
    dilation: Pair = 1,
    groups: int = 1,
) -> Float[Tensor, "N O Ho Wo"]:
    """Convolve by one sum over all windows at once.

    Parameters
    ----------
    image : Tensor
        ``N C H W``, float. An empty batch gives an empty result.
    weight : Tensor
        ``O C/groups kh kw``, the image's dtype.
    bias : Tensor, optional
        ``O``, the image's dtype.
    stride, dilation : int or (int, int)
        In pixels, for both axes or for (height, width).
    padding : int, (int, int) or str
        Zeros on each side, for both axes or for (height, width); ``"same"`` adds what keeps the
        size, with stride 1, and ``"valid"`` nothing.
    groups : int
        Equal parts into which the channels are divided; divides both ``C`` and ``O``.

    Returns
    -------
    Tensor
        ``N O Ho Wo`` with the sides of `output_size`, in the image's dtype: the same numbers as
        by `conv2d_loops`.

    Raises
    ------
    ValueError
        For shapes or settings that do not fit together.
    TypeError
        For images that are not float, a weight or bias of another dtype, or a setting that is
        not a whole number.

    Examples
    --------
    >>> image = torch.arange(9.0).view(1, 1, 3, 3)
    >>> weight = torch.tensor([[[[1.0, 0.0], [0.0, 1.0]]]])
    >>> conv2d_windows(image, weight).tolist()
    [[[[4.0, 6.0], [10.0, 12.0]]]]
    """
    check_conv(image, weight, bias, groups)
    image = add_border(image, weight, padding, stride=stride, dilation=dilation)
    seen = windows(image, sides(weight), stride=stride, dilation=dilation)
    seen = seen.unflatten(1, (groups, -1))  # N C Ho Wo kh kw -> N G C/G Ho Wo kh kw
    grouped = weight.unflatten(0, (groups, -1))  # O C/G kh kw -> G O/G C/G kh kw
    output = torch.einsum("ngcijuv,gocuv->ngoij", seen, grouped)
    return add_bias(output.flatten(1, 2), bias)


def conv2d_matmul(
    image: Float[Tensor, "N C H W"],
    weight: Float[Tensor, "O Cg kh kw"],
    bias: Float[Tensor, " O"] | None = None,
    *,
    stride: Pair = 1,
    padding: Pair | str = 0,
    dilation: Pair = 1,
    groups: int = 1,
) -> Float[Tensor, "N O Ho Wo"]:
    """Convolve by one matrix product, with every window written as a column (im2col).

    Parameters
    ----------
    image : Tensor
        ``N C H W``, float. An empty batch gives an empty result.
    weight : Tensor
        ``O C/groups kh kw``, the image's dtype.
    bias : Tensor, optional
        ``O``, the image's dtype.
    stride, dilation : int or (int, int)
        In pixels, for both axes or for (height, width).
    padding : int, (int, int) or str
        Zeros on each side, for both axes or for (height, width); ``"same"`` adds what keeps the
        size, with stride 1, and ``"valid"`` nothing.
    groups : int
        Equal parts into which the channels are divided; divides both ``C`` and ``O``.

    Returns
    -------
    Tensor
        ``N O Ho Wo`` with the sides of `output_size`, in the image's dtype: the same numbers as
        by `conv2d_loops`.

    Raises
    ------
    ValueError
        For shapes or settings that do not fit together.
    TypeError
        For images that are not float, a weight or bias of another dtype, or a setting that is
        not a whole number.

    Examples
    --------
    >>> image = torch.arange(9.0).view(1, 1, 3, 3)
    >>> weight = torch.tensor([[[[1.0, 0.0], [0.0, 1.0]]]])
    >>> conv2d_matmul(image, weight).tolist()
    [[[[4.0, 6.0], [10.0, 12.0]]]]
    """
    check_conv(image, weight, bias, groups)
    image = add_border(image, weight, padding, stride=stride, dilation=dilation)
    seen = windows(image, sides(weight), stride=stride, dilation=dilation)
    n, _, ho, wo, _, _ = seen.shape
    rows = weight.reshape(groups, len(weight) // groups, -1)
    # N C Ho Wo kh kw -> N G (C/G kh kw) (Ho Wo): the copy that im2col pays for
    columns = seen.permute(0, 1, 4, 5, 2, 3).reshape(n, groups, rows.shape[-1], ho * wo)
    return add_bias((rows @ columns).reshape(n, len(weight), ho, wo), bias)


def conv2d_library(
    image: Float[Tensor, "N C H W"],
    weight: Float[Tensor, "O Cg kh kw"],
    bias: Float[Tensor, " O"] | None = None,
    *,
    stride: Pair = 1,
    padding: Pair | str = 0,
    dilation: Pair = 1,
    groups: int = 1,
) -> Float[Tensor, "N O Ho Wo"]:
    """Convolve by PyTorch's own function, which picks the fastest way for the machine.

    Parameters
    ----------
    image : Tensor
        ``N C H W``, float. An empty batch gives an empty result.
    weight : Tensor
        ``O C/groups kh kw``, the image's dtype.
    bias : Tensor, optional
        ``O``, the image's dtype.
    stride, dilation : int or (int, int)
        In pixels, for both axes or for (height, width).
    padding : int, (int, int) or str
        Zeros on each side, for both axes or for (height, width); ``"same"`` adds what keeps the
        size, with stride 1, and ``"valid"`` nothing.
    groups : int
        Equal parts into which the channels are divided; divides both ``C`` and ``O``.

    Returns
    -------
    Tensor
        ``N O Ho Wo`` with the sides of `output_size`, in the image's dtype: the same numbers as
        by `conv2d_loops`.

    Raises
    ------
    ValueError
        For shapes or settings that do not fit together.
    TypeError
        For images that are not float, a weight or bias of another dtype, or a setting that is
        not a whole number.

    Examples
    --------
    >>> image = torch.arange(9.0).view(1, 1, 3, 3)
    >>> weight = torch.tensor([[[[1.0, 0.0], [0.0, 1.0]]]])
    >>> conv2d_library(image, weight).tolist()
    [[[[4.0, 6.0], [10.0, 12.0]]]]
    """
    check_conv(image, weight, bias, groups)
    if isinstance(padding, str):
        image = add_border(image, weight, padding, stride=stride, dilation=dilation)
        padding = 0
    steps, border = pair(stride, "stride", 1), pair(padding, "padding", 0)
    gaps = pair(dilation, "dilation", 1)
    for size, side, p, d in zip(image.shape[2:], sides(weight), border, gaps, strict=True):
        output_size(size, side, padding=p, dilation=d)  # refuses a kernel that does not fit
    return F.conv2d(image, weight, bias, steps, border, gaps, groups)


def apply_kernel(
    image: Float[Tensor, "N C H W"], kernel: Float[Tensor, "kh kw"]
) -> Float[Tensor, "N C H W"]:
    """Filter every channel by itself with one kernel, keeping the size.

    Parameters
    ----------
    image : Tensor
        ``N C H W``, float. Its border pixels are repeated outwards, so that the frame is not an
        edge.
    kernel : Tensor
        ``kh kw``, odd sides, such as one of `KERNELS`.

    Returns
    -------
    Tensor
        ``N C H W``.

    Raises
    ------
    ValueError
        For a kernel without two odd sides, or images without four axes.
    TypeError
        For images that are not float.

    Examples
    --------
    A flat image has no edges:

    >>> apply_kernel(torch.ones(1, 1, 3, 3), KERNELS["sobel x"]).abs().sum().item()
    0.0
    """
    check_float_images(image)
    check_floats(kernel, "kernel")
    if image.shape[1] < 1:
        raise ValueError(f"images to filter must have a channel, got shape {tuple(image.shape)}")
    if kernel.ndim != 2 or not all(side % 2 for side in kernel.shape):
        raise ValueError(
            f"a kernel that keeps the size must have two odd sides, got {tuple(kernel.shape)}"
        )
    c = image.shape[1]
    ph, pw = (side // 2 for side in kernel.shape)
    padded = F.pad(image, (pw, pw, ph, ph), mode="replicate")
    weight = kernel.to(image.dtype).expand(c, 1, *kernel.shape)
    return conv2d_library(padded, weight, groups=c)


class DepthwiseSeparableConv2d(nn.Module):
    """Filter each channel by itself, then mix the channels with a 1×1 convolution.

    Parameters
    ----------
    in_channels, out_channels : int
        At least 1.
    kernel_size : int
        Side of the depthwise kernel.
    stride, padding : int
        Of the depthwise convolution; ``padding="same"`` keeps the size, with stride 1.
    bias : bool
        Whether both convolutions have one.

    References
    ----------
    Howard et al., MobileNets, arXiv:1704.04861.

    Examples
    --------
    >>> layer = DepthwiseSeparableConv2d(3, 16, 3, padding=1)
    >>> tuple(layer(torch.zeros(1, 3, 8, 8)).shape)
    (1, 16, 8, 8)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        stride: int = 1,
        padding: int | str = 0,
        bias: bool = True,
    ) -> None:
        super().__init__()
        for name, value in (("in_channels", in_channels), ("out_channels", out_channels)):
            check_whole(value, name, 1)
        check_whole(kernel_size, "kernel_size", 1)
        check_whole(stride, "stride", 1)
        if isinstance(padding, str):
            check_same(padding, stride)
        else:
            check_whole(padding, "padding", 0)
        check_flag(bias, "bias")
        self.depthwise = nn.Conv2d(
            in_channels,
            in_channels,
            kernel_size,
            stride=stride,
            padding=padding,
            groups=in_channels,
            bias=bias,
        )
        self.pointwise = nn.Conv2d(in_channels, out_channels, 1, bias=bias)

    def forward(self, x: Float[Tensor, "N C H W"]) -> Float[Tensor, "N O Ho Wo"]:
        """Apply both convolutions."""
        layer = self.depthwise
        border = layer.kernel_size[0] // 2 if layer.padding == "same" else 0
        border = border if isinstance(layer.padding, str) else int(layer.padding[0])
        least = max(1, layer.kernel_size[0] - 2 * border)
        check_input(x, "this layer", layer.in_channels, layer.weight, least=least)
        return self.pointwise(self.depthwise(x))


def conv_parameters(
    in_channels: int, out_channels: int, kernel_size: Pair, *, groups: int = 1, bias: bool = True
) -> int:
    """Count the weights, and biases, of a convolution.

    Parameters
    ----------
    in_channels, out_channels : int
        At least 1, both divisible by `groups`.
    kernel_size : int or (int, int)
        Sides of the kernel.
    groups : int
        Parts into which the channels are divided.
    bias : bool
        Whether there is one number more for each output channel.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        For counts below 1 or groups that do not divide them.

    Examples
    --------
    >>> conv_parameters(3, 16, 3), conv_parameters(1, 1, 5, bias=False)
    (448, 25)
    """
    kh, kw = pair(kernel_size, "kernel_size", 1)
    for name, value in (
        ("in_channels", in_channels),
        ("out_channels", out_channels),
        ("groups", groups),
    ):
        check_whole(value, name)
    check_flag(bias, "bias")
    if min(in_channels, out_channels, groups) < 1:
        raise ValueError(
            f"channels and groups must be at least 1, got {in_channels}, {out_channels} "
            f"and {groups}"
        )
    if in_channels % groups or out_channels % groups:
        raise ValueError(
            f"groups must divide both channel counts, got groups={groups} for {in_channels} "
            f"and {out_channels}"
        )
    return out_channels * (in_channels // groups * kh * kw + bias)


def conv_multiply_adds(
    in_channels: int,
    out_channels: int,
    kernel_size: Pair,
    *,
    output_size: tuple[int, int],
    groups: int = 1,
) -> int:
    """Count the multiply-adds of a convolution on one image: every weight, at every place.

    Parameters
    ----------
    in_channels, out_channels : int
        At least 1, both divisible by `groups`.
    kernel_size : int or (int, int)
        Sides of the kernel.
    output_size : (int, int)
        Height and width of the output, each at least 1.
    groups : int
        Parts into which the channels are divided.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        For counts below 1, groups that do not divide them, or an output without a pixel.

    Examples
    --------
    >>> conv_multiply_adds(3, 16, 3, output_size=(10, 10))
    43200
    """
    h, w = pair(output_size, "the output's side", 1)
    weights = conv_parameters(in_channels, out_channels, kernel_size, groups=groups, bias=False)
    return weights * h * w

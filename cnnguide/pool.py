"""Pooling: one number for each window, its maximum or its mean.

Page: *pool*. Source: LeCun et al., Gradient-based learning applied to document recognition, 1998
(averages); Krizhevsky et al., 2012 (overlapping maxima); Zhang, Making convolutional networks
shift-invariant again, arXiv:1904.11486 (blurred before pixels are left out).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from cnnguide.checks import check_float_images, check_floats, check_whole
from cnnguide.conv import Pair, apply_kernel, pad, pair, windows

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["BINOMIAL", "avg_pool2d", "max_blur_pool2d", "max_pool2d", "relative_change"]

#: The kernel that blurs in `max_blur_pool2d`: 1, 2, 1 in both directions, divided by their sum.
BINOMIAL = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16


def max_pool2d(
    image: Float[Tensor, "N C H W"],
    kernel_size: Pair,
    *,
    stride: Pair | None = None,
    padding: Pair = 0,
) -> Float[Tensor, "N C Ho Wo"]:
    """Take the largest value of every window.

    Parameters
    ----------
    image : Tensor
        ``N C H W``, float.
    kernel_size : int or (int, int)
        Sides of the window in pixels.
    stride : int or (int, int), optional
        Pixels from one window to the next; the window's own sides unless given.
    padding : int or (int, int)
        Pixels added on every side, at most half the window. They are minus infinity, so that
        they never win.

    Returns
    -------
    Tensor
        ``N C Ho Wo`` with the sides of `conv.output_size`.

    Raises
    ------
    ValueError
        For shapes or settings that do not fit together.
    TypeError
        For images that are not float.

    Examples
    --------
    >>> import torch
    >>> max_pool2d(torch.arange(16.0).view(1, 1, 4, 4), 2).tolist()
    [[[[5.0, 7.0], [13.0, 15.0]]]]
    """
    seen = pool_windows(image, kernel_size, stride, padding, outside=-float("inf"))
    # Among equal values max() over one axis picks one, as PyTorch does; amax would share.
    return seen.flatten(-2).max(-1).values


def avg_pool2d(
    image: Float[Tensor, "N C H W"],
    kernel_size: Pair,
    *,
    stride: Pair | None = None,
    padding: Pair = 0,
) -> Float[Tensor, "N C Ho Wo"]:
    """Take the mean of every window.

    Parameters
    ----------
    image : Tensor
        ``N C H W``, float.
    kernel_size : int or (int, int)
        Sides of the window in pixels.
    stride : int or (int, int), optional
        Pixels from one window to the next; the window's own sides unless given.
    padding : int or (int, int)
        Pixels added on every side, at most half the window. They are zeros, and count in the mean.

    Returns
    -------
    Tensor
        ``N C Ho Wo`` with the sides of `conv.output_size`.

    Raises
    ------
    ValueError
        For shapes or settings that do not fit together.
    TypeError
        For images that are not float.

    Examples
    --------
    >>> import torch
    >>> avg_pool2d(torch.arange(16.0).view(1, 1, 4, 4), 2).tolist()
    [[[[2.5, 4.5], [10.5, 12.5]]]]
    """
    return pool_windows(image, kernel_size, stride, padding, outside=0.0).mean((-2, -1))


def max_blur_pool2d(
    image: Float[Tensor, "N C H W"], kernel_size: int = 2, *, stride: int = 2
) -> Float[Tensor, "N C Ho Wo"]:
    """Take the largest value of every window, one pixel apart; blur; keep some of the results.

    Parameters
    ----------
    image : Tensor
        ``N C H W``, float.
    kernel_size : int
        Side of the window in pixels.
    stride : int
        Every how many results one is kept.

    Returns
    -------
    Tensor
        ``N C Ho Wo``.

    Raises
    ------
    ValueError
        For shapes or settings that do not fit together.
    TypeError
        For images that are not float.

    Notes
    -----
    `max_pool2d` keeps the same maxima without the blur. The border is repeated outwards.

    References
    ----------
    Zhang, Making convolutional networks shift-invariant again, ICML 2019, arXiv:1904.11486.

    Examples
    --------
    >>> image = torch.tensor([0.0, 0, 4, 4, 0, 0]).expand(1, 1, 2, 6)
    >>> max_blur_pool2d(image).tolist()
    [[[[1.0, 4.0, 1.0]]]]
    """
    check_whole(stride, "stride", 1)
    blurred = apply_kernel(max_pool2d(image, kernel_size, stride=1), BINOMIAL)
    return blurred[:, :, ::stride, ::stride]


def relative_change(before: Float[Tensor, "*dims"], after: Float[Tensor, "*dims"]) -> float:
    r"""Measure by how much a feature map has changed, as a part of its own length.

    Parameters
    ----------
    before, after : Tensor
        Two maps of the same shape, float.

    Returns
    -------
    float
        0 if nothing has changed; it may exceed 1.

    Raises
    ------
    ValueError
        For two shapes, or a map that is zero everywhere before the change.

    Notes
    -----
    :math:`\lVert y' - y \rVert / \lVert y \rVert`, with the root of the sum of squares as length.

    Examples
    --------
    >>> relative_change(torch.tensor([0.0, 4, 0]), torch.tensor([0.0, 2, 0]))
    0.5
    """
    check_floats(before, "before")
    check_floats(after, "after")
    if before.shape != after.shape:
        raise ValueError(
            f"both maps must have the same shape, got {tuple(before.shape)} and "
            f"{tuple(after.shape)}"
        )
    if not (length := before.norm()):
        raise ValueError("the map before the change must not be zero everywhere")
    return ((after - before).norm() / length).item()


def pool_windows(
    image: Tensor, kernel_size: Pair, stride: Pair | None, padding: Pair, *, outside: float
) -> Tensor:
    """Pad, and show the windows that both kinds of pooling look at."""
    check_float_images(image)
    kernel, border = pair(kernel_size, "kernel_size", 1), pair(padding, "padding", 0)
    if any(2 * p > k for p, k in zip(border, kernel, strict=True)):
        raise ValueError(
            f"padding must be at most half the window, got {padding} for {kernel_size}"
        )
    step = kernel if stride is None else stride
    return windows(pad(image, border, value=outside), kernel, stride=step)

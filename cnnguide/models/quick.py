"""QuickNet: a small network that learns CIFAR-10 on a laptop while you wait.

Page: *train*. After Jordan, 94% on CIFAR-10 in 3.29 seconds on a single GPU, arXiv:2404.00498, with
a 3×3 stem of stride 2 that quarters the work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cnnguide.checks import check_float_images, check_input, check_range, check_type, check_whole
from cnnguide.conv import windows

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["QuickNet", "whitening_filters"]


def whitening_filters(
    images: Float[Tensor, "N C H W"], *, kernel_size: int = 3, eps: float = 1e-2
) -> Float[Tensor, "O C kh kw"]:
    r"""Find the filters that make the pixels of a patch uncorrelated and equally strong.

    Parameters
    ----------
    images : Tensor
        ``N C H W``, float, normalised.
    kernel_size : int
        Side of the patches.
    eps : float
        Added to the eigenvalues, so that noise in the weakest directions is not blown up.

    Returns
    -------
    Tensor
        ``C * kernel_size ** 2`` filters of shape ``C kernel_size kernel_size``, the strongest
        direction first.

    Raises
    ------
    ValueError
        If there are fewer patches than numbers in a patch.

    Notes
    -----
    With the patches' covariance :math:`\Sigma = \sum_k \lambda_k v_k v_k^\top`, filter :math:`k` is
    :math:`v_k / \sqrt{\lambda_k + \epsilon}`.

    Examples
    --------
    >>> images = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    >>> tuple(whitening_filters(images).shape)
    (27, 3, 3, 3)
    """
    check_float_images(images)
    check_whole(kernel_size, "kernel_size", 1)
    check_range(eps, "eps", 0)
    if images.shape[1] < 1 or not images.isfinite().all():
        raise ValueError("images to whiten must have a channel and finite numbers, got others")
    # N C Ho Wo kh kw -> (N Ho Wo) (C kh kw)
    patches = windows(images, kernel_size).permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(0, 2)
    count, size = patches.shape
    if count < size:
        raise ValueError(f"{size} directions must have at least as many patches, got {count}")
    covariance = patches.T.double().cov()
    strengths, directions = torch.linalg.eigh(covariance)
    if not (strengths + eps > 0).all():
        raise ValueError(
            f"eps must be above 0 where patches do not differ in every direction, got {eps}"
        )
    filters = directions.T / (strengths + eps).sqrt()[:, None]
    shape = (size, images.shape[1], kernel_size, kernel_size)
    return filters.flip(0).reshape(shape).to(images.dtype)


class Group(nn.Module):
    """Convolution, pooling and convolution, each followed by BatchNorm and GELU."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        self.pool = nn.MaxPool2d(2)
        self.bn1 = nn.BatchNorm2d(out_channels, momentum=0.4)  # short runs need young statistics
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels, momentum=0.4)
        for convolution in (self.conv1, self.conv2):
            # The first channels start as the identity, so that depth does not hurt at first.
            nn.init.dirac_(convolution.weight[: convolution.in_channels].data)

    def forward(self, x: Float[Tensor, "N C H W"]) -> Float[Tensor, "N O Ho Wo"]:
        """Halve the side."""
        x = F.gelu(self.bn1(self.pool(self.conv1(x))))
        return F.gelu(self.bn2(self.conv2(x)))


class QuickNet(nn.Module):
    """Classify 32×32 colour images.

    Parameters
    ----------
    num_classes : int
        Scores to give, at least 1.
    widths : (int, int, int)
        Channels of the three groups.

    Raises
    ------
    ValueError
        For fewer than one class, or on an input that is not ``N 3 32 32``.

    Notes
    -----
    Call `whiten` with some training images before training: the stem is fixed, not learned.

    Examples
    --------
    >>> model = QuickNet()
    >>> tuple(model(torch.zeros(2, 3, 32, 32)).shape)
    (2, 10)
    >>> f"{sum(p.numel() for p in model.parameters()):,}"
    '1,178,969'
    """

    def __init__(
        self, *, num_classes: int = 10, widths: tuple[int, int, int] = (64, 128, 256)
    ) -> None:
        super().__init__()
        check_whole(num_classes, "num_classes", 1)
        check_type(widths, tuple | list, "widths", "three whole numbers")
        if len(widths) != 3:
            raise ValueError(f"widths must hold three numbers, got {len(widths)}")
        for width in widths:
            check_whole(width, "a width", 1)
        self.stem = nn.Conv2d(3, 27, 3, stride=2, padding=1, bias=False)
        self.stem.weight.requires_grad = False
        self.group1 = Group(2 * 27, widths[0])
        self.group2 = Group(widths[0], widths[1])
        self.group3 = Group(widths[1], widths[2])
        self.fc = nn.Linear(widths[2], num_classes, bias=False)

    @torch.no_grad()
    def whiten(self, images: Float[Tensor, "N 3 32 32"]) -> None:
        """Set the stem to the whitening filters of some normalised training images."""
        self.stem.weight.copy_(whitening_filters(images))

    def forward(self, x: Float[Tensor, "N 3 32 32"]) -> Float[Tensor, "N classes"]:
        """Give a score for each class."""
        check_input(x, "QuickNet", 3, next(self.parameters()), side=32)
        x = self.stem(x)  # N 27 16 16
        x = F.gelu(torch.cat([x, -x], 1))  # both signs survive the nonlinearity: N 54 16 16
        x = self.group3(self.group2(self.group1(x)))  # N 256 2 2
        x = x.amax((2, 3))
        return self.fc(x) / 4  # small scores at first: the loss starts near that of guessing

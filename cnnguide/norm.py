"""Batch normalisation from its formula: one mean and one variance a channel.

Page: *norm*. Source: Ioffe and Szegedy, Batch normalization, arXiv:1502.03167.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from cnnguide.checks import (
    check_flag,
    check_float_images,
    check_floats,
    check_number,
    check_range,
    check_shape,
    check_whole,
)

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["BatchNorm2d", "batch_statistics", "standardise"]


def batch_statistics(
    x: Float[Tensor, "N C H W"],
) -> tuple[Float[Tensor, " C"], Float[Tensor, " C"]]:
    r"""Mean and biased variance of each channel, over images, rows and columns.

    Parameters
    ----------
    x : Tensor
        ``N C H W``, float, at least one value a channel.

    Returns
    -------
    mean, variance : Tensor
        ``C`` each.

    Raises
    ------
    ValueError
        For other than four axes, or no value in a channel.

    Notes
    -----
    With the :math:`m = NHW` values of a channel,
    :math:`\mu = \frac1m \sum_k x_k` and :math:`\sigma^2 = \frac1m \sum_k (x_k - \mu)^2`.

    Examples
    --------
    >>> x = torch.tensor([1.0, 2.0, 3.0, 4.0]).view(4, 1, 1, 1)
    >>> [value.item() for value in batch_statistics(x)]
    [2.5, 1.25]
    """
    check_float_images(x)
    if x.numel() == 0:
        raise ValueError(
            f"batch statistics must have at least one value, got shape {tuple(x.shape)}"
        )
    mean = x.mean((0, 2, 3))
    return mean, (x - mean.view(-1, 1, 1)).square().mean((0, 2, 3))


def standardise(
    x: Float[Tensor, "N C H W"],
    mean: Float[Tensor, " C"],
    variance: Float[Tensor, " C"],
    *,
    eps: float = 1e-5,
) -> Float[Tensor, "N C H W"]:
    """Subtract each channel's mean and divide by its standard deviation.

    Parameters
    ----------
    x : Tensor
        ``N C H W``.
    mean, variance : Tensor
        ``C`` each.
    eps : float
        Added to the variance, so that a constant channel divides by no zero.

    Returns
    -------
    Tensor
        ``N C H W``.

    Examples
    --------
    >>> x = torch.tensor([1.0, 3.0]).view(2, 1, 1, 1)
    >>> standardise(x, *batch_statistics(x), eps=0.0).flatten().tolist()
    [-1.0, 1.0]
    """
    check_float_images(x)
    for values, name in ((mean, "mean"), (variance, "variance")):
        check_floats(values, name)
        check_shape(values, x.shape[1:2], name)
    check_range(eps, "eps", 0)
    return (x - mean.view(-1, 1, 1)) / (variance.view(-1, 1, 1) + eps).sqrt()


class BatchNorm2d(nn.Module):
    r"""Batch normalisation of feature maps, equal to PyTorch's.

    In training mode a channel is standardised by the batch's own statistics; in evaluation mode
    by running ones, so that one image's answer does not depend on the others.

    Parameters
    ----------
    num_features : int
        Channels, at least 1.
    eps : float
        Added to the variance.
    momentum : float or None
        Weight of the *new* batch in the running statistics; ``None`` averages all batches alike.
    affine : bool
        Whether each channel learns a scale γ (`weight`) and a shift β (`bias`).

    Raises
    ------
    ValueError
        For fewer than one channel, a momentum outside [0, 1], an input that is not
        ``N num_features H W``, or, in training mode, only one value a channel.

    Notes
    -----
    .. math:: y = \gamma \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta

    The batch is scaled by its biased variance; what is remembered is the unbiased one,
    :math:`\frac{m}{m-1}\sigma^2`. Parameters and buffers have PyTorch's names, so a `state_dict`
    moves both ways.

    Examples
    --------
    >>> layer = BatchNorm2d(1, momentum=1.0)
    >>> x = torch.tensor([1.0, 2.0, 3.0, 4.0]).view(4, 1, 1, 1)
    >>> y = layer(x)
    >>> round(layer.running_mean.item(), 4), round(layer.running_var.item(), 4)
    (2.5, 1.6667)
    """

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(
        self,
        num_features: int,
        *,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
    ) -> None:
        super().__init__()
        check_whole(num_features, "num_features", 1)
        check_range(eps, "eps", 0)
        check_flag(affine, "affine")
        if momentum is not None:
            check_number(momentum, "momentum")
        if momentum is not None and not 0 <= momentum <= 1:
            raise ValueError(
                f"momentum, the new batch's weight, must lie from 0 to 1, got {momentum}"
            )
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features)) if affine else None
        self.bias = nn.Parameter(torch.zeros(num_features)) if affine else None
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def extra_repr(self) -> str:
        """Write the settings, as PyTorch's layer does."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
            f"affine={self.weight is not None}"
        )

    def forward(self, x: Float[Tensor, "N C H W"]) -> Float[Tensor, "N C H W"]:
        """Standardise each channel, then scale and shift it."""
        check_floats(x, "images")
        if x.ndim != 4 or x.shape[1] != self.num_features:
            raise ValueError(
                f"images must have shape (N, {self.num_features}, H, W), got {tuple(x.shape)}"
            )
        kept, wide = x.dtype, self.running_mean.dtype
        if kept != wide and (kept.itemsize, wide) != (2, torch.float32):
            raise TypeError(f"this BatchNorm2d must get images in {wide}, got {kept}")
        x = x.to(wide)  # of 16 bits, as under autocast, statistics need 32
        if self.training:
            count = x.numel() // self.num_features
            if count < 2:
                raise ValueError(
                    "training needs at least 2 values a channel, since one has no variance; got "
                    f"shape {tuple(x.shape)}. Take more images, or evaluation mode"
                )
            mean, variance = batch_statistics(x)
            self.remember(mean.detach(), variance.detach() * count / (count - 1))
        else:
            mean, variance = self.running_mean, self.running_var
        x = standardise(x, mean, variance, eps=self.eps)
        if self.weight is not None and self.bias is not None:
            x = x * self.weight.view(-1, 1, 1) + self.bias.view(-1, 1, 1)
        return x.to(kept)

    @torch.no_grad()
    def remember(self, mean: Tensor, unbiased_variance: Tensor) -> None:
        """Move the running statistics towards the batch's."""
        self.num_batches_tracked += 1
        new = 1 / self.num_batches_tracked.item() if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, new)
        self.running_var.lerp_(unbiased_variance, new)

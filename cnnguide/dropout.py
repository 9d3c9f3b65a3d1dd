"""Dropout from its formula: drop at random in training, do nothing at inference.

Page: *dropout*. Source: Srivastava et al., Dropout: a simple way to prevent neural networks from
overfitting, JMLR 15, 2014; in the inverted form, which scales in training and not
at inference. There p is the probability to keep, here the probability to drop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from cnnguide.checks import check_floats, check_generator, check_number, check_tensor

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

__all__ = ["Dropout", "draw_mask", "drop_where", "dropout"]


def check_probability(p: float) -> None:
    """Refuse what is not a probability; the comparison also refuses NaN."""
    check_number(p, "p")
    if not 0 <= p <= 1:
        raise ValueError(f"p, the probability to drop, must be from 0 to 1, got {p}")


def draw_mask(
    x: Float[Tensor, ...], *, p: float, generator: torch.Generator | None = None
) -> Bool[Tensor, ...]:
    """Choose which activations are dropped, each by itself with probability `p`.

    Parameters
    ----------
    x : Tensor
        Any shape; only its shape and device count.
    p : float
        Probability to drop, from 0 to 1.
    generator : torch.Generator, optional
        Source of the choice; PyTorch's global one unless given.

    Returns
    -------
    Tensor
        bool, true where dropped.

    Raises
    ------
    ValueError
        For `p` outside [0, 1].

    Examples
    --------
    >>> draw_mask(torch.zeros(3), p=1.0).tolist()
    [True, True, True]
    """
    check_tensor(x, "x")
    check_probability(p)
    check_generator(generator, optional=True)
    return torch.rand(x.shape, generator=generator, device=x.device) < p


def drop_where(x: Float[Tensor, ...], mask: Bool[Tensor, ...], *, p: float) -> Float[Tensor, ...]:
    r"""Set the masked activations to zero and scale the rest, so that the mean stays.

    Parameters
    ----------
    x : Tensor
        Any shape, float.
    mask : Tensor
        bool, the shape of `x`, true where dropped.
    p : float
        Probability with which the mask was drawn.

    Returns
    -------
    Tensor
        The shape of `x`.

    Raises
    ------
    ValueError
        For `p` outside [0, 1], or a mask of another shape.

    Notes
    -----
    .. math:: y = \frac{m \cdot x}{1 - p}, \qquad P(m = 0) = p
        \quad\Rightarrow\quad E[y] = x

    The variance of :math:`y` is :math:`x^2 \, p / (1 - p)`.

    Examples
    --------
    >>> mask = torch.tensor([True, False, False, True])
    >>> drop_where(torch.tensor([1.0, 2.0, 3.0, 4.0]), mask, p=0.5).tolist()
    [0.0, 4.0, 6.0, 0.0]
    """
    check_floats(x, "x")
    check_tensor(mask, "mask")
    check_probability(p)
    if mask.dtype != torch.bool:
        raise TypeError(f"mask must be bool, got {mask.dtype}")
    if mask.shape != x.shape:
        raise ValueError(
            f"the mask must have the shape of x, {tuple(x.shape)}, got {tuple(mask.shape)}"
        )
    if p == 1:  # nothing is left to scale
        return x * 0
    return x.masked_fill(mask, 0) / (1 - p)


def dropout(
    x: Float[Tensor, ...], *, p: float, generator: torch.Generator | None = None
) -> Float[Tensor, ...]:
    """Apply dropout as in training.

    Parameters
    ----------
    x : Tensor
        Any shape, float.
    p : float
        Probability to drop, from 0 to 1.
    generator : torch.Generator, optional
        Source of the choice.

    Returns
    -------
    Tensor
        The shape of `x`.

    Raises
    ------
    ValueError
        For `p` outside [0, 1].
    TypeError
        For integers, whose scaled values could not be kept.

    Examples
    --------
    >>> x = torch.ones(1000)
    >>> y = dropout(x, p=0.5, generator=torch.Generator().manual_seed(0))
    >>> sorted(set(y.tolist())), 450 < y.count_nonzero().item() < 550
    ([0.0, 2.0], True)
    """
    check_tensor(x, "x")
    if not x.is_floating_point():
        raise TypeError(f"dropout divides x, so x must be floating-point, got {x.dtype}")
    return drop_where(x, draw_mask(x, p=p, generator=generator), p=p)


class Dropout(nn.Module):
    """Dropout as a layer: at work in training mode, the identity in evaluation mode.

    Parameters
    ----------
    p : float
        Probability to drop, from 0 to 1.
    generator : torch.Generator, optional
        Source of the choice.

    Raises
    ------
    ValueError
        For `p` outside [0, 1].

    Examples
    --------
    >>> layer = Dropout(0.5).eval()
    >>> layer(torch.ones(3)).tolist()
    [1.0, 1.0, 1.0]
    """

    def __init__(self, p: float = 0.5, *, generator: torch.Generator | None = None) -> None:
        super().__init__()
        check_probability(p)
        check_generator(generator, optional=True)
        self.p = p
        self.generator = generator

    def extra_repr(self) -> str:
        """Write the probability, as PyTorch's layer does."""
        return f"p={self.p}"

    def forward(self, x: Float[Tensor, ...]) -> Float[Tensor, ...]:
        """Drop in training mode only."""
        check_floats(x, "x")
        return dropout(x, p=self.p, generator=self.generator) if self.training else x

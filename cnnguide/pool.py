"""Pooling: one number for each window, its maximum or its mean.

Page: *pool*. Source: LeCun et al., Gradient-based learning applied to document recognition, 1998
(averages); Krizhevsky et al., 2012 (overlapping maxima).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from cnnguide.conv import Pair, check_images, pad, pair, windows

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["avg_pool2d", "max_pool2d"]


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
    image, kernel_size, stride, padding
        As in `max_pool2d`, except that padding is zero and counts in the mean.

    Returns
    -------
    Tensor
        ``N C Ho Wo``.

    Raises
    ------
    ValueError, TypeError
        As `max_pool2d`.

    Examples
    --------
    >>> import torch
    >>> avg_pool2d(torch.arange(16.0).view(1, 1, 4, 4), 2).tolist()
    [[[[2.5, 4.5], [10.5, 12.5]]]]
    """
    return pool_windows(image, kernel_size, stride, padding, outside=0.0).mean((-2, -1))


def pool_windows(
    image: Tensor, kernel_size: Pair, stride: Pair | None, padding: Pair, *, outside: float
) -> Tensor:
    """Pad, and show the windows that both kinds of pooling look at."""
    check_images(image)
    kernel, border = pair(kernel_size, "kernel", 1), pair(padding, "padding", 0)
    if any(2 * p > k for p, k in zip(border, kernel, strict=True)):
        raise ValueError(f"padding is at most half the window, got {padding} for {kernel_size}")
    step = kernel if stride is None else stride
    return windows(pad(image, border, value=outside), kernel, stride=step)

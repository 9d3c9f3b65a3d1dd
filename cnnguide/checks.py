"""What a function accepts, said once: each check is one sentence that every chapter shares."""

from __future__ import annotations

from torch import Tensor

__all__ = ["check_float_images", "check_images"]


def check_images(images: Tensor) -> None:
    """Refuse what is not a batch of images.

    Parameters
    ----------
    images : Tensor
        ``N C H W``.

    Raises
    ------
    ValueError
        For another number of axes than four.

    Examples
    --------
    >>> import torch
    >>> check_images(torch.zeros(3, 32, 32))
    Traceback (most recent call last):
    ValueError: images must have shape (N, C, H, W), got (3, 32, 32)
    """
    if images.ndim != 4:
        raise ValueError(f"images must have shape (N, C, H, W), got {tuple(images.shape)}")


def check_float_images(images: Tensor) -> None:
    """Refuse what is not a batch of images in floats.

    Parameters
    ----------
    images : Tensor
        ``N C H W``, float.

    Raises
    ------
    TypeError
        For integers.
    ValueError
        As `check_images`.

    Examples
    --------
    >>> import torch
    >>> check_float_images(torch.zeros(1, 3, 2, 2, dtype=torch.uint8))
    Traceback (most recent call last):
    TypeError: images must be floats, got torch.uint8; data.to_float turns bytes into them
    """
    check_images(images)
    if not images.is_floating_point():
        raise TypeError(
            f"images must be floats, got {images.dtype}; data.to_float turns bytes into them"
        )

"""Random changes that leave a label true: torchvision's pipelines, and whole batches at once.

Page: *augment*. The recipes are those of He et al., arXiv:1512.03385 (CIFAR-10: pad by 4, crop,
flip) and of torchvision's ImageNet references.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torchvision.transforms import InterpolationMode, v2

from cnnguide import data
from cnnguide.checks import (
    check_flag,
    check_generator,
    check_images,
    check_range,
    check_tensor,
    check_whole,
    has_values,
)
from cnnguide.conv import pad, windows

if TYPE_CHECKING:
    from jaxtyping import Bool, Int64, Shaped

__all__ = [
    "CLASSIC",
    "IMAGENET_MEAN",
    "IMAGENET_STD",
    "cifar_pipeline",
    "crop_at",
    "cutout_at",
    "flip_where",
    "imagenet_pipeline",
    "random_crop",
    "random_cutout",
    "random_flip",
]

#: Mean of ImageNet's channels, in [0, 1], as torchvision's weights expect it.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
#: Standard deviation of ImageNet's channels, likewise.
IMAGENET_STD = (0.229, 0.224, 0.225)
BILINEAR = InterpolationMode.BILINEAR

#: One transform each, for uint8 or float images of any size; noise takes floats.
CLASSIC = {
    "horizontal flip": v2.RandomHorizontalFlip(p=1.0),
    "vertical flip": v2.RandomVerticalFlip(p=1.0),
    "rotation": v2.RandomRotation(15, interpolation=BILINEAR),
    "crop": v2.RandomCrop(32, padding=4),
    "scale": v2.RandomAffine(0, scale=(0.8, 1.2), interpolation=BILINEAR),
    "colour jitter": v2.ColorJitter(brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1),
    "noise": v2.GaussianNoise(sigma=0.05),
    "erasing": v2.RandomErasing(p=1.0, scale=(0.05, 0.2)),
}


def cifar_pipeline(*, train: bool) -> v2.Compose:
    """Make the usual CIFAR-10 pipeline, for one image after another.

    Parameters
    ----------
    train : bool
        If true, crop at random from the image padded by 4, and flip with probability 0.5.

    Returns
    -------
    torchvision.transforms.v2.Compose
        Maps a ``3 32 32`` uint8 image to a normalised float one.

    Examples
    --------
    >>> image = torch.zeros(3, 32, 32, dtype=torch.uint8)
    >>> cifar_pipeline(train=True)(image).shape
    torch.Size([3, 32, 32])
    """
    check_flag(train, "train")
    # The crop pads with black, so it comes before the normalisation, in which black is not 0.
    changes = [v2.RandomCrop(32, padding=4), v2.RandomHorizontalFlip()] if train else []
    return v2.Compose([*changes, *as_normalised(data.MEAN, data.STD)])


def imagenet_pipeline(*, train: bool) -> v2.Compose:
    """Make a pipeline for photographs of any size and networks that take 224 pixels.

    Parameters
    ----------
    train : bool
        With one small rotation and shift, a random part of the image, a flip, colour jitter, and
        erasing; else the middle of the image.

    Returns
    -------
    torchvision.transforms.v2.Compose
        Maps a ``3 H W`` uint8 image to a normalised ``3 224 224`` float one.

    Notes
    -----
    Rotation and shift are one affine transform: two would cut the corners twice. Erasing comes
    last, so that what it fills with 0 is the mean colour.

    Examples
    --------
    >>> image = torch.zeros(3, 300, 400, dtype=torch.uint8)
    >>> [imagenet_pipeline(train=train)(image).shape[-1] for train in (True, False)]
    [224, 224]
    """
    check_flag(train, "train")
    normalised = as_normalised(IMAGENET_MEAN, IMAGENET_STD)
    if not train:
        return v2.Compose([v2.Resize(256, antialias=True), v2.CenterCrop(224), *normalised])
    return v2.Compose(
        [
            v2.RandomAffine(15, translate=(0.1, 0.1), interpolation=BILINEAR),
            v2.RandomResizedCrop(224, scale=(0.08, 1.0), antialias=True),
            v2.RandomHorizontalFlip(),
            v2.ColorJitter(brightness=0.2, contrast=0.2, saturation=0.2, hue=0.1),
            *normalised,
            v2.RandomErasing(p=0.1, scale=(0.02, 0.2)),
        ]
    )


def as_normalised(mean: tuple[float, ...], std: tuple[float, ...]) -> list[v2.Transform]:
    """Turn bytes into floats in [0, 1] and normalise them."""
    return [v2.ToDtype(torch.float32, scale=True), v2.Normalize(list(mean), list(std))]


def check_places(images: Tensor, rows: Tensor, columns: Tensor, what: str) -> None:
    """Refuse other than one row and one column for each image."""
    for values, name in ((rows, "rows"), (columns, "columns")):
        check_tensor(values, name)
        if values.dtype != torch.int64:
            raise TypeError(f"{name} must be whole numbers of type int64, got {values.dtype}")
    if not rows.shape == columns.shape == images.shape[:1]:
        raise ValueError(
            f"rows and columns must have shape ({len(images)},), one {what} per image, "
            f"got {tuple(rows.shape)} and {tuple(columns.shape)}"
        )


def crop_at(
    images: Shaped[Tensor, "N C H W"],
    rows: Int64[Tensor, " N"],
    columns: Int64[Tensor, " N"],
    *,
    padding: int,
) -> Shaped[Tensor, "N C H W"]:
    """Pad each image with zeros and cut its own window out, for the whole batch at once.

    Parameters
    ----------
    images : Tensor
        ``N C H W``, any dtype.
    rows, columns : Tensor
        ``N``, int64: the upper left corner of each window in the padded image,
        0 to ``2 * padding``.
    padding : int
        Pixels added on every side, at least 0.

    Returns
    -------
    Tensor
        ``N C H W``, a new tensor.

    Raises
    ------
    ValueError
        For other than four axes, an offset out of range, or other than one offset per image.

    Notes
    -----
    All windows of the padded image are one strided view, which copies nothing; picking one of
    them for each image is one indexing.

    Examples
    --------
    >>> image = torch.tensor([[[[1, 2], [3, 4]]]])
    >>> crop_at(image, torch.tensor([2]), torch.tensor([1]), padding=1).tolist()
    [[[[3, 4], [0, 0]]]]
    """
    check_images(images)
    check_whole(padding, "padding", 0)
    check_places(images, rows, columns, "offset")
    offsets = torch.cat([rows, columns])
    known = len(offsets) and has_values(offsets)
    if known and not 0 <= int(offsets.min()) <= int(offsets.max()) <= 2 * padding:
        raise ValueError(
            f"offsets must lie from 0 to {2 * padding}, "
            f"got {int(offsets.min())} to {int(offsets.max())}"
        )
    h, w = images.shape[2:]
    everyone = torch.arange(len(images), device=images.device)
    crops = windows(pad(images, padding), (h, w))  # N C places places H W
    return crops[everyone, :, rows, columns]  # the chosen place takes the axis in front


def random_crop(
    images: Shaped[Tensor, "N C H W"], *, padding: int = 4, generator: torch.Generator | None = None
) -> Shaped[Tensor, "N C H W"]:
    """Pad and crop each image at its own random place, by the law of torchvision's `RandomCrop`.

    Parameters
    ----------
    images : Tensor
        ``N C H W``, any dtype. Crop before you normalise: what is padded is black.
    padding : int
        Pixels added on every side; each of the ``(2 * padding + 1) ** 2`` places is as likely.
    generator : torch.Generator, optional
        On the CPU or on the images' device; by default PyTorch's global one on the CPU, which
        `torch.manual_seed` seeds.

    Returns
    -------
    Tensor
        ``N C H W``.

    Raises
    ------
    ValueError
        For other than four axes or a padding below 0.

    Examples
    --------
    >>> images = torch.ones(100, 1, 4, 4)
    >>> moved = random_crop(images, padding=1, generator=torch.Generator().manual_seed(0))
    >>> sorted(set(moved.sum((1, 2, 3)).tolist()))
    [9.0, 12.0, 16.0]
    """
    check_images(images)
    check_whole(padding, "padding", 0)
    check_generator(generator, optional=True)
    generator = generator or torch.default_generator
    shape, device = (2, len(images)), generator.device
    offsets = torch.randint(2 * padding + 1, shape, generator=generator, device=device)
    rows, columns = offsets.to(images.device)
    return crop_at(images, rows, columns, padding=padding)


def flip_where(
    images: Shaped[Tensor, "N C H W"], mask: Bool[Tensor, " N"]
) -> Shaped[Tensor, "N C H W"]:
    """Mirror the chosen images left to right.

    Parameters
    ----------
    images : Tensor
        ``N C H W``, any dtype.
    mask : Tensor
        ``N``, bool: which images to mirror.

    Returns
    -------
    Tensor
        ``N C H W``, a new tensor.

    Raises
    ------
    ValueError
        For other than four axes, or other than one choice per image.

    Examples
    --------
    >>> images = torch.tensor([[[[1, 2]]], [[[3, 4]]]])
    >>> flip_where(images, torch.tensor([False, True])).flatten().tolist()
    [1, 2, 4, 3]
    """
    check_images(images)
    check_tensor(mask, "mask")
    if mask.dtype != torch.bool:
        raise TypeError(f"mask must be bool, got {mask.dtype}")
    if mask.shape != images.shape[:1]:
        raise ValueError(
            f"mask must have shape ({len(images)},), one choice per image, got {tuple(mask.shape)}"
        )
    return torch.where(mask.view(-1, 1, 1, 1), images.flip(-1), images)


def random_flip(
    images: Shaped[Tensor, "N C H W"], *, p: float = 0.5, generator: torch.Generator | None = None
) -> Shaped[Tensor, "N C H W"]:
    """Mirror each image with probability `p`, by the law of torchvision's `RandomHorizontalFlip`.

    Parameters
    ----------
    images : Tensor
        ``N C H W``, any dtype.
    p : float
        Probability, from 0 to 1.
    generator : torch.Generator, optional
        On the CPU or on the images' device; by default PyTorch's global one on the CPU, which
        `torch.manual_seed` seeds.

    Returns
    -------
    Tensor
        ``N C H W``.

    Raises
    ------
    ValueError
        For `p` outside [0, 1], or other than four axes.

    Examples
    --------
    >>> image = torch.tensor([[[[1, 2, 3]]]])
    >>> random_flip(image, p=1.0, generator=torch.Generator()).flatten().tolist()
    [3, 2, 1]
    """
    check_images(images)
    check_range(p, "p", 0, 1)
    check_generator(generator, optional=True)
    generator = generator or torch.default_generator
    draws = torch.rand(len(images), generator=generator, device=generator.device)
    return flip_where(images, (draws < p).to(images.device))


def cutout_at(
    images: Shaped[Tensor, "N C H W"],
    rows: Int64[Tensor, " N"],
    columns: Int64[Tensor, " N"],
    *,
    side: int,
) -> Shaped[Tensor, "N C H W"]:
    """Blank a square of each image, the whole batch at once; what leaves the image is cut off.

    Parameters
    ----------
    images : Tensor
        ``N C H W``. Normalise first: 0 is then the mean colour.
    rows, columns : Tensor
        ``N``, int64: the middle of each square.
    side : int
        Of the square, in pixels, at least 1; an even one reaches further up and left.

    Returns
    -------
    Tensor
        ``N C H W``, a new tensor.

    Raises
    ------
    ValueError
        For other than four axes, a side below 1, or other than one place an image.

    References
    ----------
    DeVries and Taylor, Improved regularization of convolutional neural networks with cutout,
    arXiv:1708.04552.

    Examples
    --------
    >>> cutout_at(torch.ones(1, 1, 3, 3), torch.tensor([0]), torch.tensor([2]), side=3)[0, 0]
    tensor([[1., 0., 0.],
            [1., 0., 0.],
            [1., 1., 1.]])
    """
    check_images(images)
    check_whole(side, "side", 1)
    check_places(images, rows, columns, "place")
    h, w = images.shape[-2:]
    down = torch.arange(h, device=images.device) - rows[:, None] + side // 2  # N H
    right = torch.arange(w, device=images.device) - columns[:, None] + side // 2  # N W
    inside = [(away >= 0) & (away < side) for away in (down, right)]
    hole = inside[0][:, None, :, None] & inside[1][:, None, None, :]  # N 1 H W
    return images.masked_fill(hole, 0)


def random_cutout(
    images: Shaped[Tensor, "N C H W"], *, side: int, generator: torch.Generator | None = None
) -> Shaped[Tensor, "N C H W"]:
    """Blank a square around a pixel of each image, every pixel as likely.

    Parameters
    ----------
    images : Tensor
        ``N C H W``, normalised.
    side : int
        Of the square, in pixels, at least 1.
    generator : torch.Generator, optional
        On the CPU or on the images' device; by default PyTorch's global one on the CPU, which
        `torch.manual_seed` seeds.

    Returns
    -------
    Tensor
        ``N C H W``.

    Raises
    ------
    ValueError
        For other than four axes or a side below 1.

    Examples
    --------
    >>> images = torch.ones(50, 1, 4, 4)
    >>> blanked = random_cutout(images, side=2, generator=torch.Generator().manual_seed(0))
    >>> sorted(set(blanked.sum((1, 2, 3)).tolist()))
    [12.0, 14.0, 15.0]
    """
    check_images(images)
    check_whole(side, "side", 1)
    check_generator(generator, optional=True)
    generator = generator or torch.default_generator
    h, w = images.shape[-2:]
    if min(h, w) < 1:
        raise ValueError(f"images must have a pixel, got shape {tuple(images.shape)}")
    rows, columns = (
        torch.randint(end, (len(images),), generator=generator, device=generator.device)
        for end in (h, w)
    )
    return cutout_at(images, rows.to(images.device), columns.to(images.device), side=side)

"""CIFAR-10 as tensors: the shipped sample, the full set, splits, constants and loaders; and digits.

Pages: *data*, and for the digits *lenet*. Sources: Krizhevsky, Learning multiple layers of features
from tiny images, 2009; Alpaydin and Kaynak, Optical recognition of handwritten digits, 1998.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from cnnguide.checkpoint import check_digest
from cnnguide.checks import (
    check_flag,
    check_generator,
    check_images,
    check_labels,
    check_number,
    check_range,
    check_tensor,
    check_type,
    check_whole,
)

if TYPE_CHECKING:
    from jaxtyping import Float, Float32, Int64, Shaped, UInt8

__all__ = [
    "CLASSES",
    "MEAN",
    "PER_IMAGE_STD",
    "SHA256",
    "STD",
    "Cifar10",
    "Digits",
    "PictureFiles",
    "batches",
    "cache_folder",
    "cached_file",
    "channel_statistics",
    "check_lengths",
    "digits",
    "find_copies",
    "find_pictures",
    "load",
    "loader",
    "normalise",
    "only",
    "open_picture",
    "per_image_std",
    "read",
    "split",
    "to_float",
]

#: The names of the ten classes; a label is a place in this tuple.
CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
#: Mean of each channel over all pixels of the 50,000 training images, in [0, 1].
MEAN = (0.4914, 0.4822, 0.4465)
#: Standard deviation of each channel over the same pixels; a test recomputes all three.
STD = (0.2470, 0.2435, 0.2616)
#: Mean of each image's own deviation, which many projects print as CIFAR-10's std.
PER_IMAGE_STD = (0.2023, 0.1994, 0.2010)

IMAGES = 60_000
#: Digest of all 60,000 images' bytes and labels' bytes, in the official order.
SHA256 = "14a2bd144501de0a338b4c67a69c1d3c335f24e5f4e22c78ea4775ad4d3c9e6a"

SAMPLE_SHA256 = {
    "train": "f5ea761c9f1430ed4b9e785006b032358f1e95a7a94ef58cb1a7576c76f8fa25",
    "test": "559429999880eb3e4897f1daed29e8ea632486a93271fbacf00dfd7bb190a2e2",
}

DIGITS_SHA256 = "02633070f0eba52475fb2cfaedcf256826aa2b6c462429e2e6d0826619fc55c9"


@dataclass(frozen=True, repr=False)
class Cifar10:
    """CIFAR-10, or a sample of it, as four tensors. Its length counts all images.

    Attributes
    ----------
    train_images, test_images : Tensor
        ``N 3 32 32``, uint8.
    train_labels, test_labels : Tensor
        ``N``, int64, the index of the class in `CLASSES`.
    source : str
        ``"sample"`` or ``"full"``.
    classes : tuple of str
        `CLASSES`, as torchvision's data sets have it.

    Examples
    --------
    >>> load("sample")
    Cifar10('sample', 5,000 training images, 1,000 test images)
    >>> len(load("sample")), load("sample").classes[-1]
    (6000, 'truck')
    """

    train_images: UInt8[Tensor, "N 3 32 32"]
    train_labels: Int64[Tensor, " N"]
    test_images: UInt8[Tensor, "M 3 32 32"]
    test_labels: Int64[Tensor, " M"]
    source: str
    classes: ClassVar[tuple[str, ...]] = CLASSES

    def __len__(self) -> int:
        return len(self.train_labels) + len(self.test_labels)

    def __repr__(self) -> str:
        train, test = len(self.train_labels), len(self.test_labels)
        return f"Cifar10({self.source!r}, {train:,} training images, {test:,} test images)"


def cache_folder() -> Path:
    """Name the folder that keeps the full set.

    The environment variable ``CNNGUIDE_DATA`` moves it.

    Returns
    -------
    pathlib.Path

    Examples
    --------
    >>> import os
    >>> os.environ["CNNGUIDE_DATA"] = "somewhere"
    >>> cache_folder().name
    'somewhere'
    >>> del os.environ["CNNGUIDE_DATA"]
    """
    if chosen := os.environ.get("CNNGUIDE_DATA"):
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA", "~/AppData/Local")
    elif sys.platform == "darwin":
        base = "~/Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "cnnguide"


def cached_file() -> Path:
    """Name the file that holds the full set, whether it exists or not.

    Examples
    --------
    >>> cached_file().name
    'cifar10.bin'
    """
    return cache_folder() / "cifar10.bin"


def read(path: Path, *, sha256: str = SHA256, count: int = IMAGES) -> tuple[np.ndarray, np.ndarray]:
    """Read the images and labels of a cache file, after checking its digest.

    Hashing the 184 MB takes about as long as reading them, so every read is checked.

    Parameters
    ----------
    path : pathlib.Path
        As written by `write`.
    sha256 : str
        The digest that the file must have.
    count : int
        How many images it holds.

    Returns
    -------
    images : numpy.ndarray
        ``count 3 32 32``, uint8.
    labels : numpy.ndarray
        ``count``, uint8.

    Raises
    ------
    FileNotFoundError
        If there is no such file, with the command that fetches it.
    OSError
        If it cannot be read.
    ValueError
        If the digest differs. The file is left as it is.

    Examples
    --------
    >>> read(Path("nowhere/cifar10.bin"))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    FileNotFoundError: the full CIFAR-10 is not in nowhere: fetch it with ...
    """
    check_type(path, Path, "path", "a pathlib.Path")
    check_type(sha256, str, "sha256", "a string")
    check_whole(count, "count", 1)
    try:
        content = bytearray(path.read_bytes())
    except FileNotFoundError:
        raise FileNotFoundError(
            f"the full CIFAR-10 is not in {path.parent}: fetch it with "
            "`cnnguide data`, or use the sample"
        ) from None
    except OSError as error:
        raise OSError(f"{path} cannot be read: {error.strerror}") from error
    check_digest(hashlib.sha256(content).hexdigest(), sha256, str(path))
    values = np.frombuffer(content, dtype=np.uint8)
    return values[:-count].reshape(count, 3, 32, 32), values[-count:]


def load(which: str = "auto") -> Cifar10:
    """Load CIFAR-10 as tensors.

    Parameters
    ----------
    which : str
        ``"sample"``: 5,000 training and 1,000 test images that ship with the library, the same
        number of every class, sorted by class.
        ``"full"``: all 60,000 in their official order, from the cache.
        ``"auto"``: the full set if it is in the cache, else the sample.

    Returns
    -------
    Cifar10

    Raises
    ------
    ValueError
        For another name, or when a file's digest is not the expected one.
    FileNotFoundError
        For ``"full"`` when it is not in the cache.

    Examples
    --------
    >>> sample = load("sample")
    >>> tuple(sample.train_images.shape), tuple(sample.test_images.shape)
    ((5000, 3, 32, 32), (1000, 3, 32, 32))
    >>> CLASSES[sample.train_labels[0]], CLASSES[sample.train_labels[-1]]
    ('airplane', 'truck')
    """
    check_type(which, str, "which data", "a string")
    if which not in ("sample", "full", "auto"):
        raise ValueError(f"which data must be 'sample', 'full' or 'auto', got {which!r}")
    if which == "sample" or (which == "auto" and not cached_file().exists()):
        return Cifar10(*sample_part("train", 5000), *sample_part("test", 1000), "sample")
    arrays = read(cached_file())
    images, labels = (torch.from_numpy(array) for array in arrays)
    labels = labels.long()
    return Cifar10(images[:50_000], labels[:50_000], images[50_000:], labels[50_000:], "full")


def sample_part(part: str, count: int) -> tuple[Tensor, Tensor]:
    """Cut one mosaic of the sample, 100 images a row and sorted by class, into images."""
    path = files("cnnguide") / "sample" / f"{part}.webp"
    with path.open("rb") as file:
        mosaic = np.asarray(Image.open(file).convert("RGB"))
    # (rows, 32, 100, 32, 3) -> (rows, 100, 3, 32, 32)
    tiles = mosaic.reshape(count // 100, 32, 100, 32, 3).transpose(0, 2, 4, 1, 3)
    images = np.ascontiguousarray(tiles).reshape(count, 3, 32, 32)
    check_digest(hashlib.sha256(images.tobytes()).hexdigest(), SAMPLE_SHA256[part], str(path))
    labels = torch.arange(len(CLASSES)).repeat_interleave(count // len(CLASSES))
    return torch.from_numpy(images), labels


@dataclass(frozen=True, repr=False)
class Digits:
    """Handwritten digits as four tensors. Its length counts all images.

    Attributes
    ----------
    train_images, test_images : Tensor
        ``N 1 8 8``, uint8, from 0, which is paper, to 16, which is ink.
    train_labels, test_labels : Tensor
        ``N``, int64, the digit.

    Examples
    --------
    >>> digits()
    Digits(1,442 training images, 355 test images)
    """

    train_images: UInt8[Tensor, "N 1 8 8"]
    train_labels: Int64[Tensor, " N"]
    test_images: UInt8[Tensor, "M 1 8 8"]
    test_labels: Int64[Tensor, " M"]

    def __len__(self) -> int:
        return len(self.train_labels) + len(self.test_labels)

    def __repr__(self) -> str:
        train, test = len(self.train_labels), len(self.test_labels)
        return f"Digits({train:,} training images, {test:,} test images)"


def digits() -> Digits:
    """Load the 1,797 handwritten digits that ship with the library.

    Thirteen people wrote them. Of each digit, every fifth in the set's own order is a test image,
    so the same people wrote the training images; digits of others are harder to read.

    Returns
    -------
    Digits

    Raises
    ------
    ValueError
        When the file's digest is not the expected one.

    Notes
    -----
    A number counts the dark pixels in one of 8 × 8 blocks of 4 × 4 pixels.

    References
    ----------
    Alpaydin and Kaynak, Optical recognition of handwritten digits, UCI Machine Learning Repository,
    1998, the file ``optdigits.tes``; licence CC BY 4.0: https://doi.org/10.24432/C50P49

    Examples
    --------
    >>> found = digits()
    >>> tuple(found.train_images.shape), tuple(found.test_images.shape)
    ((1442, 1, 8, 8), (355, 1, 8, 8))
    >>> found.train_labels[:5].tolist()
    [0, 1, 2, 3, 4]
    >>> found.train_images[1, 0, 4].tolist()  # the middle of a 1: a line that goes down
    [0, 0, 1, 16, 16, 3, 0, 0]
    """
    path = files("cnnguide") / "sample" / "digits.csv.gz"
    content = path.read_bytes()
    check_digest(hashlib.sha256(content).hexdigest(), DIGITS_SHA256, str(path))
    rows = np.loadtxt(gzip.decompress(content).decode().splitlines(), dtype=np.uint8, delimiter=",")
    table = torch.from_numpy(rows)  # 64 pixels and the digit
    images, labels = table[:, :64].reshape(-1, 1, 8, 8), table[:, 64].long()
    earlier = F.one_hot(labels).cumsum(0).gather(1, labels[:, None])[:, 0]  # 1 for the first 0
    test = earlier % 5 == 0
    return Digits(images[~test], labels[~test], images[test], labels[test])


def to_float(images: UInt8[Tensor, "N C H W"]) -> Float32[Tensor, "N C H W"]:
    """Turn bytes 0 to 255 into float32 from 0 to 1.

    Parameters
    ----------
    images : Tensor
        ``N C H W``, uint8.

    Returns
    -------
    Tensor
        The same shape, float32 in [0, 1].

    Raises
    ------
    TypeError
        If the images are not uint8.

    Examples
    --------
    >>> to_float(torch.tensor([[[[0, 51, 255]]]], dtype=torch.uint8)).flatten().tolist()
    [0.0, 0.20000000298023224, 1.0]
    """
    check_tensor(images, "images")
    if images.dtype != torch.uint8:
        raise TypeError(f"images to turn into floats must be uint8, got {images.dtype}")
    return images.float() / 255


def normalise(
    images: Shaped[Tensor, "N C H W"],
    *,
    mean: tuple[float, ...] = MEAN,
    std: tuple[float, ...] = STD,
) -> Float[Tensor, "N C H W"]:
    """Subtract each channel's mean and divide by its standard deviation.

    Parameters
    ----------
    images : Tensor
        ``N C H W``, uint8, or float in [0, 1].
    mean, std : tuple of float
        One number a channel, in the units of images in [0, 1]; `std` above 0.

    Returns
    -------
    Tensor
        The same shape, float.

    Raises
    ------
    ValueError
        For other than four axes, another number of constants than channels, or a deviation of
        0 or less.
    TypeError
        For integers other than uint8.

    Examples
    --------
    >>> image = torch.tensor([[[[0.0, 0.5, 1.0]]]])
    >>> normalise(image, mean=(0.5,), std=(0.25,)).flatten().tolist()
    [-2.0, 0.0, 2.0]
    """
    check_images(images)
    for constants, name in ((mean, "mean"), (std, "std")):
        check_type(constants, tuple | list, name, "a tuple of numbers")
        for number in constants:
            check_range(number, name, *([0] if name == "std" else []), above=name == "std")
    if not len(mean) == len(std) == images.shape[1]:
        raise ValueError(
            f"there must be one mean and one std for each of the {images.shape[1]} channels, "
            f"got {len(mean)} and {len(std)}"
        )
    if not images.is_floating_point():
        images = to_float(images)
    tensors = (torch.tensor(c, dtype=images.dtype, device=images.device) for c in (mean, std))
    centre, scale = (c.view(-1, 1, 1) for c in tensors)
    return (images - centre) / scale


def check_bytes(images: Tensor) -> None:
    """Refuse images of which there are no statistics."""
    check_images(images)
    if images.dtype != torch.uint8:
        raise TypeError(f"images must be uint8, got {images.dtype}")
    if images.shape[0] == 0:
        raise ValueError("there must be at least one image, got none")
    if images.numel() == 0:
        raise ValueError(f"images must have at least one pixel, got {tuple(images.shape)}")


def channel_statistics(
    images: UInt8[Tensor, "N C H W"],
) -> tuple[Float[Tensor, " C"], Float[Tensor, " C"]]:
    r"""Mean and standard deviation of each channel over all pixels of all images.

    Parameters
    ----------
    images : Tensor
        ``N C H W``, uint8, at least one image.

    Returns
    -------
    mean, std : Tensor
        ``C`` each, float64, for images in [0, 1].

    Raises
    ------
    ValueError
        Without an image.

    Notes
    -----
    With :math:`p` running over images, rows and columns,
    :math:`\mu = \frac1P\sum_p x_p` and :math:`\sigma^2 = \frac1P\sum_p x_p^2 - \mu^2`.
    Both sums are exact, since they add integers.

    Examples
    --------
    >>> images = torch.tensor([[[[0, 255]]], [[[0, 255]]]], dtype=torch.uint8)
    >>> [value.item() for value in channel_statistics(images)]
    [0.5, 0.5]
    """
    check_bytes(images)
    pixels = images.shape[0] * images.shape[2] * images.shape[3]
    total = images.sum((0, 2, 3), dtype=torch.int64).double()
    values = torch.arange(256, device=images.device)
    # Squares overflow a byte; a histogram of the 256 values avoids a large copy.
    squares = torch.stack(
        [
            (torch.bincount(channel.flatten(), minlength=256) * values**2).sum()
            for channel in images.unbind(1)
        ]
    ).double()
    mean = total / pixels
    return mean / 255, (squares / pixels - mean**2).sqrt() / 255


def per_image_std(images: UInt8[Tensor, "N C H W"]) -> Float[Tensor, " C"]:
    """Mean over the images of each image's own standard deviation, channel by channel.

    This is *not* the standard deviation of the data set: it leaves out how images differ from
    one another, so it is smaller. It is where the often copied 0.2023, 0.1994, 0.2010 come from.

    Parameters
    ----------
    images : Tensor
        ``N C H W``, uint8, at least one image and two pixels.

    Returns
    -------
    Tensor
        ``C``, float32, for images in [0, 1].

    Raises
    ------
    ValueError
        Without an image.

    Examples
    --------
    A black and a white image have no deviation within themselves:

    >>> images = torch.tensor([[[[0, 0]]], [[[255, 255]]]], dtype=torch.uint8)
    >>> per_image_std(images).item(), channel_statistics(images)[1].item()
    (0.0, 0.5)
    """
    check_bytes(images)
    if images[0, 0].numel() < 2:
        raise ValueError(f"images must have at least two pixels, got {tuple(images.shape)}")
    parts = [to_float(part).std((2, 3)) for part in images.split(10_000)]
    return torch.cat(parts).mean(0)


def open_picture(path: Path, *, side: int = 32) -> UInt8[Tensor, "3 side side"]:
    """Open a picture of any kind and size as a square of pixels.

    A photograph is turned as its camera says, what is transparent becomes white, 16 bits become 8,
    and the largest square in the middle is made smaller (or larger) to `side` pixels.

    Parameters
    ----------
    path : pathlib.Path
        Any file that Pillow opens.
    side : int
        Pixels, at least 1.

    Returns
    -------
    Tensor
        ``3 side side``, uint8.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    IsADirectoryError
        If it is a folder.
    ValueError
        If it is not a picture, its end is missing, or its pixels are floats.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> folder = TemporaryDirectory()
    >>> path = Path(folder.name, "clear.png")
    >>> Image.new("RGBA", (64, 40)).save(path)  # nothing but transparent pixels
    >>> picture = open_picture(path)
    >>> tuple(picture.shape), picture.unique().tolist()
    ((3, 32, 32), [255])
    >>> folder.cleanup()
    """
    check_type(path, Path, "path", "a pathlib.Path")
    check_whole(side, "side", 1)
    if path.is_dir():
        raise IsADirectoryError(
            f"a picture must be a file, got the folder {path}; name the files in it"
        )
    if not path.is_file():
        raise FileNotFoundError(f"there is no picture {path}")
    try:
        with Image.open(path) as file:
            check_depth(file)
            picture = eight_bits(ImageOps.exif_transpose(file)).convert("RGBA")
    except Exception as error:  # Pillow raises many types for a file that is damaged
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{path} is not a whole picture: {reason}") from error
    white = Image.new("RGBA", picture.size, "white")
    square = ImageOps.fit(
        Image.alpha_composite(white, picture).convert("RGB"), (side, side), Image.Resampling.BICUBIC
    )
    return torch.from_numpy(np.array(square)).permute(2, 0, 1).contiguous()


def check_depth(file: Image.Image) -> None:
    """Refuse pixels of which nobody says which number is white."""
    if file.mode == "F":
        raise ValueError("its pixels are floats; save it with 8 or 16 bits a channel")
    if file.mode == "I" and file.format != "PPM":  # Pillow brings those to 16 bits itself
        raise ValueError("its pixels have 32 bits; save it with 8 or 16 bits a channel")


def eight_bits(picture: Image.Image) -> Image.Image:
    """Keep the upper 8 of 16 bits; Pillow itself would make nearly all of them white."""
    if not picture.mode.startswith("I"):
        return picture
    return Image.fromarray((np.asarray(picture) // 256).clip(0, 255).astype(np.uint8))


class PictureFiles(NamedTuple):
    """The files of a folder that has a folder for each class, sorted by class, then by name."""

    paths: tuple[Path, ...]
    labels: Int64[Tensor, " N"]
    classes: tuple[str, ...]  # the names of the folders
    others: tuple[Path, ...]  # files that are not pictures, by the ends of their names


def find_pictures(folder: Path) -> PictureFiles:
    """Find the pictures of a folder that has a folder for each class, as `ImageFolder` has it.

    Hidden files and folders are passed over, and no file is opened.

    Parameters
    ----------
    folder : pathlib.Path
        Such as ``pictures`` with ``pictures/cat/1.jpg`` and ``pictures/ship/1.png``; a class may
        have folders within.

    Returns
    -------
    PictureFiles

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    ValueError
        Without two classes, or if a class has no picture.
    OSError
        If a folder cannot be read.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> temporary = TemporaryDirectory()
    >>> folder = Path(temporary.name)
    >>> for name in ("ship/1.png", "cat/1.JPG", "cat/.hidden.jpg", "cat/notes.txt"):
    ...     (folder / name).parent.mkdir(exist_ok=True)
    ...     (folder / name).touch()
    >>> found = find_pictures(folder)
    >>> [path.name for path in found.paths], found.labels.tolist(), found.classes
    (['1.JPG', '1.png'], [0, 1], ('cat', 'ship'))
    >>> [path.name for path in found.others]
    ['notes.txt']
    >>> temporary.cleanup()
    """
    check_type(folder, Path, "folder", "a pathlib.Path")
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}")
    classes = sorted(p.name for p in folder.iterdir() if p.is_dir() and not is_hidden(p.name))
    if len(classes) < 2:
        got = f"only {classes[0]!r}" if classes else "none"
        raise ValueError(
            f"{folder} must hold a folder for each class, and at least two of them, got {got}"
        )
    Image.init()
    ends = {end for end, kind in Image.registered_extensions().items() if kind in Image.OPEN}
    paths, labels, others = [], [], []
    for label, name in enumerate(classes):
        files = visible_files(folder / name)
        pictures = [path for path in files if path.suffix.lower() in ends]
        if not pictures:
            raise ValueError(f"every class must have pictures, got none in {folder / name}")
        paths += pictures
        labels += [label] * len(pictures)
        others += [path for path in files if path.suffix.lower() not in ends]
    return PictureFiles(tuple(paths), torch.tensor(labels), tuple(classes), tuple(others))


def is_hidden(name: str) -> bool:
    """Tell what systems put beside a user's files from the files themselves."""
    return name.startswith(".") or name in ("__MACOSX", "Thumbs.db", "desktop.ini")


def visible_files(folder: Path) -> list[Path]:
    """List the files of a folder and of those within, sorted; a folder that is shut is told."""

    def refuse(error: OSError) -> None:
        raise error

    found, walked = [], {os.path.realpath(folder)}
    for parent, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        places = {name: os.path.realpath(Path(parent, name)) for name in folders}
        # a link that leads back would be followed without end
        folders[:] = [
            name for name in folders if not is_hidden(name) and places[name] not in walked
        ]
        walked.update(places.values())
        found += [Path(parent, name) for name in names if not is_hidden(name)]
    return sorted(found)


def find_copies(images: Shaped[Tensor, "N ..."]) -> list[tuple[int, int]]:
    """Find the images that are equal to an earlier one, pixel by pixel.

    Two parts of a data set must have no picture in common; see the page's section on leakage.

    Parameters
    ----------
    images : Tensor
        ``N ...``, of any type.

    Returns
    -------
    list of (int, int)
        For each such image the number of the first that is equal to it, and its own.

    Raises
    ------
    TypeError
        For something other than a tensor.
    ValueError
        For a single number.

    Examples
    --------
    >>> find_copies(torch.tensor([[1, 2], [3, 4], [1, 2], [1, 2]]))
    [(0, 2), (0, 3)]
    """
    check_tensor(images, "images")
    if images.ndim == 0:
        raise ValueError("images must have an axis of their own, got a single number")
    first: dict[bytes, int] = {}
    copies = []
    if images.dtype.itemsize > 1 and (images.is_floating_point() or images.is_complex()):
        images = images + 0  # makes 0 of -0, which is equal to it
    for k, image in enumerate(images.detach().cpu()):
        content = image.contiguous().flatten().view(torch.uint8).numpy().tobytes()
        earlier = first.setdefault(hashlib.sha256(content).digest(), k)
        if earlier != k:
            copies.append((earlier, k))
    return copies


def shuffled(count: int, generator: torch.Generator) -> Tensor:
    """Put the numbers below `count` into a random order, where the generator draws."""
    return torch.randperm(count, generator=generator, device=generator.device)


def split(
    images: Shaped[Tensor, "N ..."],
    labels: Int64[Tensor, " N"],
    *,
    validation: float,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Set a share of every class aside for validation.

    Parameters
    ----------
    images : Tensor
        ``N ...``.
    labels : Tensor
        ``N``, int64.
    validation : float
        Share of each class, above 0 and below 1, rounded to whole images.
    generator : torch.Generator
        Decides which images are set aside.

    Returns
    -------
    train_images, train_labels, validation_images, validation_labels : Tensor

    Raises
    ------
    ValueError
        For a share outside (0, 1), lengths that differ, or a share that leaves a side empty.

    Examples
    --------
    >>> labels = torch.tensor([0, 0, 0, 0, 1, 1, 1, 1])
    >>> parts = split(labels, labels, validation=0.25, generator=torch.Generator())
    >>> parts[1].tolist(), parts[3].tolist()
    ([0, 0, 0, 1, 1, 1], [0, 1])
    """
    check_number(validation, "validation")
    check_generator(generator)
    if not 0 < validation < 1:
        raise ValueError(f"the validation share must lie above 0 and below 1, got {validation}")
    check_lengths(images, labels)
    held_out = torch.zeros(len(labels), dtype=torch.bool, device=labels.device)
    for label in labels.unique():
        members = (labels == label).nonzero()[:, 0]
        order = shuffled(len(members), generator).to(labels.device)
        held_out[members[order[: round(validation * len(members))]]] = True
    if not 0 < held_out.sum() < len(labels):
        raise ValueError(
            f"a share of {validation} leaves one side without an image; there are {len(labels)}"
        )
    return images[~held_out], labels[~held_out], images[held_out], labels[held_out]


def check_lengths(images: Any, labels: Any) -> None:
    """Refuse images and labels that do not belong together.

    Parameters
    ----------
    images : Tensor
        ``N ...``, at least one.
    labels : Tensor
        ``N``, int64.

    Raises
    ------
    TypeError
        For something other than tensors, or labels of another type.
    ValueError
        For lengths that differ, or no image.

    Examples
    --------
    >>> check_lengths(torch.zeros(2, 3, 4, 4), torch.tensor([0]))
    Traceback (most recent call last):
    ValueError: labels must have shape (2,), one label per image, got (1,)
    """
    check_tensor(images, "images")
    check_tensor(labels, "labels")
    if images.ndim == 0:
        raise ValueError("images must have an axis of their own, got a single number")
    if labels.dtype != torch.int64:
        raise TypeError(f"labels must be whole numbers of type int64, got {labels.dtype}")
    if labels.ndim != 1:
        raise ValueError(f"labels must have shape (N,), got {tuple(labels.shape)}")
    if len(images) != len(labels):
        raise ValueError(
            f"labels must have shape ({len(images)},), one label per image, got ({len(labels)},)"
        )
    if len(images) == 0:
        raise ValueError("there must be at least one image, got none")


def only(images: Tensor, labels: Tensor, names: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Keep the images of some classes, and number those from 0.

    Parameters
    ----------
    images : Tensor
        ``N ...``.
    labels : Tensor
        ``N``, int64, places in `CLASSES`.
    names : sequence of str
        Classes to keep; the first becomes 0.

    Returns
    -------
    images, labels : Tensor

    Raises
    ------
    ValueError
        For a name that is not a class.

    Examples
    --------
    >>> only(torch.arange(4), torch.tensor([9, 0, 9, 3]), ["cat", "truck"])
    (tensor([0, 2, 3]), tensor([1, 1, 0]))
    """
    check_type(names, list | tuple, "names", "a list of classes")
    check_lengths(images, labels)
    check_labels(labels, len(images), len(CLASSES))
    for name in names:
        check_type(name, str, "a class", "a string")
    if len(set(names)) < len(names):
        raise ValueError(f"names must name each class once, got {list(names)}")
    unknown = [name for name in names if name not in CLASSES]
    if unknown:
        raise ValueError(f"a class must be one of {', '.join(CLASSES)}, got {unknown[0]!r}")
    new = torch.full_like(labels, -1)
    for k, name in enumerate(names):
        new[labels == CLASSES.index(name)] = k
    return images[new >= 0], new[new >= 0]


def batches(
    images: Shaped[Tensor, "N ..."],
    labels: Int64[Tensor, " N"],
    *,
    batch_size: int,
    generator: torch.Generator | None = None,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Walk through tensors batch by batch; the last batch may be short, and is kept.

    Parameters
    ----------
    images : Tensor
        ``N ...``, on any device.
    labels : Tensor
        ``N``, on the same device.
    batch_size : int
        Images a batch, at least 1.
    generator : torch.Generator, optional
        Shuffles, when given.

    Yields
    ------
    images, labels : Tensor

    Raises
    ------
    ValueError
        For a batch size below 1, no images, or lengths that differ.

    Examples
    --------
    >>> labels = torch.arange(5)
    >>> [batch.tolist() for _, batch in batches(labels, labels, batch_size=2)]
    [[0, 1], [2, 3], [4]]
    """
    check_lengths(images, labels)
    check_whole(batch_size, "batch_size", 1)
    check_generator(generator, optional=True)
    return iterate(images, labels, batch_size, generator)


def iterate(
    images: Tensor, labels: Tensor, batch_size: int, generator: torch.Generator | None
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the batches; apart from `batches`, so that bad input is refused before the first."""
    if generator is None:
        yield from zip(images.split(batch_size), labels.split(batch_size), strict=True)
        return
    order = shuffled(len(labels), generator).to(labels.device)
    for chosen in order.split(batch_size):
        yield images[chosen], labels[chosen]


@contextmanager
def other_numbers(seed: int) -> Iterator[None]:
    """Seed Python's and NumPy's random numbers for a while."""
    before = random.getstate(), np.random.get_state()  # noqa: NPY002 - transforms may draw from it
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])  # noqa: NPY002


class Images(Dataset):
    """Images and labels one by one, each image through a transform of its own.

    With a generator, each transform draws from a seed of its own, as PyTorch's workers do it for
    themselves: PyTorch's numbers, Python's and NumPy's. What others draw stays.
    """

    def __init__(
        self,
        images: Tensor,
        labels: Tensor,
        transform: Callable | None,
        generator: torch.Generator | None = None,
    ) -> None:
        self.images, self.labels, self.transform = images, labels, transform
        self.generator = generator

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, k: int) -> tuple[Tensor, int]:
        image = self.images[k]
        if self.transform is not None and self.generator is None:
            image = self.transform(image)
        elif self.transform is not None:
            seed = int(torch.randint(2**62, (), generator=self.generator))
            with torch.random.fork_rng(devices=[]):
                torch.default_generator.manual_seed(seed)
                with other_numbers(seed):
                    image = self.transform(image)
        return image, int(self.labels[k])


def loader(
    images: Shaped[Tensor, "N ..."],
    labels: Int64[Tensor, " N"],
    *,
    batch_size: int,
    shuffle: bool = False,
    transform: Callable[[Tensor], Tensor] | None = None,
    workers: int = 0,
    seed: int = 0,
) -> DataLoader:
    """Wrap tensors in PyTorch's own `DataLoader`, seeded together with its workers.

    Parameters
    ----------
    images : Tensor
        ``N C H W``.
    labels : Tensor
        ``N``, int64.
    batch_size : int
        Images a batch, at least 1.
    shuffle : bool
        Whether each epoch has an order of its own.
    transform : callable, optional
        Applied to each image, in the worker.
    workers : int
        Processes that prepare batches; 0 means this one.
    seed : int
        The same seed and the same number of workers give the same batches.

    Returns
    -------
    torch.utils.data.DataLoader

    Raises
    ------
    ValueError
        For a batch size below 1, a negative number of workers, no images, or lengths that differ.

    Examples
    --------
    >>> labels = torch.arange(6)
    >>> first, second = (loader(labels, labels, batch_size=4, shuffle=True) for _ in range(2))
    >>> [b.tolist() for _, b in first] == [b.tolist() for _, b in second]
    True
    """
    check_lengths(images, labels)
    for number, name, least in (
        (batch_size, "batch_size", 1),
        (workers, "workers", 0),
        (seed, "seed", 0),
    ):
        check_whole(number, name, least)
    check_flag(shuffle, "shuffle")
    if transform is not None:
        check_type(transform, Callable, "transform", "callable")
    # PyTorch seeds its workers; what is prepared in this process needs a source of its own.
    own = torch.Generator().manual_seed(seed) if workers == 0 else None
    return DataLoader(
        Images(images, labels, transform, own),
        batch_size=batch_size,
        shuffle=shuffle,
        num_workers=workers,
        generator=torch.Generator().manual_seed(seed),
        persistent_workers=workers > 0,
    )

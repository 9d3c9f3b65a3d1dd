"""A folder of your own pictures, read and split for ``cnnguide train --images FOLDER``.

Page: *data*. The folder has a folder for each class; one with ``train``, ``val`` and ``test`` is
taken as it has been split. What is left out is printed, and stands in the record.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from cnnguide import data
from cnnguide.checkpoint import replacing
from cnnguide.commands import counted
from cnnguide.recipe import Recipe

__all__ = [
    "PARTS",
    "RECIPES",
    "Pictures",
    "Split",
    "layout",
    "progress",
    "read",
    "remember",
    "split",
    "with_constants",
]

#: What ``--recipe`` means without a word of yours, for some hundred pictures.
RECIPES = {
    "pictures": Recipe(
        epochs=60,
        batch_size=16,
        learning_rate=0.05,
        nesterov=True,
        decay_all=False,
        schedule="triangle",
        label_smoothing=0.1,
    ),
    # The head is fitted before; the rest of the network is to move a little.
    "transfer": Recipe(
        epochs=10,
        batch_size=16,
        learning_rate=0.01,
        nesterov=True,
        schedule="triangle",
        label_smoothing=0.1,
        padding=16,
    ),
}
PARTS = ("train", "validation", "test")
#: The folders of a data set that its maker has split.
LAYOUT = {"train": "train", "val": "validation", "valid": "validation",
          "validation": "validation", "test": "test"}  # fmt: skip
WHERE = ", which the run's pictures.json names"  # where a line would be too long
TEST_SEED = 0  # every run of a folder reports on the same pictures
Item = TypeVar("Item")


@dataclass(frozen=True)
class Pictures:
    """All pictures of a folder, in memory."""

    folder: Path
    images: Tensor  # N 3 side side, uint8
    labels: Tensor  # N, int64
    classes: tuple[str, ...]
    names: tuple[str, ...]  # of the files, within the folder
    parts: tuple[str, ...]  # of the layout, for each picture; "" where none was given
    left_out: tuple[str, ...]  # a sentence for each file, or for files of one kind

    @property
    def size(self) -> int:
        """Their side, in pixels."""
        return self.images.shape[-1]


@dataclass(frozen=True)
class Split:
    """Which pictures a run learns from, chooses by and reports on."""

    pictures: Pictures
    places: dict[str, Tensor]  # of each part's pictures

    def part(self, name: str) -> tuple[Tensor, Tensor]:
        """Give a part's images and labels."""
        chosen = self.places[name]
        return self.pictures.images[chosen], self.pictures.labels[chosen]

    def counts(self, name: str) -> dict[str, int]:
        """Count a part's pictures, class by class."""
        classes, labels = self.pictures.classes, self.pictures.labels[self.places[name]]
        return dict(zip(classes, labels.bincount(minlength=len(classes)).tolist(), strict=True))

    def told(self) -> dict[str, Any]:
        """Gather what the record of a run says of its pictures."""
        return {
            "folder": self.pictures.folder.resolve().name,
            "classes": list(self.pictures.classes),
            "size": self.pictures.size,
            "counts": {name: self.counts(name) for name in PARTS},
            "left_out": list(self.pictures.left_out),
        }

    def table(self) -> str:
        """Write how many pictures each part has, class by class."""
        columns = [self.counts(name) for name in PARTS]
        width = max(map(len, self.pictures.classes))
        lines = [f"  {'':{width}}" + "".join(f"{name:>12}" for name in PARTS)]
        for name in self.pictures.classes:
            numbers = "".join(f"{column[name]:12,}" for column in columns)
            lines.append(f"  {name:{width}}{numbers}")
        return "\n".join(lines)


def read(folder: Path, *, side: int, show: bool) -> Pictures:
    """Read a folder's pictures as bytes, and print what is left out and why.

    Raises
    ------
    OSError
        If a folder cannot be read.
    ValueError
        If the folder has no two classes with pictures, if the memory would not hold them, or if a
        picture is in two classes.

    Examples
    --------
    >>> read(Path("nowhere"), side=32, show=False)
    Traceback (most recent call last):
    FileNotFoundError: there is no folder nowhere
    """
    found = find(folder)
    check_memory(len(found), side)
    images = torch.empty(len(found), 3, side, side, dtype=torch.uint8)
    faults: dict[int, str] = {}

    def decode(k: int) -> None:
        try:
            images[k] = data.open_picture(found[k].path, side=side)
        except (OSError, ValueError) as error:
            faults[k] = str(error).replace(
                str(found[k].path), str(found[k].path.relative_to(folder))
            )

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:  # Pillow decodes side by side
        for _ in progress(pool.map(decode, range(len(found))), len(found), "reading", show=show):
            pass
    whole = [k for k in range(len(found)) if k not in faults]
    copies = copies_of(folder, found, images, whole)
    single = [*(faults[k] for k in sorted(faults)), *copies.values()]
    left_out = [*(f"{', '.join(names)}: {why}" for names, why in found.others), *single]
    kept = [k for k in whole if k not in copies]
    if len(kept) < len(found):
        images = images[kept]
    pictures = Pictures(
        folder,
        images,
        torch.tensor([found[k].label for k in kept], dtype=torch.int64),
        found.classes,
        tuple(str(found[k].path.relative_to(folder)) for k in kept),
        tuple(found[k].part for k in kept),
        tuple(left_out),
    )
    if show:
        shown = (f"{listed(names, rest=WHERE)}: {why}" for names, why in found.others)
        report(pictures, [*shown, *single])
    return pictures


@dataclass(frozen=True)
class File:
    """One picture before it is read."""

    path: Path
    label: int
    part: str  # of a layout, or ""


class Files(list[File]):
    """The files of a folder, those that are kept from training first."""

    classes: tuple[str, ...] = ()
    others: tuple[tuple[list[str], str], ...] = ()  # names, and why they are left out


def find(folder: Path) -> Files:
    """Find the pictures of a folder, in parts if it has them."""
    parts, beside = layout(folder)
    # The first of two copies is kept, so training comes last: nothing of it is in another part.
    ordered = sorted(parts.items(), key=lambda part: -PARTS.index(part[1]))
    found, others, loose = Files(), [], files_in(folder)
    for name, part in ordered or [("", "")]:
        files = data.find_pictures(folder / name)
        if found and files.classes != found.classes:
            ours, theirs = ({*classes} for classes in (found.classes, files.classes))
            raise ValueError(
                f"every part of {folder} must have the same classes, and {name} "
                f"{'lacks' if ours - theirs else 'alone has'} "
                f"{sorted(ours - theirs or theirs - ours)[0]!r}"
            )
        found.classes = files.classes
        labelled = zip(files.paths, files.labels.tolist(), strict=True)
        found += [File(path, label, part) for path, label in labelled]
        others += [str(path.relative_to(folder)) for path in files.others]
        loose += [str(Path(name, file)) for file in files_in(folder / name) if name]
    why = (
        (beside, f"not one of the parts {', '.join(parts)}"),
        (loose, "in no class's folder"),
        (others, "no picture, by the end of its name"),
    )
    found.others = tuple((names, reason) for names, reason in why if names)
    return found


def files_in(folder: Path) -> list[str]:
    """Name the files that lie in a folder itself."""
    paths = folder.iterdir() if folder.is_dir() else []
    return sorted(p.name for p in paths if not p.is_dir() and not data.is_hidden(p.name))


def layout(folder: Path) -> tuple[dict[str, str], list[str]]:
    """Give the folders that are parts of a data set, and what lies beside them; or nothing.

    Raises
    ------
    OSError
        If a folder cannot be read.
    ValueError
        If two folders are the same part.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as name:
    ...     for part in ("train/cat", "train/dog", "val/cat", "val/dog", "notes"):
    ...         Path(name, part).mkdir(parents=True)
    ...     layout(Path(name))
    ({'train': 'train', 'val': 'validation'}, ['notes'])
    """
    names = folders_in(folder) if folder.is_dir() else []
    parts = {name: LAYOUT[name.lower()] for name in names if name.lower() in LAYOUT}
    if not any(folders_in(folder / name) for name, part in parts.items() if part == "train"):
        return {}, []  # a folder per class, one of which may be named train
    if len({*parts.values()}) < len(parts):
        raise ValueError(f"{folder} must have one folder for each part, got {', '.join(parts)}")
    return parts, [name for name in names if name not in parts]


def folders_in(folder: Path) -> list[str]:
    """Name the folders in a folder."""
    return sorted(p.name for p in folder.iterdir() if p.is_dir() and not data.is_hidden(p.name))


def copies_of(folder: Path, found: Files, images: Tensor, whole: list[int]) -> dict[int, str]:
    """Find the copies of other pictures; the same picture in two classes is refused."""
    copies, torn = {}, []
    for first, second in data.find_copies(images[whole] if len(whole) < len(images) else images):
        a, b = found[whole[first]], found[whole[second]]
        names = [str(file.path.relative_to(folder)) for file in (a, b)]
        if a.label != b.label:
            torn.append(" and ".join(names))
        copies[whole[second]] = f"{names[1]} is the same picture as {names[0]}"
    if torn:
        raise ValueError(
            f"a picture must have one class, and these are the same in two: {listed(torn)}; "
            "delete one of each"
        )
    return copies


def listed(names: list[str], most: int = 5, rest: str = "") -> str:
    """Write the first of some names, and what is said of the rest."""
    more = f" and {len(names) - most} more{rest}" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def check_memory(count: int, side: int) -> None:
    """Refuse a folder that the memory would not hold, before anything is read."""
    # The bytes, the parts that are cut out of them, and what a step needs besides.
    needed, free = 3 * count * 3 * side**2, free_memory()
    if free is not None and needed > free:
        raise ValueError(
            f"{count:,} pictures of {side} × {side} pixels need about {needed / 1e9:.1f} GB of "
            f"memory, and {free / 1e9:.1f} GB are free; take a smaller --size, or fewer pictures"
        )


def free_memory() -> int | None:
    """Ask the system for the memory that is free, in bytes; None where it does not say."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # Windows
        return None


def progress(items: Iterable[Item], count: int, words: str, *, show: bool) -> Iterable[Item]:
    """Show a bar, in a terminal.

    Examples
    --------
    >>> list(progress("ab", 2, "reading", show=False))
    ['a', 'b']
    """
    if not show or not sys.stderr.isatty():
        return items
    from tqdm import tqdm

    return tqdm(items, total=count, desc=words, unit=" pictures", leave=False)


def report(pictures: Pictures, left_out: list[str]) -> None:
    """Print what was read, and what was left out."""
    print(
        f"{pictures.folder}: {counted(len(pictures.labels), 'picture')} of "
        f"{counted(len(pictures.classes), 'class')}, "
        f"read as {pictures.size} × {pictures.size} pixels"
    )
    for sentence in left_out[:10]:
        print(f"  left out: {sentence}")
    if len(left_out) > 10:
        print(f"  left out: {len(left_out) - 10} more{WHERE}")


def split(pictures: Pictures, *, validation: float, test: float, seed: int) -> Split:
    """Set pictures aside, a share of each class, where the folder has not been split itself.

    The test pictures are the same for every seed.

    Raises
    ------
    ValueError
        If a class is so small that a part would have none of it.

    Examples
    --------
    >>> labels = torch.tensor([0, 0, 0, 0, 1, 1, 1, 1])
    >>> images = torch.zeros(8, 3, 1, 1, dtype=torch.uint8)
    >>> names = tuple("abcdefgh")
    >>> pictures = Pictures(Path("p"), images, labels, ("cat", "dog"), names, ("",) * 8, ())
    >>> print(split(pictures, validation=0.25, test=0.25, seed=0).table())
               train  validation        test
      cat          2           1           1
      dog          2           1           1
    """
    given = {
        name: torch.tensor([k for k, part in enumerate(pictures.parts) if part == name]).long()
        for name in ("", *PARTS)
    }
    places = {name: given[name] for name in PARTS}
    rest = given[""] if len(given[""]) else given["train"]
    for name, share, source in (("test", test, TEST_SEED), ("validation", validation, seed)):
        if len(places[name]) == 0:
            generator = torch.Generator().manual_seed(source)
            rest, places[name] = set_aside(pictures, rest, share, generator)
    places["train"] = rest
    made = Split(pictures, places)
    counts = {name: made.counts(name) for name in PARTS}
    for label in pictures.classes:
        empty = [name for name in PARTS if counts[name][label] == 0]
        if empty:
            total = sum(counts[name][label] for name in PARTS)
            raise ValueError(
                f"every class must have a picture in each of the three parts, and the {total} of "
                f"{label!r} leave none for {empty[0]}; add pictures, or change --test and "
                "--validation"
            )
    return made


def set_aside(
    pictures: Pictures, places: Tensor, share: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Take a share of each class away; give what is left and what is taken."""
    try:
        rest, _, taken, _ = data.split(
            places, pictures.labels[places], validation=share, generator=generator
        )
    except ValueError:  # so few that no class gives one: the caller says of which
        return places, places[:0]
    return rest, taken


def with_constants(recipe: Recipe, made: Split) -> Recipe:
    """Compute the mean and deviation of the training part; a recipe with its own keeps them.

    Raises
    ------
    ValueError
        If a colour is the same in every pixel.

    Examples
    --------
    >>> images = torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1).expand(2, 3, 1, 1)
    >>> labels, names = torch.tensor([0, 1]), ("a", "b")
    >>> pictures = Pictures(Path("p"), images, labels, ("cat", "dog"), names, ("", ""), ())
    >>> made = Split(pictures, {"train": torch.tensor([0, 1])})
    >>> with_constants(RECIPES["pictures"], made).std
    (0.5, 0.5, 0.5)
    """
    if (recipe.mean, recipe.std) != (data.MEAN, data.STD):
        return recipe
    mean, std = data.channel_statistics(made.part("train")[0])
    if not (std > 0).all():
        raise ValueError(
            "the training pictures must differ somewhere, and a colour has the same value "
            f"in every pixel of {made.pictures.folder}"
        )
    return replace(recipe, mean=tuple(mean.tolist()), std=tuple(std.tolist()))


def remember(made: Split, path: Path, *, resume: bool, write: bool) -> None:
    """Write down which file is in which part; refuse to go on with other pictures.

    Raises
    ------
    ValueError
        On resuming, if what was written down before differs.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> labels = torch.tensor([0, 0, 0, 0, 1, 1, 1, 1])
    >>> images = torch.zeros(8, 3, 1, 1, dtype=torch.uint8)
    >>> names = tuple("abcdefgh")
    >>> pictures = Pictures(Path("p"), images, labels, ("cat", "dog"), names, ("",) * 8, ())
    >>> made = split(pictures, validation=0.25, test=0.25, seed=0)
    >>> temporary = TemporaryDirectory()
    >>> path = Path(temporary.name, "pictures.json")
    >>> remember(made, path, resume=False, write=True)
    >>> json.loads(path.read_text())["counts"]["train"]
    {'cat': 2, 'dog': 2}
    >>> temporary.cleanup()
    """
    whole = hashlib.sha256()
    names = {}
    for name in PARTS:
        for tensor in made.part(name):
            whole.update(tensor.contiguous().numpy().data)
        names[name] = [made.pictures.names[k] for k in made.places[name].tolist()]
    told = {**made.told(), "files": names, "digest": whole.hexdigest()}
    if resume and path.exists():
        before = told_before(path)
        if before["digest"] != told["digest"]:
            old, new = (Counter(chain(*t["files"].values())) for t in (before, told))
            raise ValueError(
                "the pictures are not those that the run began with "
                f"({(new - old).total()} new, {(old - new).total()} gone); put them back, with the "
                "same --size, --test, --validation and --seed, or name another --output"
            )
    elif write:
        with replacing(path) as file:
            text = json.dumps(told, indent=1, ensure_ascii=False) + "\n"
            # A name that is not UTF-8 is written as JSON's \\u escapes, which are read as it was.
            file.write(text.encode(errors="backslashreplace"))


def told_before(path: Path) -> dict[str, Any]:
    """Read what `remember` wrote down."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        files = told["files"]
        if {*files} == {*PARTS} and all(isinstance(n, str) for n in chain(*files.values())):
            return {"digest": str(told["digest"]), "files": files}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    raise ValueError(
        f"{path} is cut short or altered, so it is not known which pictures the run began with; "
        "name another --output"
    )

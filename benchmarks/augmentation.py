"""What does augmenting a whole batch at once save?

``python -m benchmarks.augmentation`` crops and flips a batch of CIFAR-10 by torchvision's
transforms, picture by picture, and by the batched functions, side by side in one run.
The floor is a plain copy of the batch, since every pixel must be read and written once.
"""

from __future__ import annotations

import argparse

import timm.data
import torch
from timm.data.loader import fast_collate
from torchvision.transforms import v2

from benchmarks.machine import describe, side_by_side
from cnnguide import augment, data

CROP_AND_FLIP = v2.Compose([v2.RandomCrop(32, padding=4), v2.RandomHorizontalFlip()])


def one_by_one(images: torch.Tensor) -> torch.Tensor:
    """Apply torchvision's transforms to one tensor after another."""
    return torch.stack([CROP_AND_FLIP(image) for image in images])


def by_pillow(images: list) -> torch.Tensor:
    """Apply them to Pillow images, as a torchvision data set does."""
    to_tensor = v2.PILToTensor()
    return torch.stack([to_tensor(CROP_AND_FLIP(image)) for image in images])


def by_timm(images: list) -> torch.Tensor:
    """Apply timm's pipeline for training, with our crop in place of its own, and its collation."""
    (first, *rest) = timm.data.create_transform(
        (3, 32, 32), is_training=True, use_prefetcher=True, color_jitter=None
    ).transforms
    assert isinstance(first, timm.data.transforms.RandomResizedCropAndInterpolation)
    pipeline = v2.Compose([CROP_AND_FLIP.transforms[0], *rest])
    return fast_collate([(pipeline(image), 0) for image in images])[0]


def by_gather(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Crop by indexing with every pixel's own coordinates, the usual other way."""
    n = len(images)
    padded = torch.nn.functional.pad(images, (4, 4, 4, 4))
    corner = torch.randint(9, (2, n, 1), generator=generator)
    rows, columns = corner + torch.arange(32)
    picture = torch.arange(n)[:, None, None, None]
    channel = torch.arange(3)[None, :, None, None]
    cropped = padded[picture, channel, rows[:, None, :, None], columns[:, None, None, :]]
    return augment.random_flip(cropped, generator=generator)


def batched(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Crop and flip by the guide's functions."""
    return augment.random_flip(
        augment.random_crop(images, generator=generator), generator=generator
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=9, help="rounds to take the median of")
    parser.add_argument("--batch", type=int, default=512, help="pictures in a batch")
    options = parser.parse_args()
    images = data.load("sample").train_images[: options.batch]
    pillow = [v2.functional.to_pil_image(image) for image in images]
    generator = torch.Generator().manual_seed(0)
    times = side_by_side(
        {
            "torchvision, Pillow images": lambda: by_pillow(pillow),
            "timm, Pillow images": lambda: by_timm(pillow),
            "torchvision, tensors": lambda: one_by_one(images),
            "batched, gathered pixels": lambda: by_gather(images, generator),
            "batched, strided view": lambda: batched(images, generator),
            "floor: copy the batch": images.clone,
        },
        rounds=options.rounds,
    )
    slowest, floor = max(times.values()), times["floor: copy the batch"]
    print("| way | µs per picture | pictures per second | times faster | times the floor |")
    print("|---|---:|---:|---:|---:|")
    for way, seconds in times.items():
        each = seconds / len(images)
        faster, above = slowest / seconds, seconds / floor
        print(f"| {way} | {1e6 * each:.2f} | {1 / each:,.0f} | {faster:.1f} | {above:.0f} |")
    print(f"\nbatch of {len(images)} uint8 pictures; {describe()}")


if __name__ == "__main__":
    main()

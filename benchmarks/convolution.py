"""How much slower than the library are the convolutions that the guide teaches?

``python -m benchmarks.convolution`` times the four ways on two shapes, side by side in one run.
The floor is the multiply-adds at the speed of a large matrix product on the same threads.
"""

from __future__ import annotations

import argparse
import time
from functools import partial

import torch

from benchmarks.machine import describe, side_by_side
from cnnguide import conv

SHAPES = {"small": ((2, 3, 32, 32), (16, 3, 3, 3)), "large": ((8, 16, 32, 32), (32, 16, 3, 3))}
WAYS = (conv.conv2d_library, conv.conv2d_matmul, conv.conv2d_windows, conv.conv2d_loops)


def peak(rounds: int, dtype: torch.dtype = torch.float32) -> float:
    """Measure the multiply-adds per second of a large matrix product, in its fastest round."""
    side = 2048
    a, b = torch.randn(side, side, dtype=dtype), torch.randn(side, side, dtype=dtype)
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        a @ b
        times.append(time.perf_counter() - start)
    return side**3 / min(times)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7, help="rounds to take the median of")
    options = parser.parse_args()
    torch.manual_seed(0)
    speed = peak(options.rounds)
    print("| shape | way | ms | times the library's | times the floor |\n|---|---|---:|---:|---:|")
    for name, (image_shape, weight_shape) in SHAPES.items():
        image, weight = torch.randn(image_shape), torch.randn(weight_shape)
        n, _, h, w = image_shape
        o, c, k, _ = weight_shape
        work = n * conv.conv_multiply_adds(c, o, k, output_size=(h, w))
        times = side_by_side(
            {way.__name__: partial(way, image, weight, padding=1) for way in WAYS},
            rounds=options.rounds,
        )
        for way, seconds in times.items():
            ratio, floor = seconds / times["conv2d_library"], seconds * speed / work
            print(f"| {name} | {way} | {1e3 * seconds:.3f} | {ratio:.1f} | {floor:.1f} |")
    print(f"\n{describe()}; floor: {2 * speed / 1e9:.0f} GFLOP/s in a product of 2048 × 2048")


if __name__ == "__main__":
    main()

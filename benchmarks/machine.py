"""What a table was measured on, and how: rounds in which every candidate takes its turn."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable

import torch

from cnnguide.results import device_name

__all__ = ["describe", "product_rate", "side_by_side"]


def describe() -> str:
    """Name the processor, the threads and the versions."""
    cpu = device_name(torch.device("cpu"))
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    return f"{cpu}, {torch.get_num_threads()} threads, torch {torch.__version__}, load {load:.1f}"


def side_by_side(candidates: dict[str, Callable[[], object]], *, rounds: int) -> dict[str, float]:
    """Time every candidate once a round, in turn; give each one's median seconds.

    Taking turns lets a busy moment of the machine hit all candidates alike.
    """
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for run in candidates.values():
        run()  # warm caches and the memory allocator
    for _ in range(rounds):
        for name, run in candidates.items():
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def product_rate(device: torch.device, rounds: int = 9) -> float:
    """Measure the multiply-adds per second of a large bfloat16 product, in its fastest round."""
    side = 8192 if device.type == "cuda" else 2048
    a = torch.randn(side, side, device=device, dtype=torch.bfloat16)
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        a @ a
        if device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return side**3 / min(times)

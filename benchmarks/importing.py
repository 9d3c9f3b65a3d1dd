"""What does ``import cnnguide`` cost, in time and memory?

``python -m benchmarks.importing`` starts a fresh interpreter for each row and each round, in turn,
and reads the clock and the greatest resident memory when the import has ended; Linux and macOS tell
it. The floor is what the library cannot do without: ``import torch``, and ``import torchvision``
for the modules that augment.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys

from benchmarks.machine import describe

ROWS = {
    "nothing": "pass",
    "torch": "import torch",
    "torch and torchvision's transforms": "import torch; import torchvision.transforms.v2",
    "cnnguide": "import cnnguide",
    "cnnguide, with a lesson": "import cnnguide; cnnguide.conv.conv2d_windows",
    "cnnguide, with every lesson": "import cnnguide; [getattr(cnnguide, m) for m in dir(cnnguide)]",
}
# On Linux, ru_maxrss begins with the memory of the process that started this one; VmHWM does not.
MEASURE = """
import time
start = time.perf_counter()
{code}
seconds = time.perf_counter() - start
import os
if os.path.exists("/proc/self/status"):
    (line,) = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
    memory = 1024 * int(line.split()[1])
else:
    import resource
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS
print(seconds, memory)
"""


def measured(code: str) -> tuple[float, float]:
    """Run some code in a fresh interpreter; give its seconds and MiB."""
    command = [sys.executable, "-c", MEASURE.format(code=code)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, memory = map(float, done.stdout.split())
    return seconds, memory / 2**20


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7, help="rounds to take the median of")
    options = parser.parse_args()
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in ROWS}
    for code in ROWS.values():
        measured(code)  # the files are in the system's cache from here on
    for _ in range(options.rounds):
        for name, code in ROWS.items():
            found[name].append(measured(code))
    print("| import | seconds | MiB |")
    print("|---|---:|---:|")
    for name, pairs in found.items():
        seconds, memory = (statistics.median(values) for values in zip(*pairs, strict=True))
        print(f"| {name} | {seconds:.2f} | {memory:.0f} |")
    print(f"\nmedian of {options.rounds} rounds; {describe()}")


if __name__ == "__main__":
    main()

"""The command that checks a reader's own network: ``cnnguide check my_net.py``.

Page: *capstone*. The reader's file runs in a process of its own, which prints what is right, or
what was got, what would be right and where to read. This one ends it at the time limit.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import math
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from contextlib import suppress
from importlib.resources import files
from pathlib import Path

from cnnguide import data
from cnnguide.commands import MARK, end, end_marked
from cnnguide.commands.examination import ACCURACY, READ, SECONDS, Progress

__all__ = ["main"]


def check(options: Namespace) -> int:
    """Run the checks in another process, and print the sum of what they found."""
    given = json.dumps({**vars(options), "parent": os.getpid()}, default=str)
    command = [
        sys.executable,
        "-c",
        "from cnnguide.commands.examination import main; main()",
        given,
    ]
    sys.stdout.flush()
    with tempfile.TemporaryFile() as file:
        file.truncate(ctypes.sizeof(Progress))
        progress = Progress.of(file.fileno())
        mark = secrets.token_hex(8)  # of what leaves the session, too
        process = subprocess.Popen(
            command, stdin=file, env={**os.environ, MARK: mark}, start_new_session=True
        )
    try:
        stopped = wait(process, progress, options.seconds)
    finally:
        end(process)
        end_marked(mark)
    progress.erase()
    if stopped:
        progress.print_finding(f"wrong: {stopped}")
        progress.wrong += 1
    if progress.wrong:
        print(f"not yet: {progress.wrong} wrong, {progress.right} right")
    elif options.no_training:
        print(f"not yet: all {progress.right} checks are right, and the training is still to come")
    else:
        print(f"passed: all {progress.right} checks are right")
    return 1 if progress.wrong else 0


def wait(process: subprocess.Popen, progress: Progress, seconds: float) -> str:
    """Wait for the last check; give the reason if it was not reached."""
    check, start, code = 0, math.inf, None
    while code is None:
        if progress.check != check:
            check, start = progress.check, time.monotonic()
        name, gone = ["starting", *READ][progress.check], time.monotonic() - start
        if gone > seconds:
            advice = "it has to do less" if name == "training" else "only train() may take long"
            return f"{name}: stopped after {seconds:g} s; {advice}. {READ[name]}"
        if sys.stderr.isatty() and not progress.midline:
            progress.live = 1
            passed = f"  {name}: {max(gone, 0):.0f} s of at most {seconds:g} s"
            print(f"\r{passed:70.70s}", end="", file=sys.stderr, flush=True)
        with suppress(subprocess.TimeoutExpired):
            code = process.wait(0.1)
    if progress.ended:
        return ""
    name = ["starting", *READ][progress.check]
    why = "for lack of memory" if code < 0 else "by os._exit()"
    reason = f"{name}: its process ended with exit code {code}, perhaps {why}."
    return f"{reason} {READ.get(name, '')}".strip()


def write_template(path: Path) -> None:
    """Write a file to begin with, where there is none."""
    with path.open("x", encoding="utf-8") as file:
        file.write((files("cnnguide.commands") / "check_template.txt").read_text(encoding="utf-8"))
    print(f"{path} is written; change it, and check it with `cnnguide check {path}`")


def parse(arguments: list[str] | None) -> Namespace:
    """Read the options."""
    parser = argparse.ArgumentParser(
        prog="cnnguide check",
        description="Run the functions make_model() and train(model, images, labels) of your file, "
        "and print what is right and what is not. The exit code is 0 if nothing is wrong.",
        epilog="The page capstone explains the rules, and the chapters explain the rest.",
    )
    add = parser.add_argument
    add("file", nargs="?", type=Path, help="your file, such as my_net.py")
    add("--template", type=Path, metavar="FILE", help="write a file to begin with, and stop")
    add("--no-training", action="store_true", help="make only the checks that need no training")
    seconds = "the longest that training may take (default: %(default)g)"
    add("--seconds", type=float, default=SECONDS, help=seconds)
    accuracy = "percent of the test images that must be right (default: %(default)g)"
    add("--accuracy", type=float, default=ACCURACY, help=accuracy)
    images = "the 6,000 images that come with cnnguide (default), or all 60,000"
    add("--data", choices=("sample", "full"), default="sample", help=images)
    add("--seed", type=int, default=0, help="of random numbers (default: %(default)d)")
    options = parser.parse_args(arguments)
    if (options.file is None) == (options.template is None):
        parser.error("name your file, or write one with --template my_net.py")
    if not options.seconds > 0:
        parser.error(f"--seconds must be above 0, got {options.seconds:g}")
    if not 0 < options.accuracy <= 100:
        parser.error(f"--accuracy must be above 0 and at most 100, got {options.accuracy:g}")
    return options


def main(arguments: list[str] | None = None) -> int:
    """Check a reader's file, or write one to begin with."""
    options = parse(arguments)
    try:
        if options.template:
            write_template(options.template)
            return 0
        data.load(options.data)  # if it is not there, print so before anything runs
        return check(options)
    except FileExistsError:
        fault = f"{options.template} exists and is left as it is; name another file"
    except (OSError, ValueError) as error:
        fault = str(error)
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 128 + signal.SIGINT
    print(f"error: {fault}", file=sys.stderr)
    return 1

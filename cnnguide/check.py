"""The command that checks a reader's own network: ``python -m cnnguide.check my_net.py``.

Page: *capstone*. The reader's file runs in a process of its own, which is stopped at the time
limit. Each check says what is right, or what was got, what would be right and where to read.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import os
import queue
import signal
import subprocess
import sys
import textwrap
import threading
import time
from argparse import Namespace
from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout, suppress
from importlib.resources import files
from pathlib import Path
from typing import IO

from cnnguide import data
from cnnguide.examination import ACCURACY, READ, SECONDS, Examination

__all__ = ["main"]


# Ctrl-C is for the process that watches.
WORK = """
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
from cnnguide.check import work
work()
"""


def work() -> None:
    """Examine a file; this is the process in which the reader's code runs."""
    options = json.loads(sys.stdin.readline())
    threading.Thread(target=end_with_parent, daemon=True).start()
    relay = Relay(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    os.dup2(2, 1)  # what is not printed by Python must not stand among the messages
    path = Path(options["file"])
    sys.path.insert(0, str(path.resolve().parent))  # for what the file imports
    sys.dont_write_bytecode = True
    with redirect_stdout(relay):
        examination = Examination(
            path,
            which=options["data"],
            seed=options["seed"],
            seconds=options["seconds"],
            accuracy=options["accuracy"],
            train=not options["no_training"],
        )
        for message in examination.findings():
            relay.send(*message)
    relay.send("end", "")


def end_with_parent() -> None:
    """Do not go on training when the process that watches is gone."""
    sys.stdin.read()
    os._exit(1)


class Relay(io.TextIOBase):
    """Takes findings, and what the reader's code prints, to the process that shows them."""

    def __init__(self, file: IO[str]) -> None:
        self.file = file

    def send(self, kind: str, text: str) -> None:
        """Send one message, on one line."""
        self.file.write(json.dumps([kind, text]) + "\n")
        self.file.flush()

    def write(self, text: str) -> int:
        """Send a text that is printed."""
        self.send("print", text)
        return len(text)


class Screen:
    """Shows findings and the reader's lines, and under them the seconds while they pass."""

    def __init__(self) -> None:
        self.at_start, self.live = True, False

    def show(self, text: str) -> None:
        """Write a text where the line of seconds was."""
        if self.live:
            print("\r" + " " * 70, end="\r", file=sys.stderr, flush=True)
            self.live = False
        print(text, end="", flush=True)
        self.at_start = text.endswith("\n") if text else self.at_start

    def say(self, text: str) -> None:
        """Write a sentence on lines of its own."""
        lines = textwrap.fill(
            " ".join(text.split()),
            width=88,
            subsequent_indent=" " * 7,
            break_long_words=False,
            break_on_hyphens=False,
        )
        self.show(("" if self.at_start else "\n") + lines + "\n")

    def tick(self, text: str) -> None:
        """Show how many seconds have gone, where somebody watches."""
        if self.at_start and sys.stderr.isatty():
            print(f"\r{text:70.70s}", end="", file=sys.stderr, flush=True)
            self.live = True


def receive(lines: Iterable[str], messages: queue.Queue) -> None:
    """Put messages in a queue, which can be waited for with a limit; the last one is "gone"."""
    for line in lines:
        with suppress(json.JSONDecodeError):  # a process that was stopped may leave half a line
            messages.put(json.loads(line))
    messages.put(("gone", ""))


def watch(options: Namespace, screen: Screen) -> Iterator[tuple[str, str]]:
    """Run the checks in another process; yield what they find, and stop what takes too long."""
    messages: queue.Queue = queue.Queue(100)
    name, start, kind = "starting", math.inf, ""
    with subprocess.Popen(
        [sys.executable, "-c", WORK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin and process.stdout
        reader = threading.Thread(target=receive, args=(process.stdout, messages))
        reader.start()
        try:
            print(json.dumps(vars(options), default=str), file=process.stdin, flush=True)
            while (gone := time.monotonic() - start) <= options.seconds:
                try:
                    kind, text = messages.get(timeout=0.2)
                except queue.Empty:
                    screen.tick(f"  {name}: {max(gone, 0):.0f} s of at most {options.seconds:g} s")
                    continue
                if kind == "begin":
                    name, start = text, time.monotonic()
                elif kind == "print":
                    screen.show(text)
                elif kind in ("end", "gone"):
                    break
                else:
                    yield kind, text
            if kind != "end":
                yield "wrong", f"{name}: {what_stopped(process, name, kind, options.seconds)}"
        finally:
            process.kill()
            while kind != "gone":
                kind, _ = messages.get()
            reader.join()


def what_stopped(process: subprocess.Popen, name: str, kind: str, seconds: float) -> str:
    """Say why there are no further findings."""
    if kind == "gone":
        why = f"its process ended with exit code {process.wait()}, perhaps for lack of memory"
    else:
        advice = "it has to do less" if name == "training" else "only train() may take long"
        why = f"stopped after {seconds:g} s; {advice}"
    return f"{why}. {READ.get(name, '')}".strip()


def check(options: Namespace) -> int:
    """Show each finding and the sum of all."""
    screen, found = Screen(), []
    for kind, text in watch(options, screen):
        screen.say(f"{kind}: {text}")
        found.append(kind)
    if wrong := found.count("wrong"):
        screen.say(f"not yet: {wrong} wrong, {len(found) - wrong} right")
    elif options.no_training:
        screen.say(f"not yet: all {len(found)} checks are right, and the training is still to come")
    else:
        screen.say(f"passed: all {len(found)} checks are right")
    return 1 if wrong else 0


def write_template(path: Path) -> None:
    """Write a file to begin with, where there is none."""
    with path.open("x", encoding="utf-8") as file:
        file.write((files("cnnguide") / "check_template.txt").read_text(encoding="utf-8"))
    print(f"{path} is written; change it, and check it with `python -m cnnguide.check {path}`")


def parse(arguments: list[str] | None) -> Namespace:
    """Read the options."""
    parser = argparse.ArgumentParser(
        prog="python -m cnnguide.check",
        description="Run the functions make_model() and train(model, images, labels) of your file, "
        "and say what is right and what is not. The exit code is 0 if nothing is wrong.",
        epilog="The page capstone tells the rules, and the chapters tell the rest.",
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
    if not options.seconds > 0 or not 0 < options.accuracy <= 100:
        parser.error("--seconds is above 0, and --accuracy lies above 0 and up to 100")
    return options


def main(arguments: list[str] | None = None) -> int:
    """Check a reader's file, or write one to begin with."""
    options = parse(arguments)
    try:
        if options.template:
            write_template(options.template)
            return 0
        data.load(options.data)  # if it is not there, say so before anything runs
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


if __name__ == "__main__":
    sys.exit(main())

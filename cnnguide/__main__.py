"""The command line: ``cnnguide COMMAND``; ``python -m cnnguide COMMAND`` is the same."""

from __future__ import annotations

import errno
import importlib
import io
import os
import signal
import sys
from typing import Any, ClassVar

import cnnguide

__all__ = ["main"]

#: Each command with the line that the manual shows; the module of that name does the work.
COMMANDS = {
    "train": "train a network on CIFAR-10 or on your own pictures",
    "data": "fetch the full CIFAR-10 into the cache, once",
    "predict": "print what a trained network sees in your pictures",
    "check": "check your own network and training, as the capstone asks",
    "transfer": "measure what ImageNet weights are worth on CIFAR-10",
    "backbone": "train the small backbone of the chapter transfer",
    "publish": "make the files of the network that runs in the page from a finished run",
}


def manual() -> str:
    """Write the text of ``--help``."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {text}" for name, text in COMMANDS.items()]
    return "\n".join(
        [
            "usage: cnnguide COMMAND [options]",
            "",
            "The commands of cnnguide, a guide to convolutional networks.",
            "",
            *lines,
            "",
            "cnnguide COMMAND --help   shows a command's options",
            "cnnguide --version        prints the version",
            "",
            "To begin:",
            "  cnnguide predict cat.jpg                       by the network of the package",
            "  cnnguide train --recipe quick --model quick --data sample",
            "                                                 trains in a minute, on a laptop",
            "  cnnguide data && cnnguide train                trains on all of CIFAR-10",
        ]
    )


#: What is wrong with a console that has gone away: nobody is left who reads.
GONE = {errno.EPIPE, errno.ECONNRESET, errno.EIO, errno.EBADF}


class Lasting(io.FileIO):
    """A console that may go away: what nobody can read any more is dropped.

    Another fault, such as a full disk, is kept until the command ends.
    """

    faults: ClassVar[list[OSError]] = []

    def write(self, data: bytes | memoryview) -> int:  # type: ignore[override]
        """Write what can be written."""
        try:
            return super().write(data)
        except OSError as error:
            if error.errno not in GONE:
                self.faults.append(error)
        return len(data)


def open_streams() -> None:
    """Let nothing that standard output or error cannot take stop a command on its way."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = getattr(sys, name)
        if stream is None:  # closed by the shell: a file that is opened would take its number
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
            os.set_inheritable(number, True)
            setattr(sys, name, io.TextIOWrapper(io.FileIO(number, "w", closefd=False), "utf-8"))
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a letter that it lacks
            if type(getattr(stream.buffer, "raw", stream.buffer)) is io.FileIO:
                setattr(sys, name, lasting(stream))


def lasting(stream: io.TextIOWrapper) -> io.TextIOWrapper:
    """Write to the same place, as often, whatever happens to it."""
    raw = Lasting(stream.fileno(), "w", closefd=False)
    file: Any = raw if isinstance(stream.buffer, io.FileIO) else io.BufferedWriter(raw)
    return io.TextIOWrapper(
        file,
        stream.encoding,
        "backslashreplace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def main(arguments: list[str] | None = None) -> int:
    """Run one command; give its exit code, which is 1 if what it printed is lost on a full disk."""
    if sys.stdout is sys.__stdout__:  # not where a test or a notebook has put its own
        open_streams()
    try:
        code = run(sys.argv[1:] if arguments is None else arguments)
    except SystemExit as end:  # of a command's --help, or of an option that there is not
        if unwritten() and not end.code:
            return 1
        raise
    return code or int(unwritten())


def unwritten() -> bool:
    """Tell whether some of what was printed could not be written, and print why."""
    sys.stdout.flush()
    sys.stderr.flush()
    if not Lasting.faults:
        return False
    reason = Lasting.faults[0].strerror
    Lasting.faults.clear()
    print(f"error: what was printed could not be written: {reason}", file=sys.stderr)
    return True


def run(arguments: list[str]) -> int:
    """Run one command; give its exit code."""
    name, rest = (arguments[0], arguments[1:]) if arguments else ("--help", [])
    if name in ("-h", "--help", "help"):
        print(manual())
        return 0
    if name == "--version":
        print(f"cnnguide {cnnguide.__version__}")
        return 0
    if name not in COMMANDS:
        print(manual(), file=sys.stderr)
        print(f"\nerror: there is no command {name!r}; take one of these", file=sys.stderr)
        return 2
    try:
        return importlib.import_module(f"cnnguide.commands.{name}").main(rest)
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main())

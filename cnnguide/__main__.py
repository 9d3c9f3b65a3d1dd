"""The command line: ``cnnguide COMMAND``; ``python -m cnnguide COMMAND`` is the same."""

from __future__ import annotations

import importlib
import io
import sys

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


def main(arguments: list[str] | None = None) -> int:
    """Run one command; give its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a letter that the console lacks stops nothing
            stream.reconfigure(errors="backslashreplace")
    arguments = sys.argv[1:] if arguments is None else arguments
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
    return importlib.import_module(f"cnnguide.commands.{name}").main(rest)


if __name__ == "__main__":
    sys.exit(main())

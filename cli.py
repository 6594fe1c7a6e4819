"""The command `multifaceswap`. Exit codes: 0 all done, 1 some pictures failed, 2 nothing was done, 130 cancelled."""

from __future__ import annotations

import argparse
import logging
import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from types import ModuleType
from typing import NoReturn

from . import __version__
from .commands import COMMANDS, console
from .pipeline.errors import CancelledError, MissingPackageError, MultiFaceSwapError, SettingsError
from .pipeline.quotes import MOST, excerpt

_NEGATIVE = re.compile(r"-\d")


def run() -> NoReturn:
    """The console script: `main` with the process's arguments and exit code."""
    logging.basicConfig(format=f"{console.PROGRAM}: warning: %(message)s", handlers=[console.Warnings()])
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # Names of files may hold what a console can't show.
    try:
        code = main(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the output has left, as `head` does; nothing may be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code)


def main(argv: Sequence[str]) -> int:
    """Do what the arguments say and return the exit code; errors become one message on stderr."""
    try:
        arguments = _parser(argv).parse_args(_joined(argv))
        return arguments.run(arguments)
    except SystemExit as stop:  # argparse, after --help and --version.
        return int(stop.code or 0)
    except (KeyboardInterrupt, CancelledError) as error:
        console.fail(str(error) or "cancelled")
        return 130
    except BrokenPipeError:
        raise
    except (MultiFaceSwapError, OSError, MemoryError, ImportError) as error:
        console.fail(console.message(error))
        return 2


class _Parser(argparse.ArgumentParser):
    def parse_known_args(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """As of the class; a command names what it doesn't know, with its own help, before its parent does."""
        arguments, unknown = super().parse_known_args(args, namespace or argparse.Namespace())
        if unknown:
            self.error(f"unrecognized arguments: {excerpt(' '.join(unknown))}")
        return arguments, unknown

    def error(self, message: str) -> NoReturn:
        command = self.prog.removeprefix(console.PROGRAM).strip()
        raise SettingsError(f"{_shortened(message)} (see {' '.join([console.PROGRAM, *command.split(), '--help'])})")


def _shortened(message: str) -> str:
    """A message of argparse, which quotes all of what came, somewhere in it."""
    return message if len(message) <= 3 * MOST else f"{message[:MOST]} … {message[-MOST:]}"


def _parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    parser = _Parser(
        prog=console.PROGRAM,
        description="Swaps several faces at once, from several donors onto several people.",
        epilog="Exit codes: 0 all done, 1 some pictures failed, 2 nothing was done, 130 cancelled.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"{console.PROGRAM} {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, text in COMMANDS.items():
        subparser = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        # A command's choices come from modules that take a while to import: only the one in use is filled in.
        if name in argv:
            module = _command(name)
            module.add_arguments(subparser)
            subparser.set_defaults(run=module.run)
    return parser


def _command(name: str) -> ModuleType:
    try:
        return import_module(f".commands.{name}", __package__)
    except ModuleNotFoundError as error:
        if error.name != f"{__package__}.{name}":
            raise
        raise MissingPackageError(
            f"{name} isn't in this copy, as ComfyUI's registry holds it: the project has it"
        ) from error


def _joined(argv: Sequence[str]) -> list[str]:
    """`--option -1,0` as `--option=-1,0`: argparse takes a value that starts with a dash for another option."""
    joined: list[str] = []
    for word in argv:
        if (
            joined
            and joined[-1][2:]
            and joined[-1].startswith("--")
            and "=" not in joined[-1]
            and _NEGATIVE.match(word)
        ):
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined

"""What a command says: results on stdout, everything else on stderr, around the progress bar."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TypeVar

from tqdm import tqdm

PROGRAM = "multifaceswap"
T = TypeVar("T")


def say(text: str) -> None:
    """A result."""
    tqdm.write(text, file=sys.stdout)


def note(text: str) -> None:
    """Something to know that isn't an error."""
    tqdm.write(f"{PROGRAM}: note: {text}", file=sys.stderr)


def fail(text: str) -> None:
    """An error."""
    tqdm.write(f"{PROGRAM}: error: {text}", file=sys.stderr)


def message(error: BaseException, subject: object = "") -> str:
    """An error's own words, or what it stands for where it has none; the subject in front unless it is named."""
    text = "there is not enough memory" if isinstance(error, MemoryError) else str(error) or type(error).__name__
    return text if str(subject) in text else f"{subject}: {text}"


def progress(items: Sequence[T], unit: str) -> Iterator[T]:
    """The items, under a bar on stderr where there is more than one."""
    return iter(tqdm(items, unit=unit, file=sys.stderr, disable=len(items) < 2))


def exit_code(failed: int, total: int) -> int:
    """0 all done, 1 some failed, 2 nothing could be done."""
    return 0 if not failed else 1 if failed < total else 2

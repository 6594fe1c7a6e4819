"""What a command says: results on stdout, everything else on stderr, around the progress bar."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from tqdm import tqdm

from ..pipeline.errors import CancelledError, IndexListError, MissingPackageError, ModelError, MultiFaceSwapError

PROGRAM = "multifaceswap"
T = TypeVar("T")
_FRAME = re.compile(r"^frame 0[:,] ")


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


def of_one(line: str) -> str:
    """A line of a report on a batch of one picture, without the picture's number, which says nothing."""
    return _FRAME.sub("", line)


def progress(items: Sequence[T], unit: str) -> tqdm[T]:
    """The items under a bar on stderr where there is more than one, as a context manager that ends the bar."""
    return counted(items, unit, len(items))


def counted(items: Iterable[T], unit: str, total: int) -> tqdm[T]:
    """As `progress`, of items that are still to come."""
    return tqdm(items, unit=unit, total=total, file=sys.stderr, disable=total < 2)


def attempt(subject: Path, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """One of several pieces of work: what it gives, or its `error`, which is told and doesn't stop the others.

    Raised is what ends or meets all of them: a cancel, a reader that left, an unusable model or index list, a package
    that is missing.
    """
    try:
        return {**work(), "error": None}
    except (CancelledError, ModelError, MissingPackageError, IndexListError, BrokenPipeError):
        raise
    except (MultiFaceSwapError, OSError, MemoryError) as error:
        text = message(error, subject)
        fail(text)
        return {"error": text}


def exit_code(results: Sequence[dict[str, Any]]) -> int:
    """Of what `attempt` gave: 0 all done, 1 some failed, 2 nothing could be done."""
    failed = sum(result["error"] is not None for result in results)
    return 0 if not failed else 1 if failed < len(results) else 2

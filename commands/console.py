"""What a command says: results on stdout, everything else on stderr, around the progress bar."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Collection, Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from tqdm import tqdm

from ..app.report import TargetReport
from ..app.report import counted as count_of
from ..pipeline.errors import CancelledError, IndexListError, MissingPackageError, ModelError, MultiFaceSwapError
from ..pipeline.quotes import named, reason

if TYPE_CHECKING:
    from ..media.clips import FrameDone, OnFrame

PROGRAM = "multifaceswap"
_FRAMES = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_noinv_fmt}{postfix}]"
"""Frames a second, also where one takes longer than that."""
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


class Warnings(logging.Handler):
    """What modules and libraries log, on lines of its own beside the progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            tqdm.write(self.format(record), file=sys.stderr)
        except (OSError, ValueError):  # nobody reads it any more
            self.handleError(record)


def done(report: TargetReport, said: Collection[str] = ()) -> None:
    """What became of a target, without the notes that were `said` before."""
    target = named(report.target)
    for line in report.notes:
        if line not in said and (report.error is None or report.error not in line):
            note(f"{target}: {line}")
    made = f"{target} -> {named(report.output or '')}"
    say(f"{made}: {report.summary}" if report.summary else made)
    if report.error is not None:
        fail(f"{target}: {report.error}")


def message(error: BaseException, subject: object = "") -> str:
    """An error's own words, or what it stands for where it has none; the subject in front unless it is named."""
    text = str(error) if isinstance(error, MultiFaceSwapError) and str(error) else reason(error)
    shown = named(str(subject))
    return text if shown in text else f"{shown}: {text}"


def progress(items: Sequence[T], unit: str) -> tqdm[T]:
    """The items under a bar on stderr where there is more than one, as a context manager that ends the bar."""
    return counted(items, unit, len(items))


def counted(items: Iterable[T], unit: str, total: int) -> tqdm[T]:
    """As `progress`, of items that are still to come."""
    return tqdm(items, unit=unit, total=total, file=sys.stderr, disable=total < 2)


@contextmanager
def frames(name: str, *, shown: bool) -> Generator[OnFrame]:
    """A bar for the frames of a clip, called after every frame: how many are done, how many a second, the time that is
    left, and how many faces were swapped in the last one."""
    with tqdm(unit=" frames", desc=named(name), file=sys.stderr, leave=False, disable=not shown) as bar:

        def tell(frame: FrameDone) -> None:
            if not bar.n:  # opening models, and what was done before a stop, say nothing about the speed
                bar.initial = bar.n = bar.last_print_n = frame.done
                bar.unpause()
            if bar.total or frame.total > frame.done:  # where nobody knows how many there are, none are left
                bar.total, bar.bar_format = frame.total, _FRAMES
            bar.set_postfix_str(count_of(frame.faces, "face"), refresh=False)
            bar.update(frame.done - bar.n)

        yield tell


def attempt(subject: str, work: Callable[[], TargetReport]) -> TargetReport:
    """One of several pieces of work: what it gives, or its error, which is printed and doesn't stop the others.

    Raised is what ends or meets all of them: a cancel, a reader that left, an unusable model or index list, a package
    that is missing.
    """
    try:
        return work()
    except (CancelledError, ModelError, MissingPackageError, IndexListError, BrokenPipeError):
        raise
    except (MultiFaceSwapError, OSError, MemoryError) as error:
        text = message(error, subject)
        fail(text)
        return TargetReport(subject, error=text)


def exit_code(errors: Sequence[object], *, written: bool = False) -> int:
    """Of each piece's error, if any: 0 all done, 1 some failed, 2 nothing could be done and nothing was `written`."""
    failed = sum(error is not None for error in errors)
    return 0 if not failed else 1 if written or failed < len(errors) else 2

"""What was done, in words and as JSON: one form for pictures, clips, batches and the hosted engine."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from .. import __version__
from ..pipeline.types import NOT_RESTORED, NOT_SWAPPED

if TYPE_CHECKING:
    from ..models.pool import ModelPool
    from .plan import ModelChoice

Json: TypeAlias = "str | float | bool | Sequence[Json] | Mapping[str, Json] | None"
_FRAME = re.compile(r"^frame 0[:,] | in frame 0(?=,|$)")


@dataclass(frozen=True, slots=True)
class TargetReport:
    """What became of one target."""

    target: str
    """Path or URL."""
    output: str | None = None
    error: str | None = None
    """Why it failed; None where it didn't. Where there is an output all the same, nothing in it was changed."""
    details: Mapping[str, Json] = field(default_factory=dict[str, Json])
    """Numbers and names, e.g. `faces` and `pairs` of a picture, `frames` and `swapped` of a clip."""
    notes: tuple[str, ...] = ()
    """Lines to read."""
    summary: str = ""
    """The one line that says what was done."""

    def as_json(self) -> dict[str, Json]:
        if self.output is None and self.error is not None:
            return {"target": self.target, "error": self.error}
        done = {"output": self.output, **self.details, "report": list(self.notes)}
        return {"target": self.target, **done, "error": self.error}


def network_failure(changed: int, lines: Iterable[str]) -> str | None:
    """The error of the network that failed at every face; None where some were `changed`, or none was tried."""
    found = (line.partition(mark)[2] for line in lines for mark in (NOT_SWAPPED, NOT_RESTORED) if mark in line)
    return None if changed else next(found, None)


def document(settings: Mapping[str, Json], targets: Sequence[Mapping[str, object]], **more: Json) -> bytes:
    """A report file: the version, the settings, `more`, and an entry a target."""
    content = {"multifaceswap": __version__, "settings": settings, **more, "targets": targets}
    return f"{json.dumps(content, indent=2)}\n".encode()


def model_lines(models: ModelPool, choices: Iterable[ModelChoice]) -> list[str]:
    """Which model files aren't the published ones, and which device each model ran on and why."""
    from ..models.runtime.onnx import report as devices_of

    chosen = list(choices)
    files = [note for choice in chosen for note in models.notes(choice.kind, choice.name)]
    return files + devices_of([models.open(choice.kind, choice.name, **choice.options) for choice in chosen])


def of_one_picture(lines: Iterable[str]) -> list[str]:
    """Lines of a report on a batch of one picture, without the picture's number, which says nothing."""
    return [_FRAME.sub("", line) for line in lines]


def counted(number: int, noun: str) -> str:
    """`1 face`, `2 faces`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"

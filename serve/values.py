"""What passes between those who answer calls, the state, and those who do the work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from ..app.report import Json
from ..app.settings import Value

Status = Literal["QUEUED", "PROCESSING", "COMPLETED", "FAILED"]
QUEUED: Final = "QUEUED"
PROCESSING: Final = "PROCESSING"
COMPLETED: Final = "COMPLETED"
FAILED: Final = "FAILED"
OVER: Final = (COMPLETED, FAILED)
NOBODY: Final = ""
"""The owner of what is asked for without a key."""
SAVED: Final = "application/x-safetensors"
"""The type of a saved face."""


class Image(NamedTuple):
    """A picture file that was looked at: it is one, and no larger than allowed. Or a saved face."""

    data: bytes
    media_type: str
    """image/png and the like; `SAVED`."""


@dataclass(frozen=True, slots=True, eq=False)
class Swap:
    """What is asked for, checked."""

    source: Image
    target: Image
    settings: Mapping[str, Value]
    """Of the scopes picture and file, by name: those given, and the defaults of the others."""
    base64: bool
    digest: str
    """Of all that was sent: tells whether an idempotency key comes with the same request."""
    idempotency: str | None = None
    notes: tuple[str, ...] = ()
    """For the report."""
    waited_for: bool = False
    """Whether a call waits for the result."""


class Claimed(NamedTuple):
    """A request that somebody has taken on."""

    id: str
    claim: str
    """Whoever holds this may say what came of it; nobody else."""
    attempts: int
    """How often it was taken on, this time included."""
    source: bytes
    target: bytes
    settings: dict[str, Value]
    is_saved: bool = False
    """Whether the source is a saved face's file."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What came of a request: a picture, or why there is none."""

    picture: Image | None
    error: str = ""
    seconds: float = 0.0
    detail: Mapping[str, Json] = field(default_factory=dict[str, Json])
    """Of the reply: models and their licences, faces, pairs, marks, report."""
    swapped: int = 0
    """Faces."""


class Record(NamedTuple):
    """A request as it stands."""

    id: str
    status: str
    base64: bool
    output: str | None
    """The picture's id."""
    error: str | None
    detail: Mapping[str, Json]
    seconds: float | None
    created: float
    notes: tuple[str, ...] = ()

    @property
    def is_over(self) -> bool:
        return self.status in OVER

"""What a saved face holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...pipeline.errors import SettingsError
from ...pipeline.quotes import excerpt
from ...pipeline.types import Box, Embedding, Gender, Mesh, Points

Pixels = NDArray[np.uint8]
"""(H, W, 3) sRGB."""
Origin = Literal["MultiFaceSwap", "ReActor"]
MOST_VIEWS: Final = 64
LONGEST_CONSENT: Final = 1000
"""Characters."""


class SavedView(NamedTuple):
    """One face of the person. Places are in pixels of the view's own picture, which is cut close to the face."""

    box: Box
    landmarks: Points
    score: float
    mesh: Mesh | None
    embeddings: tuple[Embedding, ...]
    """Who it is, by each model that measured it."""
    picture: Pixels | None
    """None where only numbers were kept."""


class About(NamedTuple):
    """What is said of a saved face."""

    name: str
    views: int
    """Faces that show the person."""
    pictures: int
    """Those of them whose pictures are there."""
    models: tuple[str, ...]
    """Whose identities are there."""
    size: int = 0
    """Of the file, in bytes; 0 where there is none."""
    consent: str = ""
    """A note, on one line; empty where there is none."""
    gender: Gender | None = None
    """A guess, as `age`."""
    age: str = ""
    written_by: str = ""
    origin: Origin = "MultiFaceSwap"
    left_out: int = 0
    """Views beyond the most that a file holds, when it was saved."""

    @property
    def kind(self) -> str:
        """What there is of the person, in words."""
        models = f"identities of {', '.join(self.models)}" if self.models else "no identity"
        shown = f"{self.pictures} with pictures" if self.pictures else "no pictures"
        return f"{self.views} view{'' if self.views == 1 else 's'}, {shown}, {models}"

    @property
    def notes(self) -> list[str]:
        """What is to be known of how it was saved."""
        what = f"{self.left_out} of {self.views + self.left_out} views left out"
        return [f"{what}: a saved face holds {MOST_VIEWS}, the largest and most frontal"] if self.left_out else []

    def lines(self) -> list[str]:
        """All of it, for people to read."""
        guesses = [guess for guess in (self.gender or "", f"{self.age} years" if self.age else "") if guess]
        return [
            self.kind,
            f"{self.size:,} bytes, written by {self.written_by or self.origin}",
            *([f"guessed: {', '.join(guesses)}"] if guesses else []),
            f"consent: {self.consent or 'no note'}",
        ]


@dataclass(frozen=True, slots=True, eq=False)
class SavedPerson:
    """A person as a file holds them. Raises SettingsError for no view, or more than fit."""

    views: tuple[SavedView, ...]
    consent: str = ""
    gender: Gender | None = None
    age: str = ""
    written_by: str = ""
    origin: Origin = "MultiFaceSwap"
    left_out: int = 0
    """Views beyond the most, that aren't among these."""

    def __post_init__(self) -> None:
        if not 0 < len(self.views) <= MOST_VIEWS:
            raise SettingsError(f"a saved face has 1 to {MOST_VIEWS} views, got {len(self.views)}")

    def about(self, name: str, size: int = 0) -> About:
        """What is said of it under a name, in a file of so many bytes."""
        models = tuple(dict.fromkeys(one.model for view in self.views for one in view.embeddings))
        pictures = sum(view.picture is not None for view in self.views)
        said = (self.consent, self.gender, self.age, self.written_by, self.origin, self.left_out)
        return About(name, len(self.views), pictures, models, size, *said)


def checked_consent(text: str) -> str:
    """A note of consent as it is kept. Raises SettingsError for more than a line, or what can't be printed."""
    note = text.strip()
    if len(note) > LONGEST_CONSENT or excerpt(note, LONGEST_CONSENT) != " ".join(note.split()) or "\n" in note:
        raise SettingsError(f"consent: expected one line of at most {LONGEST_CONSENT} printable characters")
    return note

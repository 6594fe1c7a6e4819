"""Finds the people of many pictures and clips: faces that look like one person are somebody, with a number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from ..media.clips import Clip, is_clip
from ..media.pictures import encode_picture, read_picture
from ..pipeline.clip.people import quality
from ..pipeline.errors import FaceNotFoundError, ImageError
from ..pipeline.faces.identity import apart, with_identities
from ..pipeline.faces.people import groups_of
from ..pipeline.geometry import resized
from ..pipeline.protocols import Embedder
from ..pipeline.transparency import greyed
from ..pipeline.types import Embedding, Face, Picture, Size
from .effects import Case
from .faces.cutting import cut
from .pictures import find_faces
from .plan import Plan
from .recognise import embedder_of, threshold_of

if TYPE_CHECKING:
    from .session import Session

EVERY: Final = 1.0
"""Seconds from one frame of a clip that is looked at to the next."""
_THUMBNAIL: Final = 256
"""Pixels of its longer side."""


class Sighting(NamedTuple):
    """A face somewhere in the files."""

    file: Path
    face: Face
    """With its identity, and its places in the thumbnail."""
    thumbnail: bytes
    """JPEG."""
    quality: float
    """How well it shows the face."""


class Somebody(NamedTuple):
    """A person of the files."""

    sightings: tuple[Sighting, ...]
    """The best first."""

    @property
    def files(self) -> int:
        """How many files show them."""
        return len({sighting.file for sighting in self.sightings})

    @property
    def embeddings(self) -> tuple[Embedding, ...]:
        """Who they are, as each sighting says."""
        found = [sighting.face.embedding for sighting in self.sightings]
        return tuple(embedding for embedding in found if embedding is not None)


def find_people(
    session: Session,
    files: Sequence[Path],
    settings: Mapping[str, object],
    each: Callable[[Sequence[Path]], Iterator[Path]] = iter,
    failed: Callable[[Path, Exception], None] | None = None,
) -> list[Somebody]:
    """The people of pictures and clips, the one who is seen most often first; clips are looked at every second.

    `settings` are those of a picture: how target faces are found and filtered, and how far apart faces of one person
    are on average, 0 for what suits the embedder. `each` hands on the files one by one; `failed` is called with one
    that can't be read, where it is given. Raises ImageError or OSError for such a file otherwise, FaceNotFoundError
    where there is nobody, and what models raise.
    """
    plan = session.plan("picture", settings, Case(references=True))
    embedder = session.models.embedder(embedder_of(str(plan.values["embedder"])).name)
    seen: list[Sighting] = []
    for file in each(files):
        try:
            seen += [one for picture in _pictures(file) for one in _seen(session, plan, embedder, file, picture)]
        except (ImageError, OSError) as error:
            if failed is None:
                raise
            failed(file, error)
    if not seen:
        raise FaceNotFoundError("no face found in any of the files: there is nobody to group")
    vectors = np.array([one.vector for one in Somebody(tuple(seen)).embeddings])
    table = apart(vectors, vectors, embedder.metric)
    groups = groups_of(table, threshold_of(plan) or embedder.same_person)
    return [_somebody([seen[number] for number in group]) for group in groups]


def _seen(session: Session, plan: Plan, embedder: Embedder, file: Path, picture: Picture) -> Iterator[Sighting]:
    found = find_faces(session, [picture], plan, "input").faces
    known = with_identities(found, greyed([picture]), embedder, session.models.mesher(), "target")
    yield from (_sighting(file, picture, face) for face in known.flat())


def _pictures(file: Path) -> Iterator[Picture]:
    if not is_clip(file):
        yield read_picture(file)
        return
    clip, due = Clip(file), 0.0
    with closing(clip.frames(clip.info())) as frames:
        for frame in frames:
            if frame.time >= due:
                due = frame.time + EVERY
                yield frame.picture


def _somebody(sightings: Sequence[Sighting]) -> Somebody:
    return Somebody(tuple(sorted(sightings, key=lambda sighting: -sighting.quality)))


def _sighting(file: Path, picture: Picture, face: Face) -> Sighting:
    part, placed = cut(picture, face)
    size = Size.of(part)
    scale = min(1.0, _THUMBNAIL / max(size))
    small = resized(part, Size(*(max(round(side * scale), 1) for side in size)))
    return Sighting(file, _scaled(placed, scale), encode_picture(small, "jpeg", 90)[0], _worth(face))


def _worth(face: Face) -> float:
    return quality(face) * float(np.sqrt(max(face.area, 0.0)))


def _scaled(face: Face, scale: float) -> Face:
    return replace(face, box=face.box * scale, landmarks=face.landmarks * scale, mesh=None, frame=0, index=0)

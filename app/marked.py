"""What a file says of how it was made: a line for each way of saying it, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..marking.checking import FoundCredentials, read_credentials
from ..marking.statement import Said, said_by, said_by_tags
from ..media.clips import Clip, is_clip, read_clip_xmp
from ..media.files import open_file
from ..media.pictures import read_xmp
from ..media.xmp import XmpError
from ..media.xmp_kept import FoundXmp
from ..pipeline.errors import MissingPackageError
from ..pipeline.quotes import excerpt
from .marks import UNKNOWN, clip_type
from .report import Json
from .watermarked import FoundWatermark, look_for_watermark

if TYPE_CHECKING:
    from .session import Session


@dataclass(frozen=True, slots=True)
class Marking:
    """What was found in a file."""

    file: str
    xmp: Said | None = None
    """None where there is no XMP."""
    tags: Said | None = None
    """What tags of a clip say, where its format holds no XMP."""
    credentials: FoundCredentials | None = None
    watermark: FoundWatermark | None = None
    """What the faces show; None where they weren't looked at."""
    unread: str = ""
    """Why Content Credentials weren't looked for."""
    notes: tuple[str, ...] = ()
    error: str | None = None
    """Why the file can't be believed or read: a broken signature, a file that is none."""
    was_read: bool = True

    def lines(self) -> Iterator[str]:
        """For people."""
        if not self.was_read:
            return
        yield f"XMP: {_said(self.xmp)}"
        if self.tags:
            yield f"tags: {_said(self.tags)}"
        yield f"Content Credentials: {self.unread or _signed(self.credentials)}"
        if self.watermark is not None:
            yield f"watermark: {self.watermark}"
        yield from self.notes

    def as_json(self) -> dict[str, Json]:
        found = self.credentials
        return {
            "file": self.file,
            "xmp": None if self.xmp is None else self.xmp._asdict(),
            "tags": None if self.tags is None else self.tags._asdict(),
            "c2pa": None if found is None else found._asdict(),
            "c2pa_unread": self.unread,
            "watermark": None if self.watermark is None else self.watermark._asdict(),
            "notes": self.notes,
            "error": self.error,
        }


def look(path: Path, session: Session | None = None) -> Marking:
    """What a picture or clip says; with a session its faces are looked at too.

    Raises ImageError and OSError for a file that is neither, and what finding faces raises.
    """
    notes, tags, said = list[str](), None, None
    found = _clip_xmp(path) if is_clip(path) else read_xmp(path)
    try:
        said = said_by(found) if found.packets else None
    except XmpError as error:
        notes.append(f"the XMP {error}")
    if is_clip(path) and not found.packets:
        with Clip(path).opened() as (container, _):
            tags = said_by_tags(container.metadata)
    credentials, unread = None, ""
    try:
        with open_file(path) as file:
            credentials = read_credentials(file, found.media_type or UNKNOWN)
    except MissingPackageError as error:
        unread = f"not looked for: {error}"
    broken = credentials is not None and credentials.broken
    error = f"its signature is broken: {'; '.join(credentials.problems)}" if credentials and broken else None
    watermark = look_for_watermark(session, path) if session else None
    return Marking(str(path), said, tags, credentials, watermark, unread, tuple(notes), error)


def _clip_xmp(path: Path) -> FoundXmp:
    with open_file(path) as file:
        return read_clip_xmp(file)._replace(media_type=clip_type(file))


def _said(said: Said | None) -> str:
    if said is None:
        return "none"
    made = [said.source_type or "nothing on how it was made"]
    used = [f"by {' '.join(filter(None, (said.system, said.version)))}"] if said.system else []
    return excerpt(", ".join([*made, *used]))


def _signed(found: FoundCredentials | None) -> str:
    if found is None:
        return "none"
    if found.broken:
        return f"BROKEN: {'; '.join(found.problems) or 'the file was changed after it was signed'}"
    signer = f"signed by {found.signer}"
    known = "whom C2PA's lists name" if found.state == "Trusted" else "whom no list of trust names"
    made = [f"made of {', '.join(found.ingredients)}"] if found.ingredients else []
    broken = [f"{name} was changed after it had been signed" for name in found.broken_ingredients]
    return "; ".join([f"{signer}, {known}", *found.source_types, *made, *broken, *found.problems])

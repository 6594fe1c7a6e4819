"""How results are marked: what they say of themselves, and the signature over it."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from io import BufferedIOBase, BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

from ..marking.certificates import Credentials
from ..marking.checking import carries_credentials
from ..marking.signing import Ingredient, sign
from ..marking.statement import SYNTHETIC, WITH_AI, Said, Statement, said_by, said_by_tags
from ..media.atomic import remove, replace_file, temporary_name
from ..media.clips import HOLD_XMP, Marks, append_xmp, output_format, read_clip_xmp
from ..media.files import open_file
from ..media.pictures import Finish, Metadata, xmp_of
from ..media.xmp_kept import FoundXmp, kept_xmp
from ..models.catalog import find
from ..models.restorers.rows import SHARPEN
from ..models.spec import SwapperParams
from .settings import DISABLE, Value

if TYPE_CHECKING:
    from ..media.clips import Clip

_CLIP_TYPES: Final = {"mp4": "video/mp4", "mov": "video/quicktime"}
UNKNOWN: Final = "application/octet-stream"
_SIGNED_ALREADY: Final = "not marked: it came with Content Credentials, which a change would break"
_LEFT_OUT: Final = "Content Credentials left out: only a result that is signed carries them on"


class MarkedPicture(NamedTuple):
    """How a picture is marked."""

    metadata: Metadata
    """What is written with it."""
    names: tuple[str, ...] = ()
    """XMP, C2PA; empty where it isn't marked."""
    notes: tuple[str, ...] = ()
    finish: Finish | None = None
    """Makes the bytes that are written of the file's bytes and its format."""


class MarkedClip(NamedTuple):
    """How a clip is marked."""

    given: Marks
    names: tuple[str, ...] = ()
    """XMP, C2PA, tags; empty where it isn't marked."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Marker:
    """Marks results of one kind."""

    statement: Statement
    credentials: Credentials | None = None
    """What signs; None where signing isn't set up."""

    @property
    def names(self) -> tuple[str, ...]:
        """What it leaves in files that hold both."""
        return ("XMP", "C2PA") if self.credentials else ("XMP",)

    def picture(self, metadata: Metadata, title: str, target: Path | None) -> MarkedPicture:
        """Mark a picture that is made of the file `target`, whose metadata these are, or of none.

        `finish` raises ImageError where the signature fails, and OSError.
        """
        marker = self.after(_said_in(metadata.xmp))
        said = replace(metadata, xmp=self.statement.xmp(metadata.xmp))
        finish = self.credentials and partial(marker._signed, self.credentials, title, target, metadata.media_type)
        return MarkedPicture(said, self.names, (), finish)

    def after(self, target: Said) -> Marker:
        """For results of a target that says this of itself: the signature says the same as the XMP."""
        return replace(self, statement=self.statement.after(target))

    def clip(self, clip: Clip, output: Path, xmp: bytes | None) -> MarkedClip:
        """Mark a clip with its XMP. `given.finish` raises as that of pictures; this raises ImageError and OSError."""
        said = _said_in(xmp) if xmp else _said_in_tags(clip)
        kind = output_format(output)
        if kind not in HOLD_XMP:
            holds = f"{output.suffix.lower()} holds neither XMP nor a signature, .mp4 and .mov hold both"
            tags = Marks(tags=self.statement.tags(said))
            return MarkedClip(tags, ("tags",), (f"{holds}: tags say that faces were changed",))
        signs = self.after(said)._sign_clip
        finish = self.credentials and partial(signs, self.credentials, clip, output.name, _CLIP_TYPES[kind])
        return MarkedClip(Marks(self.statement.xmp(xmp, said), finish=finish), self.names)

    def copy(self, made: Path, saved: Path) -> None:
        """Mark `saved`, which another program made of the marked clip `made`, where its format holds marks.

        Raises ImageError where the signature fails, and OSError.
        """
        from ..media.clips import Clip

        with open_file(saved) as file:
            kind = clip_type(file)
        if kind == UNKNOWN:
            return
        if not read_clip_xmp(saved).packets:
            append_xmp(saved, next(iter(read_clip_xmp(made).packets), None) or self.statement.xmp(None))
        if self.credentials:
            marker = self.after(said_by(read_clip_xmp(saved)))
            marker._sign_clip(self.credentials, Clip(made), saved.name, kind, saved)

    def _signed(
        self,
        credentials: Credentials,
        title: str,
        target: Path | None,
        target_type: str | None,
        data: bytes,
        image_format: str,
    ) -> bytes:
        made = BytesIO()
        with _opened(target) as source:
            parent = target and source and Ingredient(target.name, target_type or UNKNOWN, source)
            sign(credentials, self.statement, title, f"image/{image_format}", BytesIO(data), made, parent or None)
        return made.getvalue()

    def _sign_clip(self, credentials: Credentials, clip: Clip, title: str, media_type: str, path: Path) -> None:
        signed = path.with_name(temporary_name())
        try:
            with _opened(clip.source) as source, path.open("rb") as made, signed.open("w+b") as target:
                parent = source and Ingredient(Path(clip.name).name, clip_type(source), source)
                sign(credentials, self.statement, title, media_type, made, target, parent)
            replace_file(signed, path)
        finally:
            remove(signed)


def made_by(values: Mapping[str, Value]) -> Statement:
    """What there is to say of what the settings of a swap or a restoration make."""
    name = str(values.get("swap_model", ""))
    generates = bool(name) and find("swapper", name).params_of(SwapperParams).generates
    restores = values.get("face_restore", DISABLE) not in (DISABLE, SHARPEN)
    return Statement(WITH_AI if generates or restores or values.get("expression") else SYNTHETIC)


def marked_picture(
    marker: Marker | None, metadata: Metadata, title: str, target: Path | None, *, changed: bool
) -> MarkedPicture:
    """As `Marker.picture`; unmarked without a marker, and where nothing was changed. Raises OSError."""
    marked = marker.picture(metadata, title, target) if marker and changed else MarkedPicture(metadata)
    return marked._replace(notes=_left_out(target, marked.names))


def marked_hosted(
    marker: Marker | None, data: bytes, given: Metadata | None, title: str, target: Path | None
) -> MarkedPicture:
    """As `Marker.picture`, of a file that came from elsewhere, with what it says of itself, else with what its target
    said. Raises ImageError for a file that is no picture, and OSError."""
    packet, notes = kept_xmp(xmp_of(data), turned=False)
    metadata = replace(given or Metadata(), xmp=packet or (given and given.xmp))
    if marker is None:
        return MarkedPicture(replace(metadata, xmp=None), notes=(*notes, *_left_out(target, ())))
    if marker.credentials is None and carries_credentials(BytesIO(data)):
        return MarkedPicture(replace(metadata, xmp=None), notes=(*notes, _SIGNED_ALREADY))
    return marker.picture(metadata, title, target)._replace(notes=(*notes, *_left_out(target, marker.names)))


def marked_clip(marker: Marker | None, clip: Clip, output: Path, swapped: int) -> MarkedClip:
    """As `Marker.clip`, with the XMP that still holds of the target's; unmarked where no face was `swapped`.

    Raises OSError.
    """
    packet, notes = kept_xmp(read_clip_xmp(clip.source), turned=False)
    if packet and output_format(output) not in HOLD_XMP:
        notes = (*notes, f"XMP left out: {output.suffix.lower()} can't hold it")
    if marker is None or not swapped:
        return MarkedClip(Marks(packet), notes=(*notes, *_left_out(clip.source, ())))
    marked = marker.clip(clip, output, packet)
    return marked._replace(notes=(*notes, *marked.notes, *_left_out(clip.source, marked.names)))


def with_marks(done: str, names: tuple[str, ...], changed: bool = True) -> str:
    """The line that says what was done, and how that is marked; what wasn't `changed` needs no mark."""
    return f"{done}, marked: {' and '.join(names)}" if names else f"{done}, not marked" if changed else done


def _left_out(target: str | os.PathLike[str] | BufferedIOBase | None, names: tuple[str, ...]) -> tuple[str, ...]:
    """A line where a target's own credentials don't go along, into a result that has these marks."""
    if "C2PA" in names:
        return ()
    with _opened(target) as file:
        return (_LEFT_OUT,) if file and carries_credentials(file) else ()


def _said_in(packet: bytes | None) -> Said:
    return said_by(FoundXmp([packet] if packet else ()))


def _said_in_tags(clip: Clip) -> Said:
    with clip.opened() as (container, _):
        return said_by_tags(container.metadata) or Said()


def clip_type(source: BinaryIO | BufferedIOBase) -> str:
    """A clip's media type, by its first bytes."""
    source.seek(0)
    start = source.read(12)
    return UNKNOWN if start[4:8] != b"ftyp" else _CLIP_TYPES["mov" if start[8:12] == b"qt  " else "mp4"]


@contextmanager
def _opened(source: str | os.PathLike[str] | BufferedIOBase | None) -> Generator[BinaryIO | BufferedIOBase | None]:
    """A file, closed at the end; a stream that is open stays so."""
    if source is None or isinstance(source, BufferedIOBase):
        yield source
        return
    with open_file(source) as file:
        yield file

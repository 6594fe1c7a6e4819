"""Whether a clip can be written, found out before the work: a first frame of it goes all the way into a file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ...pipeline.errors import ImageError
from ...pipeline.quotes import excerpt, listed, named
from ..atomic import require_writable, temporary_name
from .checkpoint import checkpoint_folder
from .copying import Reached
from .encoding import PartWriter, Plan
from .extras import Choice, choose, kept_tags, timecode_of, unfit
from .facts import ClipInfo
from .formats import FOREIGN, OUTPUT_EXTENSIONS, ffmpeg_error, output_format, pyav, write_errors
from .mux import Part, write
from .reading import Clip, DecodedFrame, decoded_of

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.stream import Stream

_MARKS: Final = {
    "SPHERICAL": "spherical marks (360°, VR180)",
    "STEREO3D": "3D marks",
    "MASTERING_DISPLAY_METADATA": "HDR10 mastering data",
    "CONTENT_LIGHT_LEVEL": "HDR10 light levels",
    "DYNAMIC_HDR_PLUS": "HDR10+ data",
    "DOVI_METADATA": "Dolby Vision data",
    "A53_CC": "captions within the pictures",
    "ICC_PROFILE": "the colour profile",
}
"""What a frame may carry beside its pixels that is worth a line, by FFmpeg's names."""
_WRITES_TIMECODES: Final = (18, 1)
"""The first PyAV that does."""
_TIMECODE: Final = re.compile(r"\d\d:\d\d:\d\d[:;.]\d\d$")
_SHOWN: Final = 6
"""A line names at most that many tags."""


@dataclass(frozen=True, slots=True)
class Trial:
    """How a clip is to be written, to be tried out."""

    clip: Clip
    info: ClipInfo
    plan: Plan
    output: Path

    def run(self) -> Choice:
        """What goes along with the pictures, and a line for all that doesn't.

        Raises ImageError where the output can't be written at all: its folder, its name, its format, its sound.
        """
        kind = output_format(self.output)
        with self.clip.opened() as (source, film):
            require_sound(source.streams.audio, kind, self.output)
            choice = choose(source, film, kind, self.output.suffix, bool(self.clip.start))
        with write_errors(self.output), trial_files(self.output) as (part, made):
            frame = self._encode(part)
            return self._lost(self._fitting(choice, Part(part, frame.pts), made, kind), made)

    def _encode(self, path: Path) -> DecodedFrame:
        """The first frame in a part."""
        with closing(self.clip.frames(self.info)) as frames:
            frame = next(frames, None)
        if frame is None:
            raise ImageError(f"{self.clip.shown_name}: has no frame in the part that is kept")
        decoded = decoded_of(frame)
        writer = PartWriter(path, self.plan, decoded.pts)
        writer.open()
        writer.encode(decoded, frame.picture, ())
        writer.close()
        return decoded

    def _fitting(self, choice: Choice, part: Part, made: Path, kind: str) -> Choice:
        """The choice without what keeps the file from being written, which is found by trying each by itself."""
        refused = ffmpeg_error(), *FOREIGN
        try:
            self._write(choice, part, made, kind)
            return choice
        except refused:
            pass
        fitting = choice
        for extra in choice.extras:
            try:
                self._write(Choice((extra,)), part, made, kind)
            except refused as error:
                if kind != "matroska" and extra.text.startswith("audio"):
                    raise ImageError(
                        f"{named(self.output)}: its format can't hold {extra.text}; .mkv holds all"
                    ) from error
                fitting = fitting.without(extra, f"{self.output.suffix} can't hold it")
        self._write(fitting, part, made, kind)
        return fitting

    def _write(self, choice: Choice, part: Part, made: Path, kind: str) -> None:
        write(self.clip, self.info, self.plan, [part], choice, made, kind, trial=True)

    def _lost(self, choice: Choice, made: Path) -> Choice:
        """The choice with a line for what the target says of itself, and the file that was made doesn't."""
        with self.clip.opened() as (source, film), Clip(made).opened() as (written, pictures):
            timecode, tags = timecode_of(written, pictures), {key.lower() for key in written.metadata}
            copied = [film, *(source.streams[one.stream] for one in (*choice.of("stream"), *choice.of("sound")))]
            missed = _languages(copied) - _languages(written.streams) if output_format(self.output) == "mov" else ()
            lost = sorted(key for key in kept_tags(source.metadata) if key.lower() not in tags)
        for extra in choice.of("timecode"):
            choice = choice if timecode else choice.without(extra, self._no_timecode(extra.text))
        again = f"will be coded anew, without loss: {self.output.suffix} can't hold it as it is"
        lines = [f"{extra.text} {again}" for extra in choice.of("sound")]
        lines += [*self._unmarked(Clip(made).info()), *self._untagged(lost)]
        lines += [f"the language {excerpt(one)} was left out: {self.output.suffix} can't hold it" for one in missed]
        return choice._replace(left_out=(*choice.left_out, *lines))

    def _no_timecode(self, text: str) -> str:
        """Why a timecode isn't in what was made."""
        installed = pyav().__version__
        first = tuple(int(part) for part in installed.split(".")[:2])
        if first < _WRITES_TIMECODES and _TIMECODE.search(text) and self.output.suffix.lower() != ".webm":
            return f"PyAV {installed} doesn't write it, {'.'.join(map(str, _WRITES_TIMECODES))} does"
        return f"{self.output.suffix} can't hold it"

    def _untagged(self, lost: Sequence[str]) -> list[str]:
        shown = listed(lost[:_SHOWN]) + (f" and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else "")
        return [f"tags left out: {shown}: {self.output.suffix} can't hold them"] if lost else []

    def _unmarked(self, found: ClipInfo) -> list[str]:
        info = self.info
        lost = ["transparency"] if info.has_alpha and not found.has_alpha else []
        lost += [text for name, text in _MARKS.items() if name in info.beside and name not in found.beside]
        lines = [f"{text} left out: {self.output.suffix} with {found.codec} can't hold that" for text in lost]
        if info.deep and not found.deep:
            lines.append(f"the pictures get 8 bits a colour: {self.plan.encoder} can't write more here")
        if info.fields and not found.fields:
            lines.append(
                f"the clip is interlaced, and will be marked progressive: {self.plan.encoder} can't keep fields"
            )
        return lines


def _languages(streams: Iterable[Stream]) -> Counter[str]:
    return Counter(one.metadata["language"] for one in streams if one.metadata.get("language", "und") != "und")


def fitting_extension(clip: Clip) -> str:
    """`.mp4`, or `.mkv` where MP4 can't hold the clip's sound."""
    with clip.opened() as (source, _):
        return ".mkv" if any(unfit(source.streams.audio, "mp4")) else ".mp4"


def require_sound(streams: Sequence[AudioStream], kind: str, output: Path) -> None:
    """Raise ImageError where the output's format can't hold the clip's sound."""
    for name in unfit(streams, kind):
        others = ", ".join(suffix for suffix in OUTPUT_EXTENSIONS if suffix != output.suffix.lower())
        raise ImageError(f"{named(output)}: its format can't hold {name} sound: choose among {others}; .mkv holds all")


@contextmanager
def trial_files(output: Path) -> Generator[tuple[Path, Path]]:
    """Two new files among the parts, which are removed again. Raises OSError where the output can't be there."""
    require_writable(output)
    folder = checkpoint_folder(output)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / temporary_name() for _ in range(2)]
    try:
        for path in paths:
            path.touch(exist_ok=False)
        yield paths[0], paths[1]
    finally:
        for path in paths:
            with suppress(OSError):
                path.unlink()


def cut_short(clip: Clip, info: ClipInfo, frames: int, reached: Reached) -> list[str]:
    """A line where the file holds less than it says."""
    if clip.duration is not None:
        return []
    length, start = float(info.length), clip.start
    end = start + (reached.film if info.is_exact else reached.any)
    missing = length - end
    if missing < max(3 / info.rate, 0.01 * length):
        return []
    counts = info.is_exact and not start
    said = f"{info.frames} frames ({length:.1f} s)" if counts else f"{length:.1f} s"
    ended = f"{end:.1f} s" if start else frames if counts else f"{frames} frames"
    return [f"the file says {said} and ends after {ended}: it is cut short"]

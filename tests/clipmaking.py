"""Clips made of the shipped pictures, small enough that a test takes a second or two."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from multifaceswap.media.pictures import read_picture
from PIL import Image

av = pytest.importorskip("av")

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
TICKS = 12800
"""Time base of the clips made here: 512 ticks a frame at 25 frames a second."""

TAGS = ("colorspace", "color_range", "color_primaries", "color_trc")


@cache
def portrait(name: str, size: tuple[int, int], zoom: float = 1.0) -> np.ndarray:
    """A shipped picture (H, W, 3), cut and scaled to fill (width, height)."""
    picture = Image.fromarray(read_picture(EXAMPLES / name)[..., :3])
    width, height = size
    scale = zoom * max(width / picture.width, height / picture.height)
    return np.asarray(picture.resize((round(picture.width * scale), round(picture.height * scale))))


def moving(name: str, count: int, size: tuple[int, int] = (192, 160), step: float = 1.0) -> list[np.ndarray]:
    """A window of `size` that slides over a picture."""
    picture = portrait(name, size, 1.25)
    width, height = size
    frames = []
    for number in range(count):
        left = min(round(number * step), picture.shape[1] - width)
        top = min(round(number * step / 3), picture.shape[0] - height)
        frames.append(np.ascontiguousarray(picture[top : top + height, left : left + width]))
    return frames


WOMAN, MAN = ("astronaut.png", (70, 0, 400, 350)), ("grace_hopper.jpg", (30, 20, 482, 500))
"""A shipped picture, and the part of it that shows head and shoulders."""
STAGE = (320, 180)


def shot(
    count: int, *people: tuple[tuple[str, tuple[int, int, int, int]], float], grey: int = 96, height: int = 150
) -> list[np.ndarray]:
    """Frames of people before a plain wall, who stand at these places from the left and move a little."""
    frames = []
    for number in range(count):
        stage = Image.new("RGB", STAGE, (grey, grey, grey + 8))
        for (name, part), left in people:
            picture = _cutout(name, part, height)
            stage.paste(picture, (round(left + 0.5 * number), STAGE[1] - height))
        frames.append(np.asarray(stage))
    return frames


@cache
def _cutout(name: str, part: tuple[int, int, int, int], height: int) -> Image.Image:
    picture = Image.fromarray(read_picture(EXAMPLES / name)[..., :3]).crop(part)
    return picture.resize((round(picture.width * height / picture.height), height))


def sides_changed(before: list[np.ndarray], after: list[np.ndarray]) -> list[str]:
    """Where each frame was swapped: `L`, `R`, `LR` or nothing, by the halves of the picture."""
    found = []
    for one, other in zip(before, after, strict=True):
        changed = np.abs(one.astype(int) - other).max(2) > 40
        halves = np.array_split(changed, 2, axis=1)
        found.append("".join(side for side, half in zip("LR", halves, strict=True) if half.sum() > 40))
    return found


def write_clip(
    path: Path,
    frames: list[np.ndarray],
    *,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    times: list[int] | None = None,
    turned: int = 0,
    sound: bool = False,
    tags: dict[str, int] | None = None,
    metadata: dict[str, str] | None = None,
) -> Path:
    """A clip at 25 frames a second, or at `times` in ticks of 1/12800 s; `metadata` as phones write it into MOV."""
    options = {"movflags": "+use_metadata_tags"} if metadata and path.suffix == ".mov" else {}
    with av.open(str(path), "w", container_options=options) as out:
        out.metadata.update(metadata or {})
        stream = out.add_stream(codec, rate=25)
        context = stream.codec_context
        context.width, context.height = frames[0].shape[1], frames[0].shape[0]
        context.pix_fmt, context.time_base = pixel_format, Fraction(1, TICKS)
        context.options = {"crf": "12", "preset": "veryfast"} if codec == "libx264" else {}
        for name, value in (tags or {}).items():
            setattr(context, name, value)
        if turned:
            stream.set_display_rotation(turned)
        voice = out.add_stream("aac", rate=8000) if sound else None
        for number, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=pixel_format)
            frame.pts, frame.time_base = (times[number] if times else number * 512), Fraction(1, TICKS)
            out.mux(stream.encode(frame))
        if voice is not None:
            out.mux(_tone(voice, len(frames) / 25))
        out.mux(stream.encode(None))
    return path


def _tone(stream: av.AudioStream, seconds: float) -> list[av.Packet]:
    wave = np.sin(np.arange(int(8000 * seconds)) * (2 * np.pi * 440 / 8000)).astype(np.float32)[None]
    packets = []
    for start in range(0, wave.shape[1] - 1023, 1024):
        frame = av.AudioFrame.from_ndarray(wave[:, start : start + 1024], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 8000, start
        packets += stream.encode(frame)
    return packets + stream.encode(None)


class Read:
    """What a file holds."""

    def __init__(self, path: Path) -> None:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            self.codec, self.base = stream.codec_context.name, stream.time_base
            decoded = list(container.decode(stream))
            self.tags = {name: int(getattr(stream.codec_context, name)) for name in TAGS}
        self.times = [float(frame.pts * self.base) for frame in decoded]
        self.rotation = decoded[0].rotation
        self.format = decoded[0].format.name
        self.luma = [
            np.frombuffer(f.planes[0], np.uint8).reshape(f.height, -1)[:, : f.width].astype(int)
            for f in decoded
            if f.format.components[0].bits == 8
        ]
        self.pictures = [frame.to_ndarray(format="rgb24") for frame in decoded]
        with av.open(str(path)) as container:
            streams = container.streams.audio
            packets = [p for p in container.demux(streams) if p.dts is not None] if streams else []
            self.sound = [(float(packet.pts * packet.time_base), bytes(packet)) for packet in packets]

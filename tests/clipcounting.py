"""Clips whose pictures say which frame they are, and whose sound says when it is heard."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

av = pytest.importorskip("av")

_BITS, _BLOCK = 8, 16
SIZE = (_BITS * _BLOCK, 96)
_RATE = 48_000
_CLICK = 1920
"""Samples: as long as a frame at 25 frames a second."""
CODECS = {
    "libx264": {"g": "12", "bf": "2", "preset": "veryfast", "crf": "14"},
    "mpeg4": {"g": "12", "q": "2"},
    "libvpx-vp9": {"g": "12", "deadline": "realtime", "cpu-used": "8"},
}


def numbered(number: int) -> np.ndarray:
    """(96, 128, 3) a picture with blocks for the bits of a number at its bottom; faces go above."""
    picture = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)
    for bit in range(_BITS):
        picture[-_BLOCK:, bit * _BLOCK : (bit + 1) * _BLOCK] = 235 if number >> bit & 1 else 20
    return picture


def number_of(picture: np.ndarray) -> int:
    """The number that a picture shows."""
    half, grey = _BLOCK // 2, np.iinfo(picture.dtype).max / 2
    return sum(int(picture[-half, bit * _BLOCK + half].mean() > grey) << bit for bit in range(_BITS))


def write_counting(
    path: Path,
    count: int = 100,
    *,
    codec: str = "libx264",
    rate: int = 25,
    times: list[int] | None = None,
    first: int = 0,
    sound: str | None = "aac",
    click: int = 50,
    options: dict[str, str] | None = None,
    coding: dict[str, str] | None = None,
) -> Path:
    """Frames 0 to `count` - 1 at `rate` frames a second, or at `times` in milliseconds, all `first` seconds later, and
    silence with a click at `click` / 25 seconds."""
    with av.open(str(path), "w", container_options=options or {}) as out:
        film = out.add_stream(codec, rate=rate)
        context = film.codec_context
        context.width, context.height, context.pix_fmt = *SIZE, "yuv420p"
        context.time_base = Fraction(1, 1000 if times else rate)
        context.options = coding or CODECS[codec]
        voice = out.add_stream(sound, rate=_RATE) if sound else None
        packets = []
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(numbered(number), format="rgb24").reformat(format="yuv420p")
            frame.pts = (times[number] if times else number) + round(first / context.time_base)
            packets += film.encode(frame)
        packets += film.encode(None)
        if voice is not None:
            seconds = (times[-1] / 1000 if times else count / rate) + 0.04
            packets += _clicking(voice, seconds, click / 25, first)
        for packet in sorted(packets, key=lambda one: one.dts * one.time_base):
            out.mux(packet)
    return path


def _clicking(stream: av.AudioStream, seconds: float, click: float, first: int) -> list[av.Packet]:
    wave = np.zeros((1, int(_RATE * seconds)), np.float32)
    at = int(_RATE * click)
    wave[0, at : at + _CLICK] = 0.9 * np.sin(np.arange(_CLICK) * 0.3)[: wave.shape[1] - at]
    packets, step = [], stream.codec_context.frame_size or 1024
    for start in range(0, wave.shape[1] - step + 1, step):
        frame = av.AudioFrame.from_ndarray(wave[:, start : start + step], format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = _RATE, start + first * _RATE, Fraction(1, _RATE)
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def shown(path: Path) -> list[tuple[float, int]]:
    """When each frame of a file is shown, in seconds, and which it is."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        return [(float(one.pts * one.time_base), number_of(one.to_ndarray(format="rgb24"))) for one in frames]


def heard(path: Path) -> float | None:
    """When the click begins, in seconds; None where it isn't there."""
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            loud = np.flatnonzero(np.abs(frame.to_ndarray().astype(float)).max(0) > 0.25)
            if len(loud):
                return float(frame.pts * frame.time_base) + int(loud[0]) / frame.sample_rate
    return None

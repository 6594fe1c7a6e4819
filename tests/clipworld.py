"""Clips as the world has them: streams, times and marks that the plain ones of `clipmaking` lack."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

av = pytest.importorskip("av")

SIZE = 64


def frames(count: int, size: tuple[int, int] = (SIZE, SIZE)) -> list[np.ndarray]:
    """Pictures (H, W, 3) that get brighter; no two corners are alike."""
    height, width = size
    down, across = np.mgrid[:height, :width]
    first = np.stack([across * 255 / width, down * 255 / height, 128 * (across > width / 2) + 0 * down], axis=2)
    return [(0.7 * first + 2 * number).astype(np.uint8) for number in range(count)]


def encode(stream, pictures, pixel_format: str, rate: int = 25, first: int = 0):
    """Packets of pictures."""
    for number, picture in enumerate(pictures, first):
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=pixel_format)
        frame.pts, frame.time_base = number, Fraction(1, rate)
        yield from stream.encode(frame)
    yield from stream.encode(None)


def film_stream(out, codec: str = "libx264", pixel_format: str = "yuv420p", size=(SIZE, SIZE), options=None):
    """A stream of pictures of (width, height), to be filled."""
    stream = out.add_stream(codec, rate=25)
    context = stream.codec_context
    context.width, context.height = size
    context.pix_fmt, context.time_base = pixel_format, Fraction(1, 25)
    context.options = {"crf": "12", "preset": "veryfast"} if codec == "libx264" and options is None else options or {}
    return stream


def write(
    path: Path,
    pictures,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    *,
    sound: int = 0,
    options=None,
    container_options=None,
    prepare=lambda out, stream: None,
    first: int = 0,
    **opening,
) -> Path:
    """A clip with `sound` tracks of sound; `prepare` is handed the container and its film before all writing."""
    height, width = pictures[0].shape[:2]
    with av.open(str(path), "w", container_options=container_options or {}, **opening) as out:
        stream = film_stream(out, codec, pixel_format, (width, height), options)
        voices = [out.add_stream("aac", rate=8000) for _ in range(sound)]
        prepare(out, stream)
        packets = list(encode(stream, pictures, pixel_format, first=first))
        for number, voice in enumerate(voices):
            packets += tone(voice, len(pictures) / 25, 440 * (number + 1), first / 25)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            out.mux(packet)
    return path


def tone(stream, seconds: float, pitch: int = 440, start: float = 0.0):
    """Packets of a tone."""
    wave = np.sin(np.arange(int(8000 * seconds)) * (2 * np.pi * pitch / 8000)).astype(np.float32)[None]
    packets = []
    for begin in range(0, wave.shape[1] - 1023, 1024):
        frame = av.AudioFrame.from_ndarray(wave[:, begin : begin + 1024], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 8000, begin + round(8000 * start)
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def times(path: Path, kind: str = "video") -> list[float]:
    """When a file's pictures are shown, or its sound is heard, in seconds."""
    with av.open(str(path)) as container:
        stream = next(iter(getattr(container.streams, kind)))
        return sorted(float(p.pts * p.time_base) for p in container.demux(stream) if p.pts is not None and p.size)


def pictures(path: Path, number: int = 0) -> list[np.ndarray]:
    """A file's pictures (H, W, 3)."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(container.streams.video[number])]


def box(name, content):
    """A box of an MP4."""
    return struct.pack(">I", 8 + len(content)) + name + content


def inside(data: bytes, path: tuple[bytes, ...]) -> list[int]:
    """Where the boxes of an MP4 on the way to the last one start; headers of `stsd` and sample entries are skipped."""
    skip = {b"stsd": 8, b"avc1": 78, b"hvc1": 78}
    begin, end, found = 0, len(data), []
    for name in path:
        while begin < end and data[begin + 4 : begin + 8] != name:
            begin += struct.unpack(">I", data[begin : begin + 4])[0]
        found.append(begin)
        end = begin + struct.unpack(">I", data[begin : begin + 4])[0]
        begin += 8 + skip.get(name, 0)
    return found


def add_box(path: Path, place: tuple[bytes, ...], box: bytes) -> None:
    """Put a box at the end of one whose `moov` is the file's last, so that nothing else moves."""
    data = bytearray(path.read_bytes())
    found = inside(bytes(data), place)
    last = found[-1]
    end = last + struct.unpack(">I", data[last : last + 4])[0]
    for begin in found:
        data[begin : begin + 4] = struct.pack(">I", struct.unpack(">I", data[begin : begin + 4])[0] + len(box))
    path.write_bytes(bytes(data[:end]) + box + bytes(data[end:]))


def udta_first(path: Path) -> None:
    """Move an MP4's tags before its tracks, as taggers do: the cover then is the first stream."""
    data = path.read_bytes()
    moov, udta = inside(data, (b"moov", b"udta"))
    size = struct.unpack(">I", data[udta : udta + 4])[0]
    tags = data[udta : udta + size]
    path.write_bytes(data[: moov + 8] + tags + data[moov + 8 : udta] + data[udta + size :])

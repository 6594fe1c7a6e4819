"""A clip, whatever became of its file, is swapped or ends in the project's own errors; nothing half-done is left."""

from __future__ import annotations

import io
from contextlib import closing

import clipmodels
import numpy as np
import pytest
from clipmaking import av, moving
from hypothesis import given
from hypothesis import strategies as st
from multifaceswap.media.clips import Clip, swap_file
from multifaceswap.pipeline.clip.flow import ClipSettings
from multifaceswap.pipeline.errors import MultiFaceSwapError
from mutations import mutated, tries

KINDS = {
    "mp4": ("mp4", "libx264", "aac"),
    "mkv": ("matroska", "libx264", "aac"),
    "webm": ("webm", "libvpx", "libopus"),
    "ts": ("mpegts", "libx264", "aac"),
    "avi": ("avi", "mpeg4", "mp2"),
}
FRAMES = 6
RATE = 48000


def _clip(kind: str, codec: str, sound: str) -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=kind) as out:
        stream, voice = out.add_stream(codec, rate=25), out.add_stream(sound, rate=RATE)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        out.metadata["title"] = "a title"
        for picture in moving("astronaut.png", FRAMES, (64, 64)):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(stream.encode(None))
        samples = np.zeros((voice.codec_context.layout.nb_channels, RATE * FRAMES // 25), np.int16)
        layout = voice.codec_context.layout.name
        frame = av.AudioFrame.from_ndarray(samples, format="s16p", layout=layout)
        frame.sample_rate, fifo = RATE, av.AudioFifo()
        resampler = av.AudioResampler(voice.codec_context.format, layout, RATE)
        for part in resampler.resample(frame):
            fifo.write(part)
        for part in fifo.read_many(voice.codec_context.frame_size or 1152):
            out.mux(voice.encode(part))
        out.mux(voice.encode(None))
    return buffer.getvalue()


FILES = {name: _clip(*made) for name, made in KINDS.items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("clips")


@pytest.mark.slow
@tries(120)
@given(mutated(FILES), st.sampled_from(sorted(KINDS)))
def test_any_damage_is_frames_or_the_projects_errors(folder, data, name):
    path = folder / f"in.{name}"
    path.write_bytes(data)
    try:
        info = Clip(path).info()
        with closing(Clip(path).frames(info)) as frames:
            for number, frame in enumerate(frames):
                assert frame.number == number < 100 and frame.picture.ndim == 3
    except MultiFaceSwapError as error:
        assert len(str(error)) < 2000 + len(str(path))


@pytest.mark.slow
@tries(40)
@given(mutated(FILES), st.sampled_from(sorted(KINDS)), st.sampled_from(["mp4", "mkv", "webm", "mov"]))
def test_any_damage_is_swapped_or_ends_in_the_projects_errors(folder, data, name, kind):
    path, output = folder / f"target.{name}", folder / f"out.{kind}"
    path.write_bytes(data)
    output.unlink(missing_ok=True)
    before = {entry.name for entry in folder.iterdir()}
    try:
        result = swap_file(
            Clip(path), output, clipmodels.watcher(), clipmodels.engine(), ClipSettings(), hardware=False, resume=False
        )
    except MultiFaceSwapError as error:
        assert len(str(error)) < 2000 + len(str(path))
        assert {entry.name for entry in folder.iterdir()} == before
    else:
        assert result.frames > 0 and Clip(output).info().size
        assert {entry.name for entry in folder.iterdir()} == before | {output.name}
    assert not clipmodels.workers()


def test_every_file_is_one_that_can_be_swapped_as_long_as_it_is_whole(folder):
    for name, data in FILES.items():
        path = folder / f"whole.{name}"
        path.write_bytes(data)
        assert sum(1 for _ in Clip(path).frames(Clip(path).info())) == FRAMES

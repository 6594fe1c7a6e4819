from __future__ import annotations

import sys
from io import BytesIO

import numpy as np
import pytest
from clipmaking import Read, moving, write_clip
from multifaceswap import swap_clip
from multifaceswap.media.clips import Clip, encoding, transcode
from multifaceswap.pipeline.errors import CancelledError, ImageError, SettingsError

av = pytest.importorskip("av")

BACKGROUND = slice(0, 14)
"""Rows of the clips that no face comes near."""


@pytest.fixture
def swap(astronaut, session, tmp_path):
    def run(target, name="out.mp4", **options):
        return swap_clip(target, tmp_path / name, [astronaut], session=session, tiles=False, **options)

    return run


@pytest.fixture
def short_parts(monkeypatch):
    monkeypatch.setattr(transcode, "FRAMES_A_PART", 10)
    monkeypatch.setattr(
        transcode.swap_file, "__kwdefaults__", {**transcode.swap_file.__kwdefaults__, "frames_a_part": 10}
    )


def stop_at(frame, error=CancelledError):
    def progress(done, _total):
        if done == frame:
            raise error("stopped")

    return progress


def test_pictures_change_where_faces_are_and_nothing_else_does(swap, tmp_path):
    target = write_clip(tmp_path / "in.mp4", moving("grace_hopper.jpg", 15), sound=True)
    before = target.read_bytes()
    result = swap(target)
    given, made = Read(target), Read(result.output)
    assert (result.frames, result.swapped) == (15, 15)
    assert made.times == given.times and made.sound == given.sound and len(given.sound) > 3
    assert (made.codec, made.format, made.tags) == (given.codec, given.format, given.tags)
    for old, new in zip(given.luma, made.luma, strict=True):
        assert np.abs(old - new)[BACKGROUND].mean() < 1.5
        assert np.abs(old - new).max() > 60
    assert {path.name for path in tmp_path.iterdir()} == {"in.mp4", "out.mp4"}
    assert target.read_bytes() == before


def test_without_a_face_the_clip_passes_through_with_a_report(swap, tmp_path):
    frames = [np.full((96, 128, 3), 40 + 5 * number, np.uint8) for number in range(6)]
    result = swap(write_clip(tmp_path / "in.mp4", frames))
    assert (result.frames, result.swapped) == (6, 0)
    assert result.report == (
        "frames 0-5: target 0 not found (no faces)",
        "faces that lie on their side or are upside down are only found with turns",
    )
    for old, new in zip(Read(tmp_path / "in.mp4").luma, Read(result.output).luma, strict=True):
        assert np.abs(old - new).max() <= 1


def test_frames_keep_their_uneven_times(swap, tmp_path):
    times = [0, 512, 700, 2000, 2513, 7777, 9000, 9001]
    target = write_clip(tmp_path / "in.mp4", moving("grace_hopper.jpg", 8), times=times)
    assert Read(swap(target).output).times == pytest.approx([tick / 12800 for tick in times], abs=1e-9)


@pytest.mark.parametrize("turned", [90, 180, -90])
def test_a_turned_clip_comes_out_upright(swap, tmp_path, turned):
    frames = moving("grace_hopper.jpg", 4)
    stored = [np.ascontiguousarray(np.rot90(frame, -turned // 90)) for frame in frames]
    result = swap(write_clip(tmp_path / "in.mp4", stored, turned=turned))
    made = Read(result.output)
    assert result.swapped == 4 and made.rotation == 0
    for old, new in zip(frames, made.pictures, strict=True):
        assert new.shape == old.shape
        assert np.abs(old.astype(int) - new)[BACKGROUND].mean() < 5


@pytest.mark.parametrize("tags", [(1, 2, 1, 1), (6, 1, 6, 6), (9, 2, 9, 14)])
def test_matrix_range_primaries_and_transfer_are_kept(swap, tmp_path, tags):
    named = dict(zip(("colorspace", "color_range", "color_primaries", "color_trc"), tags, strict=True))
    target = write_clip(tmp_path / "in.mp4", moving("grace_hopper.jpg", 3), tags=named)
    made = Read(swap(target).output)
    assert made.tags == Read(target).tags == named
    assert np.abs(made.luma[2] - Read(target).luma[2])[BACKGROUND].mean() < 1.5


def test_ten_bits_stay_ten_bits(swap, tmp_path):
    target = write_clip(tmp_path / "in.mov", moving("grace_hopper.jpg", 3), pixel_format="yuv420p10le")
    result = swap(target, "out.mov")
    assert Read(result.output).format == "yuv420p10le" and result.swapped == 3


@pytest.mark.parametrize(
    ("codec", "name", "made"),
    [("libsvtav1", "a.mp4", "libdav1d"), ("mpeg4", "a.mkv", "h264"), ("libvpx-vp9", "a.webm", "vp9")],
)
def test_the_codec_is_kept_where_it_can_be_written(swap, tmp_path, codec, name, made):
    target = write_clip(tmp_path / f"in_{name}", moving("grace_hopper.jpg", 3), codec=codec)
    assert Read(swap(target, name).output).codec == made


def test_a_stream_of_bytes_and_a_part_of_it(swap, tmp_path):
    target = write_clip(tmp_path / "in.mp4", moving("grace_hopper.jpg", 30), sound=True)
    result = swap(BytesIO(target.read_bytes()), start=0.4, duration=0.4)
    made = Read(result.output)
    assert made.times == pytest.approx([number / 25 for number in range(10)])
    assert 0 <= made.sound[0][0] < 0.13 and made.sound[-1][0] < 0.4
    assert np.abs(made.luma[0] - Read(target).luma[10])[BACKGROUND].mean() < 1.5


def test_a_cancel_leaves_no_file_and_what_was_there(swap, tmp_path):
    target = write_clip(tmp_path / "in.mp4", moving("grace_hopper.jpg", 12))
    (tmp_path / "out.mp4").write_text("from before")
    with pytest.raises(CancelledError):
        swap(target, progress=stop_at(7), resume=False)
    assert {path.name for path in tmp_path.iterdir()} == {"in.mp4", "out.mp4"}
    assert (tmp_path / "out.mp4").read_text() == "from before"


@pytest.mark.slow
def test_what_was_cut_off_goes_on_and_ends_the_same(swap, short_parts, tmp_path, monkeypatch):
    encoded = []
    write = encoding.PartWriter.write
    # What goes into the encoder: encoders of several threads don't give the same bytes twice.
    monkeypatch.setattr(
        encoding.PartWriter,
        "write",
        lambda writer, done: (encoded.append((done.frame.number, done.frame.picture.tobytes())), write(writer, done)),
    )
    target = write_clip(tmp_path / "in.mp4", moving("grace_hopper.jpg", 36), sound=True)
    whole = Read(swap(target, "whole.mp4").output)
    frames = dict(encoded)
    encoded.clear()
    with pytest.raises(OSError, match="stopped"):
        swap(target, progress=stop_at(25, OSError))
    assert not (tmp_path / "out.mp4").exists()
    assert sorted(path.suffix for path in (tmp_path / ".out.mp4.parts").glob("0*")) == [
        ".json",
        ".json",
        ".mp4",
        ".mp4",
    ]

    seen = []
    result = swap(target, progress=lambda done, total: seen.append((done, total)))
    made = Read(result.output)
    assert seen[0] == (21, 36) and seen[-1] == (36, 36)
    assert (result.frames, result.swapped) == (36, 36)
    assert made.times == whole.times and made.sound == whole.sound
    assert dict(encoded) == frames and [number for number, _ in encoded].count(19) == 1
    assert all(np.abs(a - b).mean() < 1 for a, b in zip(made.luma, whole.luma, strict=True))
    assert not (tmp_path / ".out.mp4.parts").exists()


@pytest.mark.slow
def test_other_settings_start_over(swap, short_parts, tmp_path):
    target = write_clip(tmp_path / "in.mp4", moving("grace_hopper.jpg", 24))
    with pytest.raises(CancelledError):
        swap(target, progress=stop_at(22))
    seen = []
    swap(target, strength=0.5, progress=lambda done, _total: seen.append(done))
    assert seen[0] == 1


@pytest.mark.slow
def test_a_crash_between_the_last_part_and_the_file_needs_no_frame_again(swap, short_parts, tmp_path, monkeypatch):
    target = write_clip(tmp_path / "in.mp4", moving("grace_hopper.jpg", 20))

    def full(*_arguments):
        raise ImageError("the disk is full")

    with monkeypatch.context() as patched, pytest.raises(ImageError, match="full"):
        patched.setattr(transcode, "mux_parts", full)
        swap(target)
    seen = []
    assert swap(target, progress=lambda done, _total: seen.append(done)).frames == 20
    assert seen == []


def test_the_first_encoder_that_works_is_taken(tmp_path, monkeypatch):
    info = Clip(write_clip(tmp_path / "in.mp4", moving("grace_hopper.jpg", 2))).info()
    tried = []

    def works(chosen):
        tried.append(chosen.encoder)
        return chosen.encoder == "libx264"

    monkeypatch.setattr(encoding, "_works", works)
    assert encoding.plan(info, "mp4", hardware=True).encoder == "libx264"
    assert tried[0] == "h264_nvenc" and tried[-1] == "libx264"
    tried.clear()
    assert encoding.plan(info, "mp4", hardware=False).encoder == "libx264"
    assert tried == ["libx264"]
    monkeypatch.setattr(encoding, "_works", lambda chosen: False)
    with pytest.raises(ImageError, match=r"no encoder for h264 at 192×160 .*libx264"):
        encoding.plan(info, "mp4", hardware=False)


def test_odd_sizes_can_be_written(swap, tmp_path):
    frames = [frame[:159, :191] for frame in moving("grace_hopper.jpg", 3)]
    target = write_clip(tmp_path / "in.mp4", frames, pixel_format="yuv444p")
    assert Read(swap(target).output).pictures[0].shape == (159, 191, 3)


@pytest.mark.parametrize("content", [b"", b"I am a clip, honestly." * 9, None])
def test_an_unreadable_target_is_one_clear_line(swap, tmp_path, content):
    target = tmp_path / "in.mp4"
    if content is None:
        whole = write_clip(tmp_path / "whole.mp4", moving("grace_hopper.jpg", 9)).read_bytes()
        content = whole[: len(whole) // 2]
    target.write_bytes(content)
    with pytest.raises(ImageError, match=r"in\.mp4: can't be read as a clip") as caught:
        swap(target)
    assert "\n" not in str(caught.value) and not (tmp_path / "out.mp4").exists()


def test_sound_alone_is_no_clip(swap, tmp_path):
    with av.open(str(tmp_path / "in.mp4"), "w") as out:
        stream = out.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 8000
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    with pytest.raises(ImageError, match="has no pictures in it"):
        swap(tmp_path / "in.mp4")


def test_outputs_that_cannot_be(swap, tmp_path):
    target = write_clip(tmp_path / "in.mp4", moving("grace_hopper.jpg", 9), sound=True)
    with pytest.raises(SettingsError, match=r"\.mp4, .*\.webm"):
        swap(target, "out.gif")
    with pytest.raises(SettingsError, match="is the target itself"):
        swap(target, "in.mp4")
    with pytest.raises(ImageError, match=r"can't hold aac sound.*\.mkv"):
        swap(target, "out.webm", resume=False)
    assert {path.name for path in tmp_path.iterdir()} == {"in.mp4"}


def test_without_pyav_the_command_that_fetches_it_is_named(swap, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ImageError, match=r"pip install 'multifaceswap\[video\]'"):
        swap(tmp_path / "in.mp4")

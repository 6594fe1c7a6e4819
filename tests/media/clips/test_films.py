"""Which stream is swapped, when its pictures are shown, and how they lie."""

from __future__ import annotations

import math
import os
from io import BytesIO

import numpy as np
import pytest
from clipworld import av, encode, film_stream, frames, pictures, times, tone, udta_first, write
from multifaceswap.media import limits
from multifaceswap.media.clips import Clip, reading
from multifaceswap.pipeline.errors import CancelledError, ImageError
from PIL import Image


def jpeg(picture):
    file = BytesIO()
    Image.fromarray(picture).save(file, "jpeg")
    return file.getvalue()


def add_still(out, stream):
    """A cover of another size, as a stream of its own."""
    cover = out.add_stream("mjpeg", rate=25)
    context = cover.codec_context
    context.width, context.height, context.pix_fmt = 96, 48, "yuvj420p"
    cover.disposition = av.stream.Disposition["attached_pic"]
    out.start_encoding()
    packet = av.Packet(jpeg(np.full((48, 96, 3), 200, np.uint8)))
    packet.stream, packet.pts, packet.dts, packet.time_base = cover, 0, 0, context.time_base
    out.mux(packet)


@pytest.mark.parametrize("is_first", [True, False])
def test_a_cover_is_not_the_film_and_is_kept(swap_blank, tmp_path, is_first):
    target = write(tmp_path / "in.mp4", frames(6), prepare=add_still)
    if is_first:
        udta_first(target)
    with av.open(str(target)) as container:
        assert [stream.width for stream in container.streams.video] == ([96, 64] if is_first else [64, 96])
    result = swap_blank(target)
    assert (result.frames, result.swapped, result.report) == (6, 6, ())
    with av.open(str(result.output)) as made:
        film, cover = made.streams.video
        assert (film.width, cover.width, film.frames) == (64, 96, 6)
        assert bytes(next(made.demux(cover))) == jpeg(np.full((48, 96, 3), 200, np.uint8))


@pytest.mark.parametrize("extension", [".webm", ".mov"])
def test_a_cover_that_the_format_cannot_hold_is_named(swap_blank, tmp_path, extension):
    target = write(tmp_path / "in.mp4", frames(3), prepare=add_still)
    result = swap_blank(target, f"out{extension}")
    assert result.report == (f"cover picture 1 was left out: {extension} can't hold it",)
    with av.open(str(result.output)) as made:
        assert len(made.streams.video) == 1


def test_of_two_films_the_default_one_is_swapped(swap_blank, tmp_path):
    with av.open(str(tmp_path / "in.mkv"), "w") as out:
        small, film = film_stream(out, size=(32, 32)), film_stream(out)
        small.disposition, film.disposition = 0, av.stream.Disposition["default"]
        packets = [*encode(small, frames(4, (32, 32)), "yuv420p"), *encode(film, frames(4), "yuv420p")]
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            out.mux(packet)
    result = swap_blank(tmp_path / "in.mkv")
    assert result.report == ("video stream 0 was left out: only one film is swapped, and this is another",)
    assert pictures(result.output)[0].shape == (64, 64, 3)


def test_a_cover_alone_is_no_film(swap_blank, tmp_path):
    with av.open(str(tmp_path / "in.m4a"), "w", format="mp4") as out:
        voice = out.add_stream("aac", rate=8000)
        packets = tone(voice, 0.5)
        add_still(out, None)
        for packet in packets:
            out.mux(packet)
    with pytest.raises(ImageError, match="has no film in it, only a cover picture"):
        swap_blank(tmp_path / "in.m4a")


@pytest.mark.parametrize("name", ["04.23:50.mp4", "http:x.mp4", "subfile,,start,0,end,9,,:x.mp4", "%03d.mp4", "-.mp4"])
def test_names_are_names_of_files(swap_blank, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "in.mp4", frames(3)).rename(tmp_path / name)
    assert swap_blank(name, "out:1.mp4").frames == 3


@pytest.mark.parametrize(
    "text",
    ["#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:1,\nin.mp4\n#EXT-X-ENDLIST\n", "ffconcat version 1.0\nfile in.mp4"],
)
@pytest.mark.parametrize("name", ["list.m3u8", "list.mp4", "list.mkv"])
def test_a_file_that_leads_to_others_is_no_clip(swap_blank, tmp_path, name, text):
    write(tmp_path / "in.mp4", frames(3))
    (tmp_path / name).write_text(text)
    with pytest.raises(ImageError, match=r"list\.\w+: can't be read as a clip"):
        swap_blank(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_pipe_is_refused_at_once(swap_blank, tmp_path):
    os.mkfifo(tmp_path / "in.mp4")
    with pytest.raises(ImageError, match=r"in\.mp4: can't be read as a clip: it is not a regular file"):
        swap_blank(tmp_path / "in.mp4")


@pytest.mark.parametrize(("kind", "pixel_format"), [("mjpeg", "yuvj420p"), ("ffv1", "yuv420p")])
def test_frames_beyond_100_megapixels_are_refused_before_they_are_decoded(tmp_path, monkeypatch, kind, pixel_format):
    target = write(tmp_path / "in.mkv", frames(3), kind, pixel_format)
    monkeypatch.setattr(limits, "MAX_PIXELS", 64 * 63)
    monkeypatch.setattr(reading, "raw_frames", None)
    with pytest.raises(ImageError, match=r"in\.mkv: 64×64 is larger than 100 megapixels: make it smaller first$"):
        Clip(target).info()


def test_frames_that_say_a_size_beyond_100_megapixels_are_never_decoded(tmp_path):
    data = write(tmp_path / "in.avi", frames(3), "mjpeg", "yuvj420p").read_bytes()
    size = b"\xff\xc0\x00\x11\x08\x00\x40\x00\x40"
    assert data.count(size) == 3
    (tmp_path / "in.avi").write_bytes(data.replace(size, size[:5] + b"\x75\x30\x75\x30"))
    with pytest.raises(ImageError, match=r"in\.avi: has no frame that can be decoded$|damaged, cut short"):
        Clip(tmp_path / "in.avi").info()


FOREIGN = [
    ValueError(),
    OverflowError(),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
    MemoryError(),
    OSError("x\ny"),
]


@pytest.mark.parametrize("error", FOREIGN, ids=lambda error: type(error).__name__)
def test_what_pyav_raises_beside_its_own_errors_is_one_line(tmp_path, monkeypatch, error):
    target = write(tmp_path / "in.mp4", frames(2))

    def fail(*_):
        raise error

    monkeypatch.setattr(reading, "info_of", fail)
    with pytest.raises(ImageError, match=r"in\.mp4: can't be read as a clip: ") as refused:
        Clip(target).info()
    assert len(str(refused.value).splitlines()) == 1


def recording(path, count, start=0.0, **options):
    """A transport stream, as receivers and cameras write it."""
    return write(path, frames(count), sound=1, container_options={"output_ts_offset": str(start)}, **options)


@pytest.mark.parametrize("start", [0, 3600, 95440])
def test_a_recording_starts_at_nought(swap_blank, tmp_path, start):
    target = recording(tmp_path / "in.ts", 25, start)
    apart = times(target, "audio")[0] - times(target)[0]
    made = swap_blank(target).output
    shown, heard = times(made), times(made, "audio")
    assert min(shown[0], heard[0]) == pytest.approx(0, abs=1e-3)
    assert shown[-1] - shown[0] == pytest.approx(0.96, abs=1e-3) and len(shown) == 25
    assert heard[0] - shown[0] == pytest.approx(apart, abs=2e-3)


def test_a_part_counts_from_where_the_recording_starts(swap_blank, tmp_path):
    target = recording(tmp_path / "in.ts", 50, 3600)
    made = swap_blank(target, start=0.5, duration=0.48).output
    late = times(target)[0] - times(target, "audio")[0]
    first = math.ceil((0.5 - late) / 0.04)
    assert len(times(made)) == 12 and times(made)[0] == pytest.approx(first * 0.04 + late - 0.5, abs=1e-3)
    middle = [picture[:8].mean() for picture in pictures(made)]  # rows that the swap doesn't reach
    whole = [picture[:8].mean() for picture in pictures(target)]
    assert np.mean(middle) == pytest.approx(np.mean(whole[first : first + 12]), abs=0.9)


@pytest.mark.parametrize("starts", [(0, 0), (5000, 0), (0, 5000), (50, 5000, 0)], ids=str)
@pytest.mark.parametrize("sound", [0, 1])
def test_joined_recordings_run_on(swap_blank, tmp_path, starts, sound):
    joined = b"".join(
        write(
            tmp_path / f"{number}.ts",
            frames(20),
            sound=sound,
            container_options={"output_ts_offset": str(start)},
        ).read_bytes()
        for number, start in enumerate(starts)
    )
    (tmp_path / "in.ts").write_bytes(joined)
    result = swap_blank(tmp_path / "in.ts")
    shown = times(result.output)
    assert result.frames == len(shown) == 20 * len(starts)
    assert np.diff(shown) == pytest.approx([0.04] * (len(shown) - 1), abs=0.021)
    if sound:
        heard = times(result.output, "audio")
        assert max(np.diff(heard)) < 0.3 and abs(heard[-1] - shown[-1]) < 0.3 and min(np.diff(heard)) > 0


def test_joined_recordings_go_on_where_the_work_was_cut_off(swap_blank, tmp_path):
    first = recording(tmp_path / "a.ts", 20).read_bytes()
    (tmp_path / "in.ts").write_bytes(first + first)
    whole = swap_blank(tmp_path / "in.ts", "whole.mp4", frames_a_part=8)

    def stop(done, _total):
        if done == 34:
            raise CancelledError("stopped")

    with pytest.raises(CancelledError):
        swap_blank(tmp_path / "in.ts", progress=stop, frames_a_part=8)
    seen = []
    made = swap_blank(tmp_path / "in.ts", progress=lambda done, _: seen.append(done), frames_a_part=8)
    assert seen[0] == 31 and (made.frames, made.swapped) == (whole.frames, whole.swapped) == (40, 40)
    assert times(made.output) == times(whole.output)
    for one, other in zip(pictures(made.output), pictures(whole.output), strict=True):
        assert np.abs(one.astype(int) - other).mean() < 2


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_all_eight_ways_to_lie_come_out_as_they_are_shown(swap_blank, tmp_path, turned, mirrored):
    def lay(_out, stream):
        stream.set_display_rotation(turned, hflip=mirrored)

    stored = frames(3, (48, 64))
    target = write(tmp_path / "in.mp4", stored, prepare=lay)
    shown = np.rot90(stored[0], turned // 90)
    shown = shown[:, ::-1] if mirrored else shown
    result = swap_blank(target)
    with av.open(str(result.output)) as container:
        made = next(container.decode(video=0))
        assert made.rotation == 0
    difference = np.abs(made.to_ndarray(format="rgb24").astype(int) - shown)
    outside = np.ones(shown.shape[:2], bool)
    outside[:52, 8:52] = False
    assert np.median(difference[outside]) < 4 and difference[outside].mean() < 6


def test_pictures_that_change_their_size_are_scaled_and_noted(swap_blank, tmp_path):
    both = (
        write(tmp_path / "a.ts", frames(10)).read_bytes() + write(tmp_path / "b.ts", frames(8, (32, 48))).read_bytes()
    )
    (tmp_path / "in.ts").write_bytes(both)
    result = swap_blank(tmp_path / "in.ts")
    assert result.report == ("frames 10-17: the picture's size changes to 48×32: scaled to 64×64",)
    assert {picture.shape for picture in pictures(result.output)} == {(64, 64, 3)} and result.frames == 18


@pytest.mark.parametrize("name", ["in.mp4", "in.mkv", "in.avi"])
def test_a_clip_that_was_cut_off_says_so(swap_blank, tmp_path, name):
    options = {"movflags": "+faststart"} if name == "in.mp4" else {}
    noise = [np.random.default_rng(number).integers(0, 255, (64, 64, 3), np.uint8) for number in range(50)]
    target = write(tmp_path / name, noise, "mpeg4", container_options=options, options={"g": "1", "qscale": "3"})
    (scenes,) = swap_blank(target).report
    assert "start over" in scenes  # as in noise, of which every frame is another scene
    target.write_bytes(target.read_bytes()[: int(target.stat().st_size * 0.7)])
    result = swap_blank(target)
    assert 28 <= result.frames <= 40
    said = "2.0 s and ends after {} frames" if name == "in.mkv" else "50 frames (2.0 s) and ends after {}"
    assert result.report[1:] == (f"the file says {said.format(result.frames)}: it is cut short",)


def test_frames_that_cannot_be_decoded_are_passed_over_and_noted(swap_blank, tmp_path):
    with av.open(str(tmp_path / "in.mov"), "w") as out:
        stream = film_stream(out, "png", "rgb24")
        for number, packet in enumerate(list(encode(stream, frames(12), "rgb24"))):
            data = bytes(packet)
            broken = av.Packet(data[:40] + bytes(len(data) - 40)) if number in (4, 5) else packet
            broken.stream, broken.pts, broken.dts = stream, packet.pts, packet.dts
            broken.time_base, broken.is_keyframe = packet.time_base, True
            out.mux(broken)
    result = swap_blank(tmp_path / "in.mov")
    assert result.frames == 10
    assert result.report == ("frame 4: frames before this one are missing: they can't be decoded",)
    assert times(result.output)[3:5] == pytest.approx([0.12, 0.24], abs=1e-3)


def test_what_is_known_before_counts_from_the_film(tmp_path):
    target = write(tmp_path / "in.mp4", frames(6), prepare=add_still)
    info = Clip(target).info()
    assert (info.size, info.frames, info.fields, info.has_alpha) == ((64, 64), 6, "", False)


@pytest.mark.parametrize("starts", [(0, 100), (100, 0)])
def test_joined_broadcasts_are_not_called_cut_short(swap_blank, tmp_path, starts):
    parts = [recording(tmp_path / f"{start}.ts", 25, start) for start in starts]
    (tmp_path / "in.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    result = swap_blank(tmp_path / "in.ts")
    assert result.frames == 50
    assert not [line for line in result.report if "cut short" in line]
    assert times(result.output)[-1] - times(result.output)[0] == pytest.approx(1.96, abs=0.002)


def test_a_film_whose_counter_starts_over_at_its_beginning(swap_blank, tmp_path):
    target = recording(tmp_path / "in.ts", 25, 2**33 / 90000 - 0.4)
    with av.open(str(target)) as given:
        assert -1 < given.streams.video[0].start_time / 90000 < 0  # as FFmpeg counts it
    result = swap_blank(target)
    assert result.frames == 25 and not result.report
    assert np.diff(times(result.output)) == pytest.approx(0.04, abs=0.002)


def test_a_matroska_file_that_starts_late_is_not_called_cut_short(swap_blank, tmp_path):
    target = write(tmp_path / "in.mkv", frames(10), sound=1, container_options={"output_ts_offset": "5"})
    with av.open(str(target)) as given:
        assert given.start_time > 4_900_000 and given.duration > 5_300_000
    result = swap_blank(target)
    assert (result.frames, result.report) == (10, ())


@pytest.mark.parametrize("data", [b"", b"no clip", jpeg(np.zeros((48, 96, 3), np.uint8))])
def test_what_is_no_clip_is_said_in_plain_words(swap_blank, tmp_path, data):
    (tmp_path / "in.mp4").write_bytes(data)
    with pytest.raises(
        ImageError, match=r"in\.mp4: can't be read as a clip: it is damaged, cut short, or something else$"
    ):
        swap_blank(tmp_path / "in.mp4")


def test_frames_of_an_avi_are_shown_evenly(swap_blank, tmp_path):
    target = write(tmp_path / "in.avi", frames(25), options={"crf": "12", "bf": "2", "x264-params": "b-adapt=0"})
    with av.open(str(target)) as given:
        shown = [frame.pts for frame in given.decode(video=0)]
    assert shown != sorted(shown)  # as FFmpeg guesses
    result = swap_blank(target)
    assert (result.frames, result.report) == (25, ())
    assert np.diff(times(result.output)) == pytest.approx(0.04, abs=0.002)

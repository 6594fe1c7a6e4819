"""What goes along with the pictures, and what is found out before the first of them is swapped."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from clipworld import add_box, av, box, encode, film_stream, frames, times, tone, write
from multifaceswap.media.clips import checkpoint_folder, trial
from multifaceswap.pipeline.errors import ImageError

FONT = bytes(range(256)) * 40


def flags(path):
    """The streams' kinds, languages and dispositions."""
    with av.open(str(path)) as container:
        return [(s.type, s.language, int(s.disposition)) for s in container.streams]


def write_tracks(path, *, font=False):
    """A film with a comment before the sound that is meant, and titles that are forced."""
    flag = av.stream.Disposition
    with av.open(str(path), "w") as out:
        film = film_stream(out)
        comment, sound = out.add_stream("aac", rate=8000), out.add_stream("aac", rate=8000)
        comment.metadata.update({"language": "eng", "title": "Commentary"})
        sound.metadata["language"] = "jpn"
        film.disposition = sound.disposition = flag["default"]
        comment.disposition = flag["comment"]
        if font:
            out.add_attachment("font.ttf", "application/x-truetype-font", FONT)
        packets = [*encode(film, frames(25), "yuv420p"), *tone(comment, 1), *tone(sound, 1, 600)]
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            out.mux(packet)
    return path


@pytest.mark.parametrize("name", ["in.mkv", "in.mp4"])
def test_every_track_keeps_what_is_said_of_it(swap_blank, tmp_path, name):
    target = write_tracks(tmp_path / name)
    result = swap_blank(target, f"out{name[2:]}")
    assert result.report == () and flags(result.output) == flags(target)
    default = [language for kind, language, value in flags(result.output) if kind == "audio" and value & 1]
    assert default == ["jpn"]


def test_fonts_go_along_or_are_named(swap_blank, tmp_path):
    target = write_tracks(tmp_path / "in.mkv", font=True)
    result = swap_blank(target, "out.mkv")
    with av.open(str(result.output)) as container:
        (font,) = [stream for stream in container.streams if stream.type == "attachment"]
        assert (font.metadata["filename"], font.mimetype, bytes(font.data)) == (
            "font.ttf",
            "application/x-truetype-font",
            FONT,
        )
    assert result.report == ()
    assert swap_blank(target, "out.mp4").report == ("attachment font.ttf was left out: .mp4 can't hold it",)


def test_titles_of_one_time_and_forced_ones_are_kept(swap_blank, tmp_path):
    (tmp_path / "a.srt").write_text(
        "1\n00:00:00,100 --> 00:00:00,500\nOne\n\n2\n00:00:00,100 --> 00:00:00,600\nTwo\n\n"
        "3\n00:00:00,700 --> 00:00:00,900\nThree\n"
    )
    with av.open(str(tmp_path / "a.srt")) as titles, av.open(str(tmp_path / "in.mkv"), "w") as out:
        film = film_stream(out)
        copy = out.add_stream_from_template(titles.streams[0])
        copy.disposition = av.stream.Disposition["forced"]
        for packet in encode(film, frames(25), "yuv420p"):
            out.mux(packet)
        for packet in titles.demux(titles.streams[0]):
            if packet.dts is not None:
                packet.stream = copy
                out.mux(packet)
    made = swap_blank(tmp_path / "in.mkv", "out.mkv").output
    assert times(made, "subtitles") == times(tmp_path / "in.mkv", "subtitles") == pytest.approx([0.1, 0.1, 0.7])
    assert flags(made)[1] == flags(tmp_path / "in.mkv")[1]
    report = swap_blank(tmp_path / "in.mkv", "out.mp4").report
    assert report == ("subtitle stream 1 was left out: .mp4 can't hold it",)


def with_timecode(path, code="10:11:12:13"):
    return write(path, frames(6), sound=1, prepare=lambda out, stream: stream.metadata.update({"timecode": code}))


@pytest.mark.parametrize("name", ["out.mov", "out.mp4", "out.m4v", "out.mkv"])
def test_the_timecode_is_kept(swap_blank, tmp_path, name):
    result = swap_blank(with_timecode(tmp_path / "in.mkv"), name)
    assert result.report == () and timecodes(result.output) == {"10:11:12:13"}
    again = swap_blank(result.output, "again.mov")  # from a timecode track, as cameras write it
    assert again.report == () and timecodes(again.output) == {"10:11:12:13"}


@pytest.mark.parametrize("name", ["out.mov", "out.mp4", "out.mkv"])
def test_a_timecode_that_an_older_pyav_does_not_write_is_not_the_formats_fault(swap_blank, tmp_path, monkeypatch, name):
    monkeypatch.setattr(av, "__version__", "17.1.0")
    monkeypatch.setattr(trial, "timecode_of", lambda *_: None)
    result = swap_blank(with_timecode(tmp_path / "in.mkv"), name)
    assert result.report == ("the timecode 10:11:12:13 was left out: PyAV 17.1.0 doesn't write it, 18.1 does",)


def timecodes(path):
    with av.open(str(path)) as container:
        tags = [container.metadata, *(stream.metadata for stream in container.streams)]
        return {one[key] for one in tags for key in one if key.lower() == "timecode"}


def test_a_timecode_that_the_format_refuses_is_named(swap_blank, tmp_path):
    target = with_timecode(tmp_path / "in.mkv", "no time at all")
    result = swap_blank(target)
    assert result.report == ("the timecode no time at all was left out: .mp4 can't hold it",)
    assert (result.frames, timecodes(result.output)) == (6, set())


def test_a_part_has_no_timecode_of_the_whole(swap_blank, tmp_path):
    report = swap_blank(with_timecode(tmp_path / "in.mkv"), start=0.1).report
    assert report == ("the timecode 10:11:12:13 was left out: the clip starts later",)


@pytest.mark.parametrize("name", ["out.mov", "out.mp4", "out.mkv"])
def test_a_stream_of_unknown_codec_is_left_out(swap_blank, tmp_path, name):
    target = write(tmp_path / "in.mp4", frames(8), sound=2)
    data = target.read_bytes()
    entry = data.rindex(b"mp4a")
    target.write_bytes(data[:entry] + b"apac" + data[entry + 4 :].replace(b"esds", b"skip"))
    result = swap_blank(target, name)
    assert result.frames == 8
    assert result.report == ("audio stream 2 was left out: its codec isn't known",)
    assert [kind for kind, *_ in flags(result.output)] == ["video", "audio"]


@pytest.mark.parametrize("codec", ["wmav2", "adpcm_ms"])
def test_sound_that_no_format_holds_is_coded_anew_in_matroska(swap_blank, tmp_path, codec):
    target = tmp_path / "in.avi"
    wave = (9000 * np.sin(np.arange(44100) * (2 * np.pi * 440 / 44100))).astype(np.int16)
    with av.open(str(target), "w") as out:
        film, voice = film_stream(out), out.add_stream(codec, rate=44100, layout="mono")
        voice.codec_context.bit_rate = 128000
        tone = av.AudioFrame.from_ndarray(wave[None], format="s16", layout="mono")
        tone.sample_rate, tone.pts = 44100, 0
        out.start_encoding()
        resampler = av.AudioResampler(voice.format, "mono", 44100, frame_size=voice.codec_context.frame_size or 1024)
        sound = [p for frame in [*resampler.resample(tone), None] for p in voice.encode(frame)]
        for packet in [*encode(film, frames(25), "yuv420p"), *sound]:
            out.mux(packet)
    result = swap_blank(target, "out.mkv")
    assert result.report == ("audio stream 1 will be coded anew, without loss: .mkv can't hold it as it is",)
    given, made = heard(target), heard(result.output)
    assert abs(len(given) - len(made)) < 5000 and len(made) > 40000
    assert np.abs(given[10000:30000] - made[10000:30000]).max() < 1e-3
    with pytest.raises(ImageError, match=rf"can't hold {codec} sound.*\.mkv holds all"):
        swap_blank(target, "out.mp4", progress=never)


def heard(path):
    """A file's sound as samples in [-1, 1]."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("flt", "mono", 44100)
        decoded = [one for frame in container.decode(audio=0) for one in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray()[0] for frame in decoded])


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv"])
def test_what_an_edit_list_hides_stays_hidden(swap_blank, tmp_path, name):
    """A clip that a phone trimmed: the film's and the sound's first 0.8 s are still in the file."""
    target = write(tmp_path / "in.mp4", frames(50), sound=1)
    hide(target, 0.8)
    assert min(times(target)) < -0.5
    made = swap_blank(target, name).output
    shown, heard = times(made), times(made, "audio")
    assert len(shown) == 30 and shown[0] < 0.3 and min(heard) > -0.3
    assert shown[-1] - shown[0] == pytest.approx(29 * 0.04, abs=2e-3)
    assert abs(shown[0] - min(heard)) < 0.3 and heard[-1] - min(heard) < 1.5


def hide(path, seconds):
    """Have the edit lists of an MP4 start later."""
    data = bytearray(path.read_bytes())
    moov = data.index(b"mvhd")
    place, rates = moov, iter((12800, 8000))
    while (place := data.find(b"elst", place + 4)) > 0:
        count = struct.unpack(">I", data[place + 8 : place + 12])[0]
        entry = place + 12 + 12 * (count - 1)
        length, begin = struct.unpack(">Ii", data[entry : entry + 8])
        scale = next(rates)
        data[entry : entry + 8] = struct.pack(">Ii", length - round(1000 * seconds), begin + round(scale * seconds))
    path.write_bytes(bytes(data))


def test_data_that_cannot_be_copied_is_named(swap_blank, tmp_path):
    with av.open(str(tmp_path / "in.ts"), "w") as out:
        film, data = film_stream(out), out.add_data_stream("klv")
        for packet in encode(film, frames(6), "yuv420p"):
            out.mux(packet)
        packet = av.Packet(bytes(20))
        packet.stream, packet.pts, packet.dts, packet.time_base = data, 0, 0, film.time_base
        out.mux(packet)
    assert swap_blank(tmp_path / "in.ts").report == ("data stream 1 was left out: .mp4 can't hold it",)


def test_tags_of_phones_are_kept(swap_blank, tmp_path):
    tags = {"com.apple.quicktime.make": "Apple", "com.apple.quicktime.location.ISO6709": "+48.2+016.3/"}
    target = write(
        tmp_path / "in.mov",
        frames(3),
        prepare=lambda out, stream: out.metadata.update(tags),
        container_options={"movflags": "use_metadata_tags"},
    )
    for name in ("out.mov", "out.mp4"):
        with av.open(str(swap_blank(target, name).output)) as container:
            assert tags.items() <= container.metadata.items()


def test_tags_that_the_format_cannot_hold_are_named(swap_blank, tmp_path):
    tags = {"title": "A film", "MOOD": "calm", "SHOT_BY": "me"}
    target = write(tmp_path / "in.mkv", frames(3), prepare=lambda out, stream: out.metadata.update(tags))
    assert swap_blank(target, "out.mkv").report == ()
    result = swap_blank(target, "out.mp4")
    assert result.report == ("tags left out: MOOD, SHOT_BY: .mp4 can't hold them",)
    with av.open(str(result.output)) as container:
        assert container.metadata["title"] == "A film"


def test_tags_in_any_encoding_come_through(swap_blank, tmp_path):
    target = write(
        tmp_path / "in.mkv",
        frames(3),
        prepare=lambda out, stream: out.metadata.update({"title": "Käse"}),
        metadata_encoding="latin-1",
    )
    made = swap_blank(target, "out.mkv").output
    assert "Käse".encode("latin-1") in made.read_bytes()


def test_what_counted_the_old_pictures_is_dropped(swap_blank, tmp_path):
    stale = {"BPS": "999", "NUMBER_OF_FRAMES": "7", "_STATISTICS_TAGS": "BPS", "handler_name": "Camera"}
    target = write(tmp_path / "in.mkv", frames(3), prepare=lambda out, stream: stream.metadata.update(stale))
    with av.open(str(swap_blank(target, "out.mkv").output)) as container:
        tags = {key.lower(): value for key, value in container.streams.video[0].metadata.items()}
    assert tags["handler_name"] == "Camera" and not tags.keys() & {"bps", "number_of_frames", "_statistics_tags"}


def test_a_box_that_nobody_knows_does_no_harm(swap_blank, tmp_path):
    target = write(tmp_path / "in.mp4", frames(3))
    add_box(target, (b"moov", b"trak"), box(b"zzzz", bytes(100)))
    assert swap_blank(target).report == ()


def never(done, total):
    raise AssertionError("a frame was swapped")


@pytest.mark.parametrize("sound", [0, 1])
def test_an_output_that_cannot_be_is_found_out_first(swap_blank, tmp_path, sound):
    target = write(tmp_path / "in.mp4", frames(6), sound=sound)
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "file").write_text("I am no folder")
    for name, text in [
        ("folder.mp4", "it exists and is not a regular file"),
        ("file/out.mp4", "can't be written"),
        (f"{'n' * 300}.mp4", "File name too long"),
    ]:
        with pytest.raises(ImageError, match=text):
            swap_blank(target, name, progress=never)
    assert {path.name for path in tmp_path.iterdir()} == {"in.mp4", "folder.mp4", "file"}


def test_a_full_disk_is_found_out_first(swap_blank, tmp_path, monkeypatch):
    def full(*_arguments, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("multifaceswap.media.clips.trial.write", full)
    with pytest.raises(ImageError, match=r"out\.mp4: can't be written: No space left on device"):
        swap_blank(write(tmp_path / "in.mp4", frames(6)), progress=never)
    assert {path.name for path in tmp_path.iterdir()} == {"in.mp4"}


@pytest.mark.parametrize("length", [245, 251, 255])
def test_the_longest_names_can_be_written(swap_blank, tmp_path, length):
    name = f"{'n' * (length - 4)}.mp4"
    assert len(checkpoint_folder(tmp_path / name).name) <= 255
    assert swap_blank(write(tmp_path / "in.mp4", frames(3)), name).frames == 3
    assert {path.name for path in tmp_path.iterdir()} == {"in.mp4", name}


def test_the_trial_leaves_nothing_behind_but_the_parts(swap_blank, tmp_path):
    target = write(tmp_path / "in.mp4", frames(6), sound=1)

    def look(done, _total):
        assert {path.name for path in tmp_path.iterdir()} == {"in.mp4", ".out.mp4.parts"}

    assert swap_blank(target, progress=look).frames == 6


def test_sound_that_the_muxer_refuses_is_said_before_the_work(swap_blank, tmp_path):
    with av.open(str(tmp_path / "in.mkv"), "w") as out:
        film, sound = film_stream(out), out.add_stream("flac", rate=8000)
        sound.codec_context.format, sound.codec_context.layout = "s16", "mono"
        packets = list(encode(film, frames(4), "yuv420p"))
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.int16), format="s16", layout="mono")
        frame.sample_rate, frame.pts = 8000, 0
        for packet in [*packets, *sound.encode(frame), *sound.encode(None)]:
            out.mux(packet)
    with pytest.raises(ImageError, match=r"out\.mov: its format can't hold audio stream 1; \.mkv holds all"):
        swap_blank(tmp_path / "in.mkv", "out.mov", progress=never)
    assert swap_blank(tmp_path / "in.mkv", "out.mkv").report == ()


def test_a_language_that_mov_cannot_say_is_named(swap_blank, tmp_path):
    def name(out, _film):
        (sound,) = out.streams.audio
        sound.metadata["language"] = "deu"

    target = write(tmp_path / "in.mp4", frames(4), sound=1, prepare=name)
    assert swap_blank(target, "out.mov").report == ("the language deu was left out: .mov can't hold it",)
    assert swap_blank(target, "out.mp4").report == ()

"""A part of a clip: exactly its frames, its sound in time, nothing decoded before it."""

from __future__ import annotations

from contextlib import closing
from fractions import Fraction

import pytest
from clipcounting import heard, number_of, shown, write_counting
from multifaceswap.media.clips import Clip, decoding, part_of
from multifaceswap.pipeline.clip.moments import parse_moment
from multifaceswap.pipeline.errors import SettingsError

FRAME = 0.04
UNEVEN = [number * 40 + (number * number * 7) % 37 for number in range(100)]
"""Milliseconds."""
REFRESHED = {"preset": "veryfast", "crf": "14", "x264-params": "keyint=20:intra-refresh=1"}
"""No picture but the first is a key frame by itself: they are renewed bit by bit."""
KINDS = {
    "cfr.mp4": {},
    "cfr.mkv": {},
    "vfr.mp4": {"times": UNEVEN},
    "vfr.mkv": {"times": UNEVEN},
    "late.mp4": {"first": 5},
    "late.ts": {"first": 5},
    "fragments.mp4": {"options": {"movflags": "frag_keyframe+empty_moov"}},
    "refreshed.mp4": {"coding": REFRESHED},
    "refreshed.ts": {"coding": REFRESHED},
    "old.avi": {"codec": "mpeg4", "sound": "mp3"},
    "b_frames.avi": {"codec": "mpeg4", "sound": "mp3", "coding": {"g": "12", "q": "2", "bf": "2"}},
    "silent.mp4": {"sound": None},
    "web.webm": {"codec": "libvpx-vp9", "sound": "libopus"},
}


@pytest.fixture(scope="module", params=KINDS)
def target(request, tmp_path_factory):
    return write_counting(tmp_path_factory.mktemp("clips") / request.param, **KINDS[request.param])


def part(target, start, end=None, duration=0.0):
    return part_of(Clip(target), parse_moment(start), parse_moment(end) if end else None, duration)


def frames_of(clip):
    """What the pipeline is given: when each frame is shown, and which it is."""
    with closing(clip.frames(clip.info())) as frames:
        return [(frame.time, number_of(frame.picture)) for frame in frames]


@pytest.mark.parametrize(("start", "end"), [("1.0", "2.5"), ("1.013", "2.491"), ("0:02", "0:02.001"), ("3.2", "99")])
def test_exactly_the_frames_between_two_times_are_kept(target, start, end):
    whole = frames_of(Clip(target))
    low, high = (parse_moment(text).value for text in (start, end))
    ticks = Clip(target).info().time_base
    expected = [number for time, number in whole if low <= round(time / ticks) * ticks < high]
    got = frames_of(part(target, start, end)) if expected else []
    assert [number for _, number in got] == expected
    assert not got or got[0][0] == 0


@pytest.mark.parametrize(("start", "end"), [("0f", "7f"), ("37f", "61f"), ("60f", "61f"), ("98f", "500f")])
def test_frames_count_in_the_order_in_which_they_are_shown(target, start, end):
    got = [number for _, number in frames_of(part(target, start, end))]
    assert got == list(range(int(start[:-1]), min(int(end[:-1]), 100)))


def test_times_and_frames_may_be_mixed(target):
    whole = frames_of(Clip(target))
    first = whole[40][0]
    assert [number for _, number in frames_of(part(target, "40f", "2.2"))] == [
        number for time, number in whole if first <= time < 2.2
    ]
    got = [number for _, number in frames_of(part(target, "1.3", "50f"))]
    assert got == [number for time, number in whole[:50] if time >= 1.3]


def test_the_click_is_heard_with_its_frame(swap_blank, target, tmp_path):
    """In the middle of a part, within a frame; the pictures start at 0."""
    name = f"out.{'mkv' if target.suffix in ('.webm', '.avi') else 'mp4'}"
    whole = shown(target)
    clip = part(target, "1.5", "75f")
    result = swap_blank(target, name, start=clip.start, duration=clip.duration)
    made = shown(result.output)
    numbers = [number for _, number in made]
    assert numbers == list(range(numbers[0], 75)) and result.frames == len(numbers)
    zero = made[0][0]
    assert abs(zero) < FRAME
    moved = whole[numbers[0]][0]
    ticks = 0.0021
    assert [time - zero for time, _ in made] == pytest.approx(
        [time - moved for time, number in whole if number in numbers], abs=ticks
    )
    if not target.name.startswith("silent"):
        late = heard(target) - whole[50][0]
        (at,) = (time for time, number in made if number == 50)
        assert heard(result.output) - at == pytest.approx(late, abs=FRAME)


def test_a_click_outside_of_the_part_is_not_heard(swap_blank, tmp_path):
    target = write_counting(tmp_path / "in.mp4")
    for name, start, end in (("a.mp4", "2.2", "3.5"), ("b.mp4", "0.5", "1.8")):
        clip = part(target, start, end)
        assert heard(swap_blank(target, name, start=clip.start, duration=clip.duration).output) is None


@pytest.mark.parametrize("start", ["3.5", "88f"])
def test_nothing_long_before_the_part_is_decoded(tmp_path, monkeypatch, start):
    """Key frames are twelve frames apart: at most that many are decoded beside the part's."""
    target = write_counting(tmp_path / "in.mp4")
    clip, decoded = part(target, start, "91f"), []
    real = decoding._decode_by

    def counted(context):
        decode = real(context)
        return lambda packet: decoded.append(packet) or decode(packet)

    info = clip.info()
    monkeypatch.setattr(decoding, "_decode_by", counted)
    with closing(clip.frames(info)) as frames:
        first = next(frames)
    assert number_of(first.picture) == 88
    # And those that a decoder with several threads holds back.
    assert len(decoded) <= 12 + 100 - 84


def test_finding_a_part_decodes_one_frame_at_most(tmp_path, monkeypatch):
    target = write_counting(tmp_path / "in.mp4")
    monkeypatch.setattr(decoding, "_decode_by", lambda context: pytest.fail("decoded"))
    assert part(target, "88f", "91f").start == Fraction(88, 25)
    assert part(target, "3.51", "3.9").start == Fraction(88, 25)


@pytest.mark.parametrize(
    ("start", "end", "told"),
    [
        ("4", "5", "start 4: {} has no frame from there on, the last one is at 3.96 s"),
        ("100f", None, "start 100f: {} has 100 frames"),
        ("2", "50f", "start 2, end 50f: no frame of {} is from the one to the other"),
        ("60f", "1.5", "start 60f, end 1.5: no frame of {} is from the one to the other"),
        ("1.01", "1.03", "start 1.01, end 1.03: no frame of {} is from the one to the other"),
    ],
)
def test_a_part_without_a_frame_is_refused_in_a_line(tmp_path, start, end, told):
    target = write_counting(tmp_path / "in.mp4")
    with pytest.raises(SettingsError) as caught:
        part(target, start, end)
    assert str(caught.value) == told.format(target)


def test_a_part_of_a_part_counts_from_there(tmp_path):
    """As of a VIDEO that is trimmed already."""
    target = write_counting(tmp_path / "in.mp4")
    trimmed = Clip(target, 1.0, 2.0)
    got = [number for _, number in frames_of(part_of(trimmed, parse_moment("10f"), parse_moment("0:00.6")))]
    assert got == list(range(35, 40))
    assert [number for _, number in frames_of(part_of(trimmed, parse_moment("1.5")))] == list(range(63, 75))
    with pytest.raises(SettingsError, match="has 50 frames"):
        part_of(trimmed, parse_moment("50f"))
    with pytest.raises(SettingsError, match=r"the last one is at 1\.96 s"):
        part_of(trimmed, parse_moment("2"))


@pytest.mark.parametrize(("start", "end", "frames"), [("1", "2.02", 26), ("25f", "26f", 1), ("3", None, 25)])
def test_how_many_frames_there_are_is_known_before(tmp_path, start, end, frames):
    target = write_counting(tmp_path / "in.mp4")
    assert part(target, start, end).info().frames == frames


def test_a_duration_counts_from_the_start(tmp_path):
    target = write_counting(tmp_path / "in.mp4")
    assert [number for _, number in frames_of(part(target, "1.01", duration=0.1))] == [26, 27]
    assert [number for _, number in frames_of(part(target, "26f", duration=0.1))] == [26, 27, 28]


def test_another_part_is_another_work(swap_blank, tmp_path):
    """What a stop left of one part doesn't get into the other."""
    target, done = write_counting(tmp_path / "in.mp4"), []

    def stop(number, _total):
        done.append(number)
        if number == stop.at:
            raise KeyboardInterrupt

    def run(start, end, at=None):
        done.clear()
        stop.at = at
        clip = part(target, start, end)
        return swap_blank(target, start=clip.start, duration=clip.duration, progress=stop, frames_a_part=20)

    with pytest.raises(KeyboardInterrupt):
        run("10f", "90f", 70)
    result = run("10f", "90f")
    assert done[0] == 61 and [number for _, number in shown(result.output)] == list(range(10, 90))
    with pytest.raises(KeyboardInterrupt):
        run("10f", "90f", 70)
    result = run("12f", "90f")
    assert done[0] == 1 and [number for _, number in shown(result.output)] == list(range(12, 90))

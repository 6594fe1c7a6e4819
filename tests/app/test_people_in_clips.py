"""People in clips, with the shipped models: cuts, exits and returns, other places; and what is told before the work."""

from __future__ import annotations

import io

import numpy as np
import pytest
from clipmaking import EXAMPLES, MAN, WOMAN, Read, moving, shot, sides_changed, write_clip
from multifaceswap import swap_clip
from multifaceswap.media.clips import transcode
from multifaceswap.media.pictures import read_picture
from multifaceswap.models.embedders.dlib128 import Dlib128
from multifaceswap.pipeline.errors import CancelledError, FaceNotFoundError, MultiFaceSwapError, SettingsError

MATCHED = "matched by identity: euclidean distance, threshold 0.6"


def picture(name: str) -> np.ndarray:
    return read_picture(EXAMPLES / name)[..., :3]


WOMAN_PICTURE, MAN_PICTURE = picture("astronaut.png"), picture("grace_hopper.jpg")
BLANK = np.full((64, 80, 3), 90, np.uint8)


def swapped(session, tmp_path, frames, **settings):
    """The man is looked for and becomes the woman, unless said otherwise: which side of which frames changed."""
    given = {"references": [MAN_PICTURE], "sources": [WOMAN_PICTURE], "hardware": False, **settings}
    target = write_clip(tmp_path / "in.mp4", frames)
    result = session.swap_clip(target, tmp_path / "out.mp4", given.pop("sources"), **given)
    return sides_changed(Read(target).pictures, Read(result.output).pictures), result.report


def test_the_referenced_one_is_swapped_in_every_shot_and_nobody_else(session, tmp_path):
    frames = [
        *shot(5, (MAN, 5), (WOMAN, 170)),
        *shot(5, (WOMAN, 10), grey=200),
        *shot(5, (WOMAN, 5), (MAN, 170), grey=40),
    ]
    sides, report = swapped(session, tmp_path, frames)
    assert sides == ["L"] * 5 + [""] * 5 + ["R"] * 5
    assert report[0] == MATCHED and report[1].startswith("reference 0 → source 0: frames 0-4, 10-14, distance 0.")
    assert not any("start over" in line for line in report)


def test_another_person_in_the_same_place_before_the_same_wall_is_not_swapped(session, tmp_path):
    """The pictures differ too little for a cut: the face has to tell."""
    frames = [person for who in (MAN, WOMAN, MAN) for person in shot(8, (who, 20), height=110)]
    sides, report = swapped(session, tmp_path, frames)
    assert sides == ["L"] * 8 + [""] * 8 + ["L"] * 8
    assert report[1].startswith("reference 0 → source 0: frames 0-7, 16-23, distance 0.")


def test_who_leaves_and_comes_back_elsewhere_is_found_again(session, tmp_path):
    frames = [*shot(6, (WOMAN, 170), (MAN, 5)), *shot(34, (WOMAN, 173)), *shot(6, (WOMAN, 20), (MAN, 175))]
    assert swapped(session, tmp_path, frames)[0] == ["L"] * 6 + [""] * 34 + ["R"] * 6


def test_without_references_the_report_names_the_frames_where_numbers_start_over(session, tmp_path):
    frames = [*shot(5, (MAN, 5), (WOMAN, 170)), *shot(5, (WOMAN, 10), grey=200), *shot(5, (MAN, 170), grey=40)]
    sides, report = swapped(session, tmp_path, frames, references=None)
    assert sides == ["L"] * 5 + [""] * 5 + ["R"] * 5  # in the second scene the woman becomes herself
    assert report[0] == "3 scenes: numbers start over at frames 5 and 10"
    report = swapped(session, tmp_path, frames[4:6], references=None, track=False)[1]
    assert report[0] == "numbers start over at every frame"


def test_two_references_take_two_sources_whatever_their_places(session, tmp_path):
    settings = {"references": [WOMAN_PICTURE, MAN_PICTURE], "sources": [MAN_PICTURE, WOMAN_PICTURE]}
    frames = [*shot(5, (MAN, 5), (WOMAN, 170)), *shot(5, (WOMAN, 5), (MAN, 170), grey=200)]
    lists = {"input_faces_index": "0,1", "source_faces_index": "0,1"}
    sides, report = swapped(session, tmp_path, frames, **settings, **lists)
    assert sides == ["LR"] * 10
    assert [line.partition(", distance")[0] for line in report[1:3]] == [
        "reference 0 → source 0: frames 0-9",
        "reference 1 → source 1: frames 0-9",
    ]
    sides, _ = swapped(session, tmp_path, frames, **settings, input_faces_index="1", source_faces_index="1")
    assert sides == ["L"] * 5 + ["R"] * 5


def test_without_tracking_every_frame_is_matched_by_itself(session, tmp_path):
    frames = [frame for _ in range(2) for who in (MAN, WOMAN) for frame in shot(2, (who, 20), height=120)]
    sides, report = swapped(session, tmp_path, frames, track=False, embedder="dlib128", identity_threshold=0.6)
    assert sides == ["L", "L", "", ""] * 2
    assert report[1].startswith("reference 0 → source 0: frames 0-1, 4-5, distance")
    assert not any("no effect" in line for line in report)


def test_a_face_is_measured_now_and_then_and_not_in_every_frame(session, tmp_path, monkeypatch):
    measured, embed = [], Dlib128.embed
    monkeypatch.setattr(
        Dlib128, "embed", lambda self, frame, faces: (measured.extend(faces), embed(self, frame, faces))[1]
    )
    swapped(session, tmp_path, shot(24, (MAN, 5), (WOMAN, 150)))
    references, people = 1, 2
    assert len(measured) - references <= people * 5  # frames 0, 1, 3, 7, 15


def test_reference_faces_with_identities_need_no_picture(session, tmp_path):
    faces = session.detect([MAN_PICTURE], identity=True)
    frames = [*shot(3, (MAN, 5), (WOMAN, 170)), *shot(3, (WOMAN, 5), (MAN, 170), grey=200)]
    assert swapped(session, tmp_path, frames, references=None, reference_faces=faces)[0] == ["L"] * 3 + ["R"] * 3
    bare = session.detect([MAN_PICTURE])
    with pytest.raises(SettingsError, match="the reference faces carry no identity"):
        swapped(session, tmp_path, frames, references=None, reference_faces=bare)
    assert swapped(session, tmp_path, frames, reference_faces=bare)[0] == ["L"] * 3 + ["R"] * 3


def test_a_scene_without_the_one_asked_for_is_an_error_where_missing_is_one(session, tmp_path):
    frames = [*shot(3, (MAN, 5), (WOMAN, 170)), *shot(3, (WOMAN, 10), grey=200)]
    with pytest.raises(FaceNotFoundError, match=r"^frames 3-5: nobody looks like reference 0"):
        swapped(session, tmp_path, frames, missing="error", resume=False)


@pytest.mark.slow
@pytest.mark.parametrize("stops", [(13,), (6, 16)])
def test_cut_off_anywhere_the_result_is_the_same(session, tmp_path, monkeypatch, stops):
    monkeypatch.setattr(
        transcode.swap_file, "__kwdefaults__", {**transcode.swap_file.__kwdefaults__, "frames_a_part": 5}
    )
    frames = [
        *shot(7, (MAN, 5), (WOMAN, 170)),
        *shot(6, (WOMAN, 5), (MAN, 170), grey=200),
        *shot(4, (MAN, 20), height=110),
    ]
    settings = {"max_gap": 1, "smooth": False}
    whole, report = swapped(session, tmp_path, frames, **settings)
    assert whole == ["L"] * 7 + ["R"] * 6 + ["L"] * 4

    def stopping_at(stop):
        def progress(done, _total):
            if done == stop:
                raise CancelledError("stopped")

        return progress

    (tmp_path / "out.mp4").unlink()
    for stop in stops:
        with pytest.raises(CancelledError):
            swap_clip_again(session, tmp_path, progress=stopping_at(stop), **settings)
    done = []
    result = swap_clip_again(session, tmp_path, progress=lambda number, _: done.append(number), **settings)
    assert done[0] == stops[-1] // 5 * 5 + 1  # what was finished isn't made again
    assert sides_changed(frames_of(tmp_path / "in.mp4"), frames_of(result.output)) == whole
    assert result.report == report


def swap_clip_again(session, tmp_path, **settings):
    target, output = tmp_path / "in.mp4", tmp_path / "out.mp4"
    return session.swap_clip(target, output, [WOMAN_PICTURE], references=[MAN_PICTURE], hardware=False, **settings)


def frames_of(path):
    return Read(path).pictures


def test_with_another_reference_nothing_of_earlier_work_is_used(session, tmp_path, monkeypatch):
    monkeypatch.setattr(
        transcode.swap_file, "__kwdefaults__", {**transcode.swap_file.__kwdefaults__, "frames_a_part": 5}
    )
    write_clip(tmp_path / "in.mp4", shot(12, (MAN, 5), (WOMAN, 170)))

    def stop(done, _total):
        if done == 11:
            raise CancelledError("stopped")

    settings = {"hardware": False, "max_gap": 1, "smooth": False}
    target, output = tmp_path / "in.mp4", tmp_path / "out.mp4"
    with pytest.raises(CancelledError):
        session.swap_clip(target, output, [WOMAN_PICTURE], references=[MAN_PICTURE], progress=stop, **settings)
    session.swap_clip(target, output, [WOMAN_PICTURE], references=[WOMAN_PICTURE], **settings)
    # She gets her own face, which changes hardly anything; his side is what the earlier work had changed.
    assert "L" not in "".join(sides_changed(frames_of(target), frames_of(output)))


# What is certain is told before the first frame


class Unread(io.BytesIO):
    """A clip that mustn't be read."""

    def read(self, *_):
        raise AssertionError("the clip was read")

    readinto = read1 = read


@pytest.mark.parametrize(
    ("given", "error", "told"),
    [
        ({"sources": [BLANK]}, FaceNotFoundError, "^no source face found: nothing can be swapped"),
        ({"sources": [BLANK], "missing": "error"}, FaceNotFoundError, "no source face found"),
        ({"sources": [BLANK], "references": [MAN_PICTURE]}, FaceNotFoundError, "no source face found"),
        ({"source_faces_index": "5"}, SettingsError, r"source_faces_index 5: source 5 not found \(1 source face\)"),
        ({"source_faces_index": "5", "missing": "error"}, FaceNotFoundError, "source 5 not found"),
        ({"references": [BLANK]}, FaceNotFoundError, "no reference face found: nobody can be recognised"),
        ({"references": [MAN_PICTURE], "input_faces_index": "3"}, SettingsError, r"reference 3 not found \(1 face\)"),
        ({"references": [MAN_PICTURE], "source_faces_index": "2"}, SettingsError, "source 2 not found"),
        (
            {"detect_gender_source": "male"},
            FaceNotFoundError,
            "^no source face found: nothing can be swapped; sources: 1 face found, none guessed male",
        ),
    ],
)
def test_what_can_never_swap_a_face_is_told_before_the_clip_is_read(session, tmp_path, given, error, told):
    sources = given.get("sources", [WOMAN_PICTURE])
    settings = {name: value for name, value in given.items() if name != "sources"}
    for swap in (session.swap_clip, lambda *a, **k: swap_clip(*a, session=session, **k)):
        with pytest.raises(error, match=told):
            swap(Unread(b"clip"), tmp_path / "out.mp4", sources, **settings)
    if "references" not in given:
        faces = session.order(session.detect(sources, gender=True), detect_gender=given.get("detect_gender_source"))
        settings.pop("detect_gender_source", None)
        with pytest.raises(error, match=told.partition("; ")[0]):
            session.swap_clip(Unread(b"clip"), tmp_path / "out.mp4", sources, faces, **settings)
    assert list(tmp_path.iterdir()) == []


def test_a_source_of_several_that_is_not_there_is_a_line_of_the_report(session, tmp_path):
    lists = {"input_faces_index": "0,1", "source_faces_index": "4,0", "detection_face_order": "left-right"}
    frames = shot(3, (MAN, 5), (WOMAN, 170))
    sides, report = swapped(session, tmp_path, frames, references=None, sources=[MAN_PICTURE], **lists)
    assert sides == ["R"] * 3
    assert "frames 0-2: source 4 not found (1 source face), wanted for target 0" in report


def test_pictures_and_clips_refuse_the_same(session):
    for lists, error in (({"source_faces_index": "5"}, SettingsError), ({}, None)):
        donors = session.donors([WOMAN_PICTURE])
        if error is None:
            assert session.swap_picture(MAN_PICTURE, donors).result.faces.count == 1
            continue
        for work in (
            lambda lists=lists: session.donors([WOMAN_PICTURE], **lists),
            lambda lists=lists, donors=donors: session.swap_picture(MAN_PICTURE, donors, **lists),
        ):
            with pytest.raises(error, match="source 5 not found"):
                work()
    with pytest.raises(FaceNotFoundError, match="no source face found"):
        session.donors([BLANK])
    with pytest.raises(FaceNotFoundError, match="no reference face found"):
        session.donors([WOMAN_PICTURE], [BLANK])


@pytest.mark.parametrize(
    ("target", "output", "told"),
    [
        (3, "out.mp4", "target: expected a path or an open binary file, got int"),
        (None, "out.mp4", "target: expected a path or an open binary file, got NoneType"),
        ([MAN_PICTURE], "out.mp4", "target: expected a path or an open binary file, got list"),
        (io.StringIO("clip"), "out.mp4", "target: expected a path or an open binary file, got StringIO"),
        ("in.mp4", 3, "output: expected a path, got int"),
        ("in.mp4", io.BytesIO(), "output: expected a path, got BytesIO"),
    ],
)
def test_what_is_no_file_is_told(session, target, output, told):
    with pytest.raises(MultiFaceSwapError, match=told):
        session.swap_clip(target, output, [WOMAN_PICTURE])


def test_one_picture_s_report_does_not_count_pictures(session):
    donors = session.donors([WOMAN_PICTURE], [MAN_PICTURE])
    notes = session.swap_picture(MAN_PICTURE, donors).notes
    assert any(line.startswith("reference 0 → source 0: target 0, distance 0.") for line in notes)
    lost = session.swap_picture(BLANK, donors).notes
    assert "reference 0 not found" in lost
    other = session.swap_picture(WOMAN_PICTURE, donors).notes
    assert any(line.startswith("reference 0 not found, nearest face 0.") for line in other)
    assert not any("frame" in line for line in (*notes, *lost, *other))


def test_a_moving_camera_changes_nobody(session, tmp_path):
    """One face throughout, that is never the one who is looked for."""
    sides, report = swapped(session, tmp_path, moving("astronaut.png", 12))
    assert sides == [""] * 12 and report[1].startswith("reference 0 not found, nearest face 0.")

"""The flow over a clip: what is held, who is followed, and how smooth the result is."""

from __future__ import annotations

import gc
import weakref

import clipmodels
import numpy as np
import pytest
from clipmaking import moving
from multifaceswap.pipeline.clip.assignment import Assignment, AssignmentRules
from multifaceswap.pipeline.clip.flow import ClipSettings, Engine, swap_frames
from multifaceswap.pipeline.clip.recognition import Recognition
from multifaceswap.pipeline.clip.watching import ClipFrame, Models, Watcher
from multifaceswap.pipeline.compose.crops import SwapSettings
from multifaceswap.pipeline.compose.stream import donors_of
from multifaceswap.pipeline.errors import NotFiniteError, SettingsError
from multifaceswap.pipeline.faces.detect import detect_batch
from multifaceswap.pipeline.types import Donor, Embedding, Face, FaceSet, Patch, Placement, Size


class Spots:
    """Finds a face wherever a frame's first row says: three pixels hold left edge, top edge and side."""

    confidence = 0.5

    def detect(self, frame):
        return [self._face(spot) for spot in frame[0, :8] if spot[2]]

    @staticmethod
    def _face(spot) -> Face:
        left, top, side = (float(value) for value in spot)
        box = np.array([left, top, left + side, top + side], np.float32)
        landmarks = box[:2] + side * np.array([[0.3, 0.3], [0.7, 0.3], [0.5, 0.5], [0.35, 0.8], [0.65, 0.8]])
        return Face(box, landmarks, 0.9)


class Painter:
    """Paints the box of every target in its donor's colour."""

    needs_mesh = False
    colour = "none"

    def place(self, face):
        left, top, right, bottom = (round(float(edge)) for edge in face.box)
        return Placement(np.array([[1.0, 0, -left], [0, 1.0, -top]]), Size(right - left, bottom - top))

    def prepare(self, frame, face, others=()):
        return Donor(face, embedding=frame[0, 0] / 255)

    def swap(self, crops, donors, strength):
        ones = [np.ones_like(crop.image) for crop in crops]
        return [Patch(one * donor.embedding, one[..., 0]) for one, donor in zip(ones, donors, strict=True)]


DONORS = [np.full((8, 8, 3), colour, np.uint8) for colour in ((250, 0, 0), (0, 250, 0))]
FACES = FaceSet(
    tuple((Face(np.array([0, 0, 8, 8]), np.zeros((5, 2)), 1.0, frame=number),) for number in (0, 1)), Size(8, 8)
)
SETTINGS = SwapSettings("Nearest")


def picture(*spots, background=90) -> np.ndarray:
    frame = np.full((120, 240, 3), background, np.uint8)
    frame[::7, ::5] = background // 2
    frame[0, :8] = 0
    for number, spot in enumerate(spots):
        frame[0, number] = spot
    return frame


def run(pictures, rules=None, clip=None, masks=False, frames=None, embedder=None):
    painter = Painter()
    assignment = Assignment(rules or AssignmentRules("*", "*"), FACES)
    watcher = Watcher(Models(Spots(), embedder=embedder), assignment, clip.track if clip else True)
    source = frames or (ClipFrame(number, number / 25, one) for number, one in enumerate(pictures))
    return swap_frames(source, watcher, Engine(donors_of(DONORS, painter), painter, SETTINGS), clip, masks=masks)


def colours(done, *spots) -> list[str]:
    named = {(250, 0, 0): "red", (0, 250, 0): "green"}
    return [named.get(tuple(done.frame.picture[y, x]), "none") for x, y in spots]


def test_people_who_cross_keep_their_donors():
    left, right = [10 + 6 * t for t in range(31)], [190 - 6 * t for t in range(31)]
    clip = [picture((a, 20, 40), (b, 70, 40)) for a, b in zip(left, right, strict=True)]
    done = list(run(clip, AssignmentRules("0,1", "0,1", detection_face_order="left-right")))
    assert [one.frame.number for one in done] == list(range(31))
    for one, a, b in zip(done, left, right, strict=True):
        assert colours(one, (a + 20, 40), (b + 20, 90)) == ["red", "green"]


def test_without_tracking_every_frame_counts_afresh():
    clip = [picture((10, 20, 40), (100, 20, 60)), picture((10, 20, 60), (100, 20, 40))]
    done = list(run(clip, AssignmentRules("0", "0"), ClipSettings(track=False)))
    assert [colours(one, (30, 40), (120, 40)) for one in done] == [["none", "red"], ["red", "none"]]


def test_numbers_start_over_after_a_cut():
    bright = [picture((10, 20, 40), (100, 20, 60))] * 4
    other = [np.ascontiguousarray(picture((100, 20, 40), (10, 20, 60), background=200)) for _ in range(4)]
    for one in other:
        one[60:, :120] = 10
    done = list(run([one.copy() for one in [*bright, *other]], AssignmentRules("0", "1")))
    assert [colours(one, (30, 40), (120, 40)) for one in done] == [["none", "green"]] * 4 + [["green", "none"]] * 4


def test_a_face_missed_for_a_moment_is_swapped_all_the_same():
    clip = [picture(*([] if t in (4, 5, 6) else [(10 + 4 * t, 20, 40)])) for t in range(12)]
    for max_gap, gap in ((5, "red"), (2, "none")):
        done = list(run([one.copy() for one in clip], clip=ClipSettings(max_gap=max_gap)))
        assert [colours(one, (30 + 4 * t, 40))[0] for t, one in enumerate(done)] == [
            gap if t in (4, 5, 6) else "red" for t in range(12)
        ]


class OneIdentity:
    """Everybody is the same person."""

    name, metric, same_person = "one", "euclidean", 0.6

    def embed(self, frame, faces):
        return [Embedding(np.ones(4), self.name) for _ in faces]


def test_a_gap_longer_than_the_tracker_waits_is_filled_where_the_identity_is_known():
    clip = [picture(*([] if 5 <= t < 45 else [(10 + t, 20, 40)])) for t in range(50)]
    done = list(run(clip, clip=ClipSettings(max_gap=50), embedder=OneIdentity()))
    assert [colours(one, (30 + t, 40))[0] for t, one in enumerate(done)] == ["red"] * 50


class ByColour:
    """Who a face is stands in the frame's second row: two numbers in hundredths, in the order of the spots."""

    name, metric, same_person = "colour", "euclidean", 0.6

    def embed(self, frame, faces):
        lefts = [float(spot[0]) for spot in frame[0, :8]]
        return [
            Embedding(frame[1, lefts.index(float(face.box[0])), :2].astype(np.float32) / 100, self.name)
            for face in faces
        ]


def recognised(clip, settings=None, **rules):
    """The colours of the two places (30, 40) and (120, 40), where the first donor is for who is like (0, 0)."""
    settings = settings or ClipSettings()
    reference = FaceSet(
        ((Face(np.zeros(4), np.zeros((5, 2)), 1.0, embedding=Embedding(np.zeros(2), "colour")),),), SIZE
    )
    reach = {"ahead": settings.ahead, "max_gap": settings.max_gap}
    who = Recognition(AssignmentRules("0", "0", **rules), reference, FACES, ByColour(), **reach)
    watcher, painter = Watcher(Models(Spots(), embedder=ByColour()), who, settings.track), Painter()
    frames = (ClipFrame(number, number / 25, one.copy()) for number, one in enumerate(clip))
    done = swap_frames(frames, watcher, Engine(donors_of(DONORS, painter), painter, SETTINGS), settings)
    return [colours(one, (30, 40), (120, 40)) for one in done], who.report()


SIZE = Size(8, 8)
LEFT, RIGHT = (10, 20, 40), (100, 20, 40)


def known(people, background=90):
    """A picture of spots and who they are, in hundredths."""
    made = picture(*people, background=background)
    for number, who in enumerate(people.values()):
        made[1, number, :2] = who
    return made


@pytest.mark.parametrize("smooth", [True, False])
def test_who_is_recognised_a_little_later_is_swapped_from_the_start(smooth):
    """The first view is a bad one: what comes out later than it went in is decided by what was seen by then."""
    clip = [known({LEFT: (65 if t < 1 else 10, 0)}) for t in range(14)]
    found, report = recognised(clip, ClipSettings(smooth=smooth))
    assert found == [["red", "none"]] * 14
    assert report[1].startswith("reference 0 → source 0: frames 0-13, distance 0.")
    found, report = recognised(clip, ClipSettings(smooth=False, max_gap=0))
    assert found == [["none", "none"]] + [["red", "none"]] * 13
    assert report[1].startswith("reference 0 → source 0: frames 1-13, distance 0.")


def test_a_bad_view_between_good_ones_changes_nothing():
    for bad in (40, 70, 200):  # like herself, less than herself, like nobody
        clip = [known({LEFT: (bad if t == 15 else 10, 0), RIGHT: (0, 150)}) for t in range(30)]
        assert recognised(clip)[0] == [["red", "none"]] * 30


def test_who_is_recognised_is_followed_through_cuts_and_gaps():
    shot_1 = [known({LEFT: (10, 0), RIGHT: (0, 150)})] * 6
    shot_2 = [known({LEFT: (0, 150)}, background=200)] * 6
    shot_3 = [known({LEFT: (0, 150), RIGHT: (10, 0)}, background=20)] * 6
    for one in shot_2:
        one[60:, :120] = 10
    away = [known({LEFT: (0, 150)}, background=20)] * 3
    found, report = recognised([*shot_1, *shot_2, *shot_3, *away, *shot_3])
    assert found == [["red", "none"]] * 6 + [["none", "none"]] * 6 + [["none", "red"]] * 15
    assert report[1] == "reference 0 → source 0: frames 0-5, 12-26, distance 0.10"


def test_without_tracking_each_frame_is_recognised_by_itself():
    clip = [known({LEFT: (10 if t % 2 else 90, 0)}) for t in range(6)]
    assert recognised(clip, ClipSettings(track=False))[0] == [["none", "none"], ["red", "none"]] * 3


def test_a_gap_out_of_range_is_refused_by_its_name():
    with pytest.raises(SettingsError, match=r"^max_gap: expected 0 to 50, got 51$"):
        ClipSettings(max_gap=51)


def test_regions_and_masks_say_what_changed():
    clip = [picture((10, 20, 40)) for _ in range(3)]
    before = clip[0].copy()
    (done, *_rest) = run(clip, masks=True)
    (region,) = done.regions
    changed = (done.frame.picture != before).any(2)
    assert changed[region.slices].sum() == changed.sum() > 1500
    assert (done.mask[changed] == 1).all() and [face.index for face in done.faces] == [0]


@pytest.mark.slow
@pytest.mark.parametrize("clip", [ClipSettings(), ClipSettings(smooth=False, max_gap=0), ClipSettings(track=False)])
def test_as_many_frames_are_held_for_a_long_clip_as_for_a_short_one(clip):
    def most_alive(count: int) -> int:
        alive, most = 0, 0

        def gone():
            nonlocal alive
            alive -= 1

        def frames():
            nonlocal alive, most
            for number in range(count):
                one = picture((10 + number % 150, 20, 40))
                alive += 1
                most = max(most, alive)
                weakref.finalize(one, gone)
                yield ClipFrame(number, number / 25, one)
                del one

        for done in run((), clip=clip, frames=frames()):
            del done
        gc.collect()
        assert alive == 0
        return most

    short, long = most_alive(60), most_alive(400)
    assert long <= 34 and short <= 34
    assert abs(long - short) <= 6


def test_an_error_while_reading_comes_out_after_the_frames_before_it():
    def frames():
        for number in range(30):
            yield ClipFrame(number, number / 25, picture((10, 20, 40)))
        raise OSError("the disk is gone")

    done = []
    with pytest.raises(OSError, match="disk is gone"):
        done.extend(one.frame.number for one in run((), frames=frames()))


@pytest.fixture(scope="module")
def shaky():
    """A still portrait as a camera gives it: noise in every pixel, other in every frame."""
    random = np.random.default_rng(5)
    (still,) = moving("grace_hopper.jpg", 1, size=(224, 192))
    return [np.clip(still + random.normal(0, 6, still.shape), 0, 255).astype(np.uint8) for _ in range(24)]


def flicker(shaky, pool, astronaut, smooth) -> tuple[float, float]:
    """Of a still face: how far landmarks move a frame, in pixels, and the mean change of the mask a frame."""
    detector = pool.open("detector", "builtin", turns=False, tiles=False, min_size=16)
    swapper = pool.open("swapper", "mesh")
    watcher = Watcher(Models(detector), Assignment(AssignmentRules(), detect_batch([astronaut], detector)))
    frames = (ClipFrame(number, number / 25, frame.copy()) for number, frame in enumerate(shaky))
    engine = Engine(donors_of([astronaut], swapper), swapper, SwapSettings())
    done = list(swap_frames(frames, watcher, engine, ClipSettings(smooth=smooth), masks=True))[4:-4]
    meshes = np.array([one.faces[0].mesh[:, :2] for one in done])
    masks = np.array([one.mask for one in done])
    inside = (masks > 0).any(0)
    return float(np.linalg.norm(np.diff(meshes, axis=0), axis=2).mean()), float(
        np.abs(np.diff(masks, axis=0))[:, inside].mean()
    )


@pytest.mark.slow
def test_landmarks_and_mask_flicker_a_fraction_of_what_they_did(shaky, pool, astronaut):
    (raw_jitter, raw_mask), (calm_jitter, calm_mask) = (
        flicker(shaky, pool, astronaut, smooth) for smooth in (False, True)
    )
    assert raw_jitter > 0.1
    assert calm_jitter < 0.2 * raw_jitter
    assert calm_mask < 0.3 * raw_mask


def test_faces_for_which_the_engine_gives_no_numbers_stay_and_are_not_counted():
    class Failing(clipmodels.Blank):
        def swap(self, crops, donors, strength):
            raise NotFiniteError("a.onnx gave NaN")

    picture = np.full((64, 64, 3), 90, np.uint8)
    frames = (ClipFrame(number, number / 25, picture.copy()) for number in range(12))
    done = list(swap_frames(frames, clipmodels.watcher(), clipmodels.engine(Failing())))
    assert len(done) == 12 and all(frame.faces == () and frame.regions == () for frame in done)
    assert all((frame.frame.picture == picture).all() for frame in done)
    assert {note for frame in done for note in frame.notes} == {(0, 0, "not swapped: a.onnx gave NaN")}

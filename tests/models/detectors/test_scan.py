from __future__ import annotations

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from multifaceswap.models.detectors import scan
from multifaceswap.models.detectors.scan import Detections, Letterbox, ScanningDetector, shrunk
from multifaceswap.models.runtime.devices import Running
from multifaceswap.pipeline.errors import EngineError, SettingsError
from multifaceswap.pipeline.types import Size

RED, YELLOW = (1, 0, 0), (1, 1, 0)
POINTS = np.array([(0.3, 0.3), (0.7, 0.3), (0.5, 0.5), (0.35, 0.8), (0.65, 0.8)], np.float32)


class Blocks:
    """Sees upright faces of at least 16 pixels, and of at most that share of its side: red blocks, yellow above."""

    padding, overlap, border, sessions = 0.0, 0.4, 0.0, ()

    def __init__(self, side=640, most=1.0):
        self.side, self.most = side, most
        self.looks = []

    def fit(self, size):
        scale = min(1.0, self.side / max(size))
        inner = Size(round(size.width * scale), round(size.height * scale))
        outer = Size(inner.width + 10, inner.height + 6)
        return Letterbox(inner, outer, 10, 6, scale)

    def look(self, images, confidence):
        self.looks.append(images.shape)
        return [self._find(image, confidence) for image in images]

    def _find(self, image, confidence):
        count, _, stats, _ = cv2.connectedComponentsWithStats((image[..., 0] > 0.5).astype(np.uint8))
        most = self.most * max(image.shape)
        boxes = [(x, y, x + w, y + h) for x, y, w, h, _ in stats[1:count] if 16 <= min(w, h) <= most]
        boxes = [box for box in boxes if self._upright(image, *box)]
        rows = np.array(boxes, np.float32).reshape(-1, 4)
        scores = np.full(len(rows), 0.75, np.float32)
        points = rows[:, None, :2] + POINTS * (rows[:, None, 2:] - rows[:, None, :2])
        return Detections(rows, points, scores).where(scores > confidence)

    def _upright(self, image, left, top, right, bottom):
        green = image[top:bottom, left:right, 1] > 0.5
        half = len(green) // 2
        return green[: half - 1].all() and not green[half + 2 :].any()


def paint(picture, left, top, side):
    picture[top : top + side, left : left + side] = RED
    picture[top : top + side // 2, left : left + side] = YELLOW
    return picture


def blank(width, height):
    return np.zeros((height, width, 3), np.float32)


def detector(network=None, **options):
    return ScanningDetector(network or Blocks(), **{"confidence": 0.5, **options})


@pytest.mark.parametrize("options", [{}, {"tiles": True, "turns": True}])
def test_nothing_is_found_where_there_is_nothing(options):
    assert detector(**options).detect(blank(1500, 900)) == []


def test_a_face_comes_back_in_picture_pixels():
    picture = paint(blank(320, 200), 40, 60, 80)
    picture.flags.writeable = False
    (face,) = detector().detect(picture)
    np.testing.assert_array_equal(face.box, [40, 60, 120, 140])
    np.testing.assert_allclose(face.landmarks, [40, 60] + POINTS * 80, rtol=1e-6)
    assert face.score == 0.75


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("channels", [3, 4])
def test_every_kind_of_picture_gives_the_same(dtype, channels):
    picture = paint(blank(1280, 640), 200, 200, 300)
    wanted = detector().detect(picture)[0]
    values = np.concatenate([picture, np.ones_like(picture[..., :1])], 2)[..., :channels]
    full = 1 if np.dtype(dtype).kind == "f" else np.iinfo(dtype).max
    (face,) = detector().detect((values * full).astype(dtype))
    np.testing.assert_array_equal(face.box, wanted.box)


def test_a_large_picture_is_scaled_to_the_networks_side():
    network = Blocks()
    (face,) = detector(network).detect(paint(blank(3840, 2160), 600, 1200, 600))
    assert network.looks == [(1, 366, 650, 3)]
    np.testing.assert_allclose(face.box, [600, 1200, 1200, 1800], atol=6)


@pytest.mark.parametrize(("left", "top"), [(0, 0), (3000, 1999), (470, 480), (560, 540), (3824, 2144)])
def test_tiles_find_small_faces_once(left, top):
    picture = paint(blank(3840, 2160), left, top, 16)
    assert detector().detect(picture) == []
    (face,) = detector(tiles=True).detect(picture)
    np.testing.assert_array_equal(face.box, [left, top, left + 16, top + 16])


@pytest.mark.parametrize("side", [100, 170, 500, 1100, 2100])
def test_tiles_find_large_faces_once_too(side):
    (face,) = detector(tiles=True).detect(paint(blank(3840, 2160), 900, 20, side))
    np.testing.assert_allclose(face.box, [900, 20, 900 + side, 20 + side], atol=7)


def test_no_tiles_for_a_picture_that_is_seen_whole():
    network = Blocks()
    detector(network, tiles=True).detect(paint(blank(640, 480), 100, 100, 80))
    assert [shape[0] for shape in network.looks] == [1]


@pytest.mark.parametrize("options", [{}, {"tiles": True}])
@pytest.mark.parametrize(("width", "height"), [(400, 400), (640, 480), (3000, 2000)])
def test_a_face_that_fills_the_picture_is_seen_at_half_the_scale(width, height, options):
    network = Blocks(most=0.6)
    side = min(width, height) - 2
    (face,) = detector(network, **options).detect(paint(blank(width, height), 1, 1, side))
    np.testing.assert_allclose(face.box, [1, 1, side + 1, side + 1], atol=side / 50)
    assert network.looks[0] == network.looks[-1]


def test_half_the_scale_is_looked_at_only_where_the_whole_picture_shows_nothing():
    for picture, looks in ((paint(blank(600, 400), 50, 50, 30), 1), (blank(600, 400), 2)):
        network = Blocks()
        detector(network).detect(picture)
        assert sum(shape[0] for shape in network.looks) == looks


def test_min_size_leaves_out_smaller_faces_and_looks_less_closely():
    picture = paint(paint(blank(3840, 2160), 100, 100, 60), 1000, 1000, 64)
    fine, coarse = Blocks(), Blocks()
    assert len(detector(fine, tiles=True).detect(picture)) == 2
    (face,) = detector(coarse, tiles=True, min_size=64).detect(picture)
    np.testing.assert_allclose(face.box, [1000, 1000, 1064, 1064], atol=5)
    assert sum(shape[0] for shape in coarse.looks) < sum(shape[0] for shape in fine.looks) / 3


@pytest.mark.parametrize("turn", [0, 1, 2, 3])
def test_turned_faces_are_found_with_their_own_left_and_right(turn):
    upright = paint(blank(500, 300), 120, 60, 100)
    picture = np.rot90(upright, -turn)
    assert len(detector().detect(picture)) == (turn == 0)
    (face,) = detector(turns=True).detect(picture)
    corner = np.argwhere(picture[..., 0] > 0)[:, ::-1]
    np.testing.assert_array_equal(face.box, [*corner.min(0), *(corner.max(0) + 1)])
    eyes = face.landmarks[:2].astype(int)
    assert all(picture[y, x, 1] == 1 for x, y in eyes)
    # From the left eye to the right one, turned as the picture.
    across = (face.landmarks[1] - face.landmarks[0]) / 40
    np.testing.assert_allclose(across, [(1, 0), (0, 1), (-1, 0), (0, -1)][turn], atol=1e-5)


def test_turns_and_tiles_together_find_a_small_turned_face_once():
    picture = np.rot90(paint(blank(1600, 2400), 700, 1300, 20))
    (face,) = detector(turns=True, tiles=True).detect(picture)
    np.testing.assert_array_equal(face.box, [1300, 1600 - 720, 1320, 1600 - 700])


def test_faces_are_told_apart_by_confidence_and_limits_are_checked():
    picture = paint(blank(320, 200), 40, 60, 80)
    strict = detector(confidence=0.8)
    assert strict.detect(picture) == []
    strict.confidence = 0.7
    assert len(strict.detect(picture)) == 1
    for options in ({"confidence": 1.1}, {"min_size": -1}):
        with pytest.raises(SettingsError, match=next(iter(options))):
            detector(**options)


def test_pictures_of_one_size_share_looks():
    network = Blocks()
    pictures = [paint(blank(300, 200), 10 * i, 20, 50) for i in range(4)] + [blank(200, 300)]
    found = detector(network).detect_many(pictures)
    assert sorted(shape[0] for shape in network.looks) == [1, 1, 4]
    assert [faces[0].box[0] for faces in found[:4]] == [0, 10, 20, 30]
    assert found[4] == []


def test_shrinking_reads_every_pixel():
    picture = blank(1000, 1000)
    picture[501, 501] = 1
    assert shrunk(picture, Size(100, 100)).sum() == pytest.approx(3 / 100, rel=0.5)
    assert np.shares_memory(shrunk(picture, Size(1000, 1000)), picture)


class Garbage(Blocks):
    """Sees a face of one pixel in as many places as are asked for."""

    def __init__(self, count):
        super().__init__()
        self.count, self.sessions = count, (SimpleNamespace(state=Running("bad.onnx", "CPUExecutionProvider")),)

    def look(self, images, confidence):
        places = np.stack(np.divmod(np.arange(self.count), 200), 1).astype(np.float32) * 2 + 12
        rows = Detections(
            np.hstack([places, places + 1]), places[:, None] + POINTS, np.linspace(1, 0.6, self.count, dtype=np.float32)
        )
        return [rows] * len(images)


def test_of_detections_without_number_the_best_are_compared_and_too_many_faces_are_an_error(monkeypatch):
    assert len(detector(Garbage(2000)).detect(blank(600, 600))) == 2000
    with pytest.raises(
        EngineError, match=r"^bad\.onnx saw 2,001 faces in a picture, more than 2,000: its file is damaged"
    ):
        detector(Garbage(2001)).detect(blank(600, 600))
    monkeypatch.setattr(scan, "_CANDIDATES", 700)
    faces = detector(Garbage(5000)).detect(blank(600, 600))
    assert len(faces) == 700 and faces[-1].score == pytest.approx(1 - 0.4 * 699 / 4999, abs=1e-4)

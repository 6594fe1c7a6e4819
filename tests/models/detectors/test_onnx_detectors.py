"""YuNet and YOLOv8-face on graphs of the published inputs, outputs and types, whose faces are blocks of a colour."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import standins
import standins_faces
from multifaceswap import Session, detect_faces, open_model
from multifaceswap.models import catalog
from multifaceswap.models.detectors import yolov8_face, yunet
from multifaceswap.models.detectors.corner import into_corner
from multifaceswap.pipeline.errors import DamagedModelError, SettingsError
from multifaceswap.pipeline.types import Size

NAMES = {
    "yunet_2023": "face_detection_yunet_2023mar.onnx",
    "yunet_2026": "face_detection_yunet_2026may.onnx",
    "yoloface_8n": "yoloface_8n.onnx",
    "scrfd_2.5g": "scrfd_2.5g.onnx",
}
BLOCKS = {8: (200, 120), 16: (400, 272), 32: (96, 416)}
"""Top left corners of the blocks in an input, which the strides divide."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("models")
    standins_faces.yunet(path / NAMES["yunet_2023"], height=640, width=640)
    standins_faces.yunet(path / NAMES["yunet_2026"])
    standins_faces.yoloface(path / NAMES["yoloface_8n"])
    standins.scrfd(path / NAMES["scrfd_2.5g"], side=640)
    return path


def blocks(scale=1, size=(640, 640), swapped=False):
    """(H, W, 3) uint8 with a block of each stride's colour, `scale` times as large as an input's."""
    picture = np.zeros((size[1] * scale, size[0] * scale, 3), np.uint8)
    for stride, (left, top) in BLOCKS.items():
        colour = np.maximum(standins_faces.COLOURS[stride], 0) * 255
        end = (top + stride) * scale, (left + stride) * scale
        picture[top * scale : end[0], left * scale : end[1]] = colour[::-1] if swapped else colour
    return picture


def wanted(stride):
    """Box and landmarks of the face that a block stands for, in pixels of an input."""
    corner = np.array(BLOCKS[stride], float)
    middle, half = corner + np.array(standins_faces.SHIFT) * stride, np.array(standins_faces.EXTENT) * stride / 2
    points = corner + np.reshape(standins_faces.POINTS, (5, 2)) * stride
    return np.concatenate([middle - half, middle + half]), points


def by_size(faces):
    return sorted(faces, key=lambda face: face.area)


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("name", ["yunet_2023", "yunet_2026", "yoloface_8n"])
def test_boxes_landmarks_and_scores_are_decoded(folder, name, scale):
    faces = by_size(open_model("detector", name, folders=[folder]).detect(blocks(scale)))
    assert len(faces) == 3
    for face, stride in zip(faces, BLOCKS, strict=True):
        box, points = wanted(stride)
        np.testing.assert_allclose(face.box, box * scale, atol=1e-3)
        np.testing.assert_allclose(face.landmarks, points * scale, atol=1e-3)
        sure = standins_faces.OBJECT if "yunet" in name else 1
        assert face.score == pytest.approx(sure / (1 + np.exp(-10)), abs=1e-5)


@pytest.mark.parametrize("name", ["yunet_2023", "yunet_2026", "yoloface_8n"])
def test_red_and_blue_are_not_exchanged(folder, name):
    """Fed in another order, red and yellow blocks look blue and cyan, which stand for nothing."""
    faces = open_model("detector", name, folders=[folder]).detect(blocks(swapped=True))
    assert [face.box.tolist() for face in faces] == [pytest.approx(wanted(32)[0].tolist(), abs=1e-3)]


@pytest.mark.parametrize("name", ["yunet_2023", "yunet_2026", "yoloface_8n", "scrfd_2.5g"])
def test_wide_pictures_lie_in_the_top_left_corner_and_nothing_is_found_beside(folder, name):
    detector = open_model("detector", name, folders=[folder])
    fit = detector.network.fit(Size(1280, 720))
    assert (fit.inner, fit.left, fit.top, fit.scale) == (Size(640, 360), 0, 0, 0.5)
    assert fit.outer == (Size(640, 384) if name == "yunet_2026" else Size(640, 640))
    assert detector.detect(np.zeros((720, 1280, 3), np.uint8)) == []


def test_free_graphs_take_the_size_that_is_asked_for(folder):
    detector = open_model("detector", "yunet_2026", folders=[folder], size=320)
    assert detector.network.fit(Size(1280, 720)).outer == Size(320, 192)
    small = cv2.resize(blocks(), (320, 320), interpolation=cv2.INTER_NEAREST)
    assert len(open_model("detector", "yunet_2026", folders=[folder]).detect(small)) == 3
    assert detector.detect(small) == []


@pytest.mark.parametrize("name", ["yunet_2023", "yoloface_8n", "scrfd_2.5g"])
def test_graphs_of_one_size_refuse_another(folder, name):
    assert open_model("detector", name, folders=[folder], size=640).network.side == 640
    with pytest.raises(SettingsError, match="640×640 only, got 320"):
        open_model("detector", name, folders=[folder], size=320)


@pytest.mark.parametrize("names", [True, False])
def test_outputs_are_found_by_name_or_by_order(tmp_path, names):
    standins_faces.yunet(tmp_path / NAMES["yunet_2026"], names=names)
    faces = open_model("detector", "yunet_2026", folders=[tmp_path]).detect(blocks())
    assert len(faces) == 3


@pytest.mark.skipif(not hasattr(cv2, "FaceDetectorYN"), reason="this OpenCV has no FaceDetectorYN")
def test_decoding_is_opencvs(folder):
    """OpenCV's score is the root of class times objectness."""
    picture = blocks()
    theirs = cv2.FaceDetectorYN.create(str(folder / NAMES["yunet_2026"]), "", (640, 640), 0.5, 0.3)
    _, found = theirs.detect(np.ascontiguousarray(picture[..., ::-1]))
    rows = sorted(found, key=lambda row: row[2])
    faces = by_size(open_model("detector", "yunet_2026", folders=[folder]).detect(picture))
    for face, row in zip(faces, rows, strict=True):
        np.testing.assert_allclose(face.box, [*row[:2], *(row[:2] + row[2:4])], atol=1e-3)
        np.testing.assert_allclose(face.landmarks, row[4:14].reshape(5, 2), atol=1e-3)
        assert face.score == pytest.approx(float(row[14]) ** 2, abs=1e-5)


def test_random_outputs_are_decoded_as_the_formulas_say():
    random, size = np.random.RandomState(3), Size(96, 64)
    cells = [(size.height // stride) * (size.width // stride) for stride in (8, 16, 32)]
    outputs = [random.uniform(-1, 1.5, (n, width)).astype(np.float32) for width in (1, 1, 4, 10) for n in cells]
    found = yunet.decode(outputs, size, 0.2)
    expected = []
    for level, stride in enumerate((8, 16, 32)):
        cls, obj, box, points = (outputs[kind * 3 + level] for kind in range(4))
        for n in range(cells[level]):
            score = min(max(cls[n, 0], 0), 1) * min(max(obj[n, 0], 0), 1)
            if score < 0.2:
                continue
            row, column = divmod(n, size.width // stride)
            x, y = (box[n, 0] + column) * stride, (box[n, 1] + row) * stride
            wide, high = np.exp(box[n, 2]) * stride, np.exp(box[n, 3]) * stride
            mouth = (points[n, 8] + column) * stride, (points[n, 9] + row) * stride
            expected.append([x - wide / 2, y - high / 2, x + wide / 2, y + high / 2, score, *mouth])
    assert len(expected) > 10
    expected = np.array(expected)
    np.testing.assert_allclose(np.c_[found.boxes, found.scores], expected[:, :5], atol=1e-3)
    np.testing.assert_allclose(found.landmarks[:, 4], expected[:, 5:], atol=1e-3)


def test_enormous_sizes_do_not_overflow():
    outputs = [np.ones((1, 1), np.float32)] * 6 + [np.full((1, 4), 1e4, np.float32)] * 3
    found = yunet.decode([*outputs, *[np.zeros((1, 10), np.float32)] * 3], Size(32, 32), 0.5)
    assert np.isfinite(found.boxes).all()


def test_yolo_rows_below_the_confidence_are_left_out():
    rows = np.zeros((2, 20), np.float32)
    rows[:, :5] = [[10, 20, 4, 8, 0.5], [10, 20, 4, 8, 0.49]]
    rows[:, 5:8] = 3, 4, 0.9
    found = yolov8_face.decode(rows, 0.5)
    assert found.boxes.tolist() == [[8, 16, 12, 24]] and found.scores.tolist() == [0.5]
    assert found.landmarks[0].tolist() == [[3, 4], [0, 0], [0, 0], [0, 0], [0, 0]]


@pytest.mark.parametrize(
    ("size", "fixed", "inner", "outer"),
    [
        (Size(640, 640), None, Size(640, 640), Size(640, 640)),
        (Size(100, 50), None, Size(640, 320), Size(640, 320)),
        (Size(3000, 1), None, Size(640, 1), Size(640, 32)),
        (Size(1000, 2000), Size(640, 640), Size(320, 640), Size(640, 640)),
        (Size(1000, 1000), Size(640, 480), Size(480, 480), Size(640, 480)),
    ],
)
def test_pictures_fill_the_input_as_far_as_they_can(size, fixed, inner, outer):
    assert into_corner(size, 640, fixed)[:2] == (inner, outer)


@pytest.mark.parametrize("name", NAMES)
def test_other_networks_are_refused_with_what_was_expected(tmp_path, name):
    standins.pooled(tmp_path / NAMES[name], size=112, numbers=512)
    with pytest.raises(DamagedModelError, match=r"holds another network than (YuNet|YOLOv8-face|SCRFD)"):
        open_model("detector", name, folders=[tmp_path])


def test_a_yolo_without_landmarks_is_refused(tmp_path):
    standins_faces.yoloface(tmp_path / NAMES["yoloface_8n"], numbers=6)
    with pytest.raises(DamagedModelError, match=r"gives 1×20×\?, this one gives 1×6×8400"):
        open_model("detector", "yoloface_8n", folders=[tmp_path])


def test_a_turned_face_has_its_landmarks_turned(folder):
    """Upside down its block fills half of two cells: it is only seen when the picture is turned."""
    box, points = wanted(32)
    picture = blocks()[:624]
    picture[:400] = 0
    session = Session([folder], "cpu")
    upside_down = np.rot90(picture, 2)
    assert detect_faces([upside_down], "yunet_2026", session=session).count == 0
    (found,) = detect_faces([upside_down], "yunet_2026", turns=True, session=session).flat()
    np.testing.assert_allclose(found.landmarks, (640, 624) - points, atol=1e-3)
    np.testing.assert_allclose(found.box, (640, 624, 640, 624) - box[[2, 3, 0, 1]], atol=1e-3)


def test_licences_are_told():
    told = {name: catalog.find("detector", name).files[0].licence for name in NAMES}
    assert told["yunet_2023"] == told["yunet_2026"] == "MIT"
    assert "GPL-3.0" in told["yoloface_8n"] and "AGPL" in told["yoloface_8n"]
    assert "non-commercial" in told["scrfd_2.5g"]

from __future__ import annotations

import numpy as np
import pytest
import recipe
from multifaceswap import open_model
from multifaceswap.models.detectors.yolov5_face import YoloFaceNetwork, decode
from multifaceswap.pipeline.types import Size

pytestmark = pytest.mark.xdist_group("rebuilt detectors")  # whose weights take long to make

VARIANTS = {"YOLOv5n": "yolov5n_face", "YOLOv5l": "yolov5l_face"}
PADDING = {"a": (0, 16), "b": (0, 0)}
"""By which the reference's network coordinates lie right and below of the picture's."""
COLUMNS = ((0, 2, 1e-3), (2, 4, 3e-2), (4, 5, 2e-5), (5, 15, 3e-2), (15, 16, 2e-5))
"""From, to, tolerance."""


@pytest.fixture(params=VARIANTS)
def variant(request):
    return request.param


def picture(vectors, case):
    return vectors[f"{case}.image_bgr_u8"][..., ::-1].astype(np.float32) / 255


def padded(image, case):
    _, top = PADDING[case]
    return np.pad(image, ((top, top), (0, 0), (0, 0)), constant_values=114 / 255)


@pytest.mark.slow
@pytest.mark.parametrize("case", ["a", "b"])
def test_rows_are_the_references(rebuilt, variant, case):
    vectors = recipe.vectors(VARIANTS[variant])
    detector = rebuilt.open("detector", variant)
    image = padded(picture(vectors, case), case)
    assert (1, 3, *image.shape[:2]) == tuple(vectors[f"{case}.net_input_shape"])
    (rows,) = detector.network.network.run(image.transpose(2, 0, 1)[None], [(1, None, 16)])
    assert rows[0].shape == vectors[f"{case}.pred"].shape
    for first, last, tolerance in COLUMNS:
        found, wanted = rows[0][:, first:last], vectors[f"{case}.pred"][:, first:last]
        np.testing.assert_allclose(found, wanted, atol=tolerance, rtol=0, err_msg=str(first))


@pytest.mark.slow
@pytest.mark.parametrize("confidence", [0.3, 0.7])
@pytest.mark.parametrize("case", ["a", "b"])
def test_faces_are_the_references(rebuilt, variant, case, confidence):
    vectors = recipe.vectors(VARIANTS[variant])
    detector = rebuilt.open("detector", variant)
    detector.confidence = confidence
    faces = detector.detect(picture(vectors, case))
    wanted = vectors[f"{case}.nms_{confidence}_0.5"]
    points = wanted[:, [0, 1, 2, 3, *range(5, 15)]].reshape(-1, 7, 2) - PADDING[case]
    found = np.array([[*face.box.reshape(2, 2), *face.landmarks] for face in faces])
    np.testing.assert_allclose(found, points, atol=3e-2, rtol=0)
    np.testing.assert_allclose([face.score for face in faces], wanted[:, 4], atol=2e-5, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize("case", ["a", "b"])
def test_large_faces_are_those_that_the_project_reports(rebuilt, variant, case):
    """It clips boxes to the picture, cuts off fractions and leaves out faces of fewer than 10 pixels."""
    vectors = recipe.vectors(VARIANTS[variant])
    image = picture(vectors, case)
    detector = rebuilt.open("detector", variant, confidence=0.3)
    found = np.array([np.clip(face.box, 0, [*image.shape[1::-1]] * 2) for face in detector.detect(image)])
    reported = vectors[f"{case}.detect_faces_0.3"][:, :4]
    assert len(reported) > 20
    for box in reported:
        assert np.abs(found - box).max(1).min() < 1


@pytest.mark.parametrize(
    ("size", "inner", "outer", "offset"),
    [
        (Size(128, 96), Size(128, 96), Size(128, 128), (0, 16)),
        (Size(96, 160), Size(96, 160), Size(96, 160), (0, 0)),
        (Size(120, 90), Size(128, 96), Size(128, 128), (0, 16)),
        (Size(1280, 720), Size(640, 360), Size(640, 384), (0, 12)),
        (Size(641, 20), Size(640, 20), Size(640, 64), (0, 22)),
    ],
)
def test_pictures_are_padded_to_what_the_network_takes(size, inner, outer, offset):
    fit = YoloFaceNetwork(None, 650).fit(size)
    assert (fit.inner, fit.outer, (fit.left, fit.top)) == (inner, outer, offset)
    assert all(side % 32 == 0 for side in fit.outer)


def test_score_is_objectness_times_class_score():
    rows = np.zeros((2, 16), np.float32)
    rows[:, :4] = 10, 20, 4, 8
    rows[:, 4], rows[:, 15] = 0.9, (0.5, 1)
    found = decode(rows, 0.45)
    np.testing.assert_allclose(found.scores, [0.9])
    np.testing.assert_allclose(found.boxes, [[8, 16, 12, 24]])
    assert len(decode(rows[:1], 0.45 - 1e-6).scores) == 1


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_published_containers_load(tmp_path, prefix, half):
    recipe.save_pth(tmp_path / "yolov5n-face.pth", recipe.weights("yolov5n_face"), prefix=prefix, half=half)
    vectors = recipe.vectors("yolov5n_face")
    detector = open_model("detector", "YOLOv5n", folders=[tmp_path])
    (rows,) = detector.network.network.run(padded(picture(vectors, "b"), "b").transpose(2, 0, 1)[None], [(1, None, 16)])
    tolerance = 1e-3 if not half else 0.5
    np.testing.assert_allclose(rows[0][:, :2], vectors["b.pred"][:, :2], atol=tolerance, rtol=0)

from __future__ import annotations

import numpy as np
import pytest
import recipe
from multifaceswap import open_model
from multifaceswap.models.detectors.retinaface import decode, priors
from multifaceswap.pipeline.types import Size

pytestmark = pytest.mark.xdist_group("rebuilt detectors")  # whose weights take long to make

VARIANTS = {"retinaface_resnet50": "retinaface_resnet50", "retinaface_mobile0.25": "retinaface_mobile025"}


@pytest.fixture(params=VARIANTS)
def variant(request):
    return request.param


def picture(vectors, case):
    return vectors[f"{case}.image_bgr_u8"][..., ::-1].astype(np.float32) / 255


@pytest.mark.parametrize("case", ["a", "b"])
def test_priors_are_the_references(variant, case):
    vectors = recipe.vectors(VARIANTS[variant])
    expected = vectors[f"{case}.priors"]
    found = priors(Size.of(picture(vectors, case)), np.arange(len(expected)))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected)


@pytest.mark.slow
@pytest.mark.parametrize("case", ["a", "b"])
def test_raw_outputs_are_the_references(rebuilt, variant, case):
    vectors = recipe.vectors(VARIANTS[variant])
    detector = rebuilt.open("detector", variant)
    values = vectors[f"{case}.image_bgr_u8"].astype(np.float32) - np.array([104, 117, 123], np.float32)
    boxes, scores, points = detector.network.network.run(
        values.transpose(2, 0, 1)[None], [(1, None, width) for width in (4, 2, 10)]
    )
    np.testing.assert_allclose(boxes[0], vectors[f"{case}.loc"], atol=2e-5, rtol=0)
    np.testing.assert_allclose(scores[0], vectors[f"{case}.conf"], atol=1e-5, rtol=0)
    np.testing.assert_allclose(points[0], vectors[f"{case}.landm"], atol=2e-5, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize("confidence", [0.5, 0.8, 0.97])
@pytest.mark.parametrize("case", ["a", "b"])
def test_faces_are_the_references(rebuilt, variant, case, confidence):
    vectors = recipe.vectors(VARIANTS[variant])
    detector = rebuilt.open("detector", variant)
    detector.confidence = confidence
    faces = detector.detect(picture(vectors, case))
    wanted = vectors[f"{case}.det_{confidence}"]
    found = np.array([[*face.box, face.score, *face.landmarks.ravel()] for face in faces])
    np.testing.assert_allclose(found, wanted, atol=2e-4, rtol=0)


def test_some_priors_are_those_of_all():
    size = Size(75, 101)
    count = sum(-(-75 // step) * -(-101 // step) * 2 for step in (8, 16, 32))
    numbers = np.arange(0, count, 7)
    np.testing.assert_array_equal(priors(size, numbers), priors(size, np.arange(count))[numbers])
    assert priors(size, numbers[:0]).shape == (0, 4)


def test_confidence_is_a_strict_bound():
    raw = np.zeros((2, 4), np.float32), np.array([[0.5, 0.5], [0.4, 0.6]], np.float32), np.zeros((2, 10), np.float32)
    found = decode(*raw, Size(100, 200), 0.5)
    # The second prior: 32 pixels around the middle of the first cell.
    np.testing.assert_allclose(found.boxes, [[-12, -12, 20, 20]], rtol=1e-6)
    np.testing.assert_allclose(found.landmarks, np.broadcast_to([4, 4], (1, 5, 2)), rtol=1e-6)
    np.testing.assert_allclose(found.scores, [np.float32(0.6)])


@pytest.mark.slow
def test_pictures_of_one_size_are_looked_at_together_with_the_same_result(rebuilt):
    vectors = recipe.vectors("retinaface_mobile025")
    detector = rebuilt.open("detector", "retinaface_mobile0.25", confidence=0.9)
    frames = [
        picture(vectors, "a"),
        picture(vectors, "b"),
        picture(vectors, "a")[:, ::-1],
        np.zeros((96, 128, 3), "f4"),
    ]
    together = detector.detect_many(frames)
    for faces, frame in zip(together, frames, strict=True):
        alone = detector.detect(frame)
        assert len(faces) == len(alone)
        for one, other in zip(faces, alone, strict=True):
            np.testing.assert_allclose(one.box, other.box, atol=1e-3)
    assert len(together[0]) > 10


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_published_containers_load(tmp_path, prefix, half):
    recipe.save_pth(
        tmp_path / "detection_mobilenet0.25_Final.pth", recipe.weights("retinaface_mobile025"), prefix=prefix, half=half
    )
    vectors = recipe.vectors("retinaface_mobile025")
    detector = open_model("detector", "retinaface_mobile0.25", folders=[tmp_path], confidence=0.97)
    faces = detector.detect(picture(vectors, "a"))
    wanted = vectors["a.det_0.97"]
    # What fp16 rounds away moves scores across the threshold: only the best faces must be the same.
    count = len(wanted) if not half else 5
    tolerance = 2e-4 if not half else 0.5
    assert half or len(faces) == len(wanted)
    np.testing.assert_allclose([face.box for face in faces[:count]], wanted[:count, :4], atol=tolerance)

from __future__ import annotations

import cv2
import numpy as np
import pytest
from multifaceswap import detect_faces, open_model, restore_faces
from multifaceswap.pipeline.compose.chroma import LUMA
from multifaceswap.pipeline.errors import SettingsError


@pytest.fixture
def face(astronaut):
    return np.asarray(astronaut[20:276, 100:356] / np.float32(255), np.float32)


@pytest.fixture(scope="module")
def restorer():
    return open_model("restorer", "sharpen")


def _detail(picture):
    luma = np.asarray(picture @ LUMA, np.float32)
    return float(np.abs(cv2.Laplacian(luma, cv2.CV_32F)).mean())


def _blurred(picture, sigma):
    return cv2.GaussianBlur(np.asarray(picture, np.float32), (0, 0), sigma)


def test_a_soft_face_gets_sharper_and_no_pixel_leaves_what_is_around_it(restorer, face):
    crop = _blurred(face, 1.2)
    (found,) = restorer.restore([crop], 1.0)
    assert _detail(found) > 1.4 * _detail(crop)
    luma = np.asarray(crop @ LUMA, np.float32)
    around = np.ones((5, 5), np.uint8)
    made = found @ LUMA
    assert (made <= cv2.dilate(luma, around) + 1e-4).all() and (made >= cv2.erode(luma, around) - 1e-4).all()
    # Brightness alone is sharpened, and the picture as a whole stays as bright.
    change = found - crop
    inside = (found > 0.001) & (found < 0.999)
    assert np.ptp(np.where(inside.all(2)[..., None], change, 0), axis=2).max() < 1e-5
    assert abs(float(change.mean())) < 0.002


def test_noise_is_raised_less_than_detail(restorer, face):
    rng = np.random.default_rng(1)
    flat = np.full((200, 200, 3), 0.5, np.float32) + rng.normal(0, 0.004, (200, 200, 1)).astype(np.float32)
    crop = _blurred(face, 1.2)
    noisy, sharp = (restorer.restore([one], 1.0)[0] for one in (flat, crop))
    assert _detail(noisy) / _detail(flat) < 0.8 * _detail(sharp) / _detail(crop)


def test_its_weight_is_the_share(restorer, face):
    crop = face
    none, half, full = (restorer.restore([crop], weight)[0] for weight in (0.0, 0.5, 1.0))
    assert np.array_equal(none, crop)
    np.testing.assert_allclose(half, (crop + full) / 2, atol=1e-6)
    with pytest.raises(SettingsError, match="face_restore_weight"):
        restorer.restore([crop], 1.1)


def test_it_restores_without_any_file(astronaut):
    picture = _blurred(astronaut / np.float32(255), 1.5)
    faces = detect_faces([picture])
    before = picture.copy()
    result = restore_faces([picture], faces, face_restore="sharpen", face_restore_weight=1.0)
    assert np.array_equal(picture, before)
    left, top, right, bottom = (int(edge) for edge in faces.flat()[0].box)
    inside = np.s_[top:bottom, left:right]
    assert _detail(result.images[0][inside]) > 1.1 * _detail(picture[inside])
    assert np.array_equal(result.images[0][result.masks[0] == 0], picture[result.masks[0] == 0])

"""Donors with transparent pixels, which count as outside the picture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from multifaceswap import Session
from multifaceswap.pipeline.errors import FaceNotFoundError

HIDDEN = (None, 0, 255, "noise")


@pytest.fixture(scope="module")
def session():
    with Session(device="cpu") as opened:
        yield opened


def _cut_out(picture: np.ndarray, alpha: np.ndarray, hidden: int | str | None) -> np.ndarray:
    """The picture with this alpha, and other colours under it where it is 0."""
    colours = picture[..., :3].copy()
    if hidden == "noise":
        colours[alpha == 0] = np.random.default_rng(0).integers(0, 256, (int((alpha == 0).sum()), 3), np.uint8)
    elif hidden is not None:
        colours[alpha == 0] = hidden
    return np.dstack([colours, alpha])


def _oval(picture: np.ndarray, box: np.ndarray, *, inside: int, size: float) -> np.ndarray:
    """Alpha (H, W): `inside` in an ellipse round a face, the other outside."""
    alpha = np.full(picture.shape[:2], 255 - inside, np.uint8)
    left, top, right, bottom = (float(edge) for edge in box)
    middle, axes = ((left + right) / 2, (top + bottom) / 2), ((right - left) * size, (bottom - top) * size)
    cv2.ellipse(alpha, (middle, axes, 0), inside, -1)
    return alpha


@pytest.mark.parametrize("size", [1.0, 1.6])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_hidden_colours_change_nothing(session, astronaut, hopper, size, dtype):
    (box,) = (face.box for face in session.detect([astronaut]).flat())
    alpha = _oval(astronaut, box, inside=255, size=size)
    targets, results = session.detect([hopper]), []
    for hidden in HIDDEN:
        donor = _cut_out(astronaut, alpha, hidden)
        donor = donor if dtype == np.uint8 else donor.astype(np.float32) / 255
        faces = session.detect([donor])
        assert faces.count == 1 and np.abs(faces.flat()[0].box - box).max() < 0.1 * (box[2] - box[0])
        results.append(session.swap([hopper], [donor], session.map(targets, faces)).images[0])
    assert all((result == results[0]).all() for result in results)
    assert (results[0] != hopper).any()


@pytest.mark.parametrize("hidden", HIDDEN)
def test_a_hidden_face_is_none(session, astronaut, hidden):
    (box,) = (face.box for face in session.detect([astronaut]).flat())
    donor = _cut_out(astronaut, _oval(astronaut, box, inside=0, size=1.5), hidden)
    assert session.detect([donor]).count == session.locate([donor], [[box]]).count == 0
    with pytest.raises(FaceNotFoundError, match="no source face found"):
        session.donors([donor])


def test_what_a_donor_hides_is_not_shown(session, astronaut, hopper):
    """Half of the donor's face is painted green and hidden: no green comes into the target."""
    (face,) = session.detect([astronaut]).flat()
    alpha = np.full(astronaut.shape[:2], 255, np.uint8)
    alpha[:, : int(face.box[[0, 2]].mean())] = 0
    donor = _cut_out(astronaut, alpha, None)
    donor[alpha == 0, :3] = (0, 255, 0)
    faces = session.detect([np.dstack([astronaut, np.full(alpha.shape, 255, np.uint8)])])
    result = session.swap([hopper], [donor], session.map(session.detect([hopper]), faces))
    change = result.images[0].astype(int) - hopper
    assert np.abs(change).max() > 50
    assert (change[..., 1] - change[..., [0, 2]].max(2)).max() < 60

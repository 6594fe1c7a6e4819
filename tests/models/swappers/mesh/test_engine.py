"""The built-in engine end to end, on the shipped portraits and on groups made of them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from multifaceswap.app import functions as api
from multifaceswap.media.pictures import read_picture
from rounding import EXACT

_SAME_PERSON = 0.6
_LEAST_GAIN = 0.2


def _faces(session, picture, order="left-right"):
    found = api.detect_faces([picture], gender=False, identity=True, session=session)
    return api.order_faces(found, order)


def _distance(session, picture, face, donor):
    """Identity distance between the face now in the picture and the donor, the mesh measured anew."""
    fitted = session.models.open("mesher", "facemesh").fit(picture, [face])[0]
    assert fitted is not None, "no face is left where one was swapped"
    now = session.models.open("embedder", "dlib128").embed(picture, [fitted])[0]
    return float(np.linalg.norm(now.vector - donor.embedding.vector))


def _swap(session, target, source, indexes=("0", "0"), **settings):
    target_faces, source_faces = _faces(session, target), _faces(session, source)
    index_map = api.map_indexes(target_faces, source_faces, *indexes)
    return api.swap_faces([target], [source], index_map, session=session, **settings), index_map


def _group_photo():
    """The six-face photo inside the insightface package: read there, never shipped."""
    insightface = pytest.importorskip("insightface")
    return read_picture(Path(insightface.__file__).parent / "data" / "images" / "t1.jpg")


@pytest.fixture(scope="session", params=["astronaut", "hopper"])
def donor(request):
    return request.getfixturevalue(request.param)


def _rim_gradient(picture, mask):
    """Mean brightness step across the mask's rim, along the direction in which the mask falls."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    smooth = cv2.GaussianBlur(mask, (0, 0), 1)
    along = np.stack([cv2.Sobel(smooth, -1, 1, 0), cv2.Sobel(smooth, -1, 0, 1)])
    step = np.stack([cv2.Sobel(grey, -1, 1, 0), cv2.Sobel(grey, -1, 0, 1)])
    across = np.abs((along * step).sum(0)) / (np.linalg.norm(along, axis=0) + 1e-6)
    return across[(mask > 0.02) & (mask < 0.6)].mean()


def _targets(donor, astronaut, hopper, group):
    return [hopper if donor is astronaut else astronaut, group, _group_photo()]


@pytest.mark.slow
def test_every_face_becomes_the_donor_without_a_seam(session, donor, astronaut, hopper, group):
    swapped = 0
    for target in _targets(donor, astronaut, hopper, group):
        result, index_map = _swap(session, target, donor, ("*", "0"))
        for pair in index_map.frames[0]:
            before = float(np.linalg.norm(pair.target.embedding.vector - pair.source.embedding.vector))
            after = _distance(session, result.images[0], pair.target, pair.source)
            assert after < _SAME_PERSON
            if before > _SAME_PERSON:
                assert before - after >= _LEAST_GAIN
            swapped += 1
        seam = _rim_gradient(result.images[0], result.masks[0]) / _rim_gradient(target, result.masks[0])
        assert seam < 1.5
    assert swapped == 1 + 4 + 6


def test_only_the_mask_changes(session, astronaut, hopper):
    before = hopper.copy()
    result, index_map = _swap(session, hopper, astronaut)
    mask, image = result.masks[0], result.images[0]
    assert (hopper == before).all()
    assert image.dtype == hopper.dtype
    assert image.shape == hopper.shape
    assert (image[mask == 0] == hopper[mask == 0]).all()
    assert (image[mask > 0.9] != hopper[mask > 0.9]).any(1).mean() > 0.95
    face = index_map.frames[0][0].target
    assert 0.4 < mask.sum() / face.area < 0.8


def test_the_mask_stays_within_the_face(session, astronaut, hopper):
    """But for the arms of glasses, which are taken off the temples."""
    result, index_map = _swap(session, hopper, astronaut, glasses="target")
    rows, columns = np.nonzero(result.masks[0])
    left, top, right, bottom = index_map.frames[0][0].target.box
    assert left - 3 <= columns.min()
    assert columns.max() <= right + 3
    assert top - 3 <= rows.min()
    assert rows.max() <= bottom + 3


@pytest.mark.slow
def test_strength_is_the_share_of_the_donor(session, astronaut, hopper):
    none, half, full = (_swap(session, hopper, astronaut, strength=s)[0] for s in (0.0, 0.5, 1.0))
    assert (none.images[0] == hopper).all()
    assert np.allclose(half.masks[0], full.masks[0] / 2, atol=1e-6)
    middle = (hopper.astype(np.float32) + full.images[0]) / 2
    assert np.abs(half.images[0] - middle).max() <= 1.0


@pytest.mark.slow
@pytest.mark.parametrize("interpolation", ["Nearest", "Bilinear", "Bicubic", "Lanczos"])
def test_every_pixel_is_sampled_whatever_the_interpolation(session, astronaut, hopper, interpolation):
    """Memory that nobody wrote to would show as noise, another one in every run."""
    target = hopper.astype(np.float32) / 255
    results = []
    for _ in range(3):
        noise = [np.full((side, side, 3), np.nan, np.float32) for side in range(40, 240, 4)]
        del noise  # what is allocated next lies where this was
        results.append(_swap(session, target, astronaut, interpolation=interpolation)[0].images[0])
    assert all(np.isfinite(result).all() for result in results)
    assert all((result == results[0]).all() for result in results)


@pytest.mark.slow
def test_a_turned_face_is_swapped_turned(session, astronaut, hopper):
    upright, _ = _swap(session, hopper, astronaut)
    turned = np.ascontiguousarray(np.rot90(hopper))
    target = api.detect_faces([turned], turns=True, session=session)
    source = _faces(session, astronaut)
    result = api.swap_faces([turned], [astronaut], api.map_indexes(target, source), session=session)
    back = np.rot90(result.images[0], -1).astype(np.float32)
    inside = upright.masks[0] > 0.9
    # Without their noise, which is another in another picture.
    smooth = [cv2.GaussianBlur(one.astype(np.float32), (0, 0), 3) for one in (back, upright.images[0])]
    assert np.abs(smooth[0] - smooth[1])[inside].mean() < 4
    assert np.abs(hopper - upright.images[0].astype(np.float32))[inside].mean() > 15


def test_the_donors_other_side_stands_in_and_is_told(session, astronaut):
    photo = _group_photo()
    source = _faces(session, photo)
    looking_left = max(source.flat(), key=lambda face: float(face.mesh[454, 2] * -1 - face.mesh[234, 2] * -1))
    target = _faces(session, astronaut)
    index_map = api.map_indexes(target, source, "0", str(looking_left.index))
    with_mirror = api.swap_faces([astronaut], [photo], index_map, session=session)
    without = api.swap_faces([astronaut], [photo], index_map, mirror=False, session=session)
    assert any("donor's other side, mirrored" in line for line in with_mirror.report)
    assert not any("mirrored" in line for line in without.report)
    assert any("turned another way" in line for line in without.report)
    assert with_mirror.masks[0].sum() > without.masks[0].sum() * 1.2


def test_a_target_whose_mouth_stands_open_keeps_its_teeth(session, astronaut, hopper):
    result, index_map = _swap(session, astronaut, hopper)
    mesh = index_map.frames[0][0].target.mesh
    x, y = ((mesh[13, :2] + mesh[14, :2]) / 2).astype(int)
    assert result.masks[0][y, x] < 0.3
    assert (result.images[0][y, x].astype(int) - astronaut[y, x]).max() < 30


@pytest.mark.slow
def test_a_large_face_is_sharp(session, astronaut, hopper):
    """A crop follows the face's own resolution: no fixed working size that softens large faces."""
    large = cv2.resize(hopper, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    donor = cv2.resize(astronaut, None, fx=6, fy=6, interpolation=cv2.INTER_CUBIC)
    donor[::4, ::4] = 0  # detail that only survives at full size
    result, _ = _swap(session, large, donor, colour_match="none")  # which would soften it to the target's
    inside = cv2.erode((result.masks[0] > 0.95).astype(np.uint8), np.ones((9, 9))) > 0
    detail = cv2.Laplacian(cv2.cvtColor(result.images[0], cv2.COLOR_RGB2GRAY), cv2.CV_32F)
    reference = cv2.Laplacian(cv2.cvtColor(large, cv2.COLOR_RGB2GRAY), cv2.CV_32F)
    assert detail[inside].std() > 3 * reference[inside].std()


def test_sixteen_bits_and_floats_come_back_as_such(session, astronaut, hopper):
    eight, _ = _swap(session, hopper, astronaut)
    sixteen, _ = _swap(session, hopper.astype(np.uint16) * 257, astronaut)
    floating, _ = _swap(session, (hopper / 255).astype(np.float32), astronaut)
    assert sixteen.images[0].dtype == np.uint16
    assert floating.images[0].dtype == np.float32
    for same in (sixteen.images[0] / 257, floating.images[0] * 255):
        away = np.abs(same - eight.images[0])
        # Rounding alone in nearly all; geometry measured on other roundings of the picture in the rest.
        assert np.percentile(away[eight.masks[0] > 0], 95) <= 0.6
        assert np.percentile(away[eight.masks[0] > 0], 99.9) <= 3
        assert away.max() <= 3 or not EXACT


def test_alpha_and_grey_are_kept(session, astronaut, hopper):
    alpha = np.random.default_rng(0).integers(0, 256, (*hopper.shape[:2], 1), np.uint8)
    result, _ = _swap(session, np.concatenate([hopper, alpha], 2), astronaut)
    assert (result.images[0][..., 3:] == alpha).all()
    grey = cv2.cvtColor(hopper, cv2.COLOR_RGB2GRAY)[..., None]
    result, _ = _swap(session, grey, astronaut)
    assert result.images[0].shape == grey.shape
    assert (result.images[0] != grey).mean() > 0.05


@pytest.mark.parametrize("match", ["lighting", "mean"])
def test_a_face_cut_by_the_pictures_edge_keeps_its_colours(session, astronaut, hopper, match):
    """What lies outside the picture is no part of its light."""
    whole, _ = _swap(session, hopper, astronaut, colour_match=match)
    cut, _ = _swap(session, np.ascontiguousarray(hopper[:, 250:]), astronaut, colour_match=match)
    cheek = np.s_[250:290, 300:330]
    there, here = whole.images[0][cheek], cut.images[0][250:290, 50:80]
    assert np.abs(there.mean((0, 1)) - here.mean((0, 1))).max() < 25


def test_half_a_donor_is_completed_by_its_other_side(session, astronaut, hopper):
    half = np.ascontiguousarray(hopper[:, 255:])
    whole_faces, target_faces = _faces(session, hopper), _faces(session, astronaut)
    result = api.swap_faces([astronaut], [half], api.map_indexes(target_faces, _faces(session, half)), session=session)
    assert any("donor's other side, mirrored" in line for line in result.report)
    distance = _distance(session, result.images[0], target_faces.flat()[0], whole_faces.flat()[0])
    assert distance < _SAME_PERSON

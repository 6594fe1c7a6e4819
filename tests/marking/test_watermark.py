"""The invisible mark in swapped faces: it is found again, it isn't seen, and it stays within what was swapped."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from multifaceswap.marking.watermark import embed
from multifaceswap.marking.watermark_detection import THRESHOLD, score
from multifaceswap.marking.watermark_pattern import (
    HIGHEST,
    KEY,
    LOWEST,
    SIDE,
    frequencies,
    luma,
    pattern,
    placement,
    spectrum,
)
from multifaceswap.marking.whitening import agreement, whitened
from multifaceswap.pipeline.geometry import extract_crop
from multifaceswap.pipeline.types import Face
from PIL import Image

QUIET = 6.8
"""Of 10,000 unmarked faces none came this near to the mark."""


def enlarged(picture, factor):
    return cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)


def oval_of(face, picture):
    """A mask as engines make them: soft, a little larger than the mesh."""
    mask = np.zeros(picture.shape[:2], np.float32)
    hull = cv2.convexHull(np.rint(face.mesh[:, :2]).astype(np.int32))
    cv2.fillConvexPoly(mask, hull, 1.0)
    return cv2.GaussianBlur(mask, (0, 0), 5) * (mask + (cv2.blur(mask, (15, 15)) > 0)).clip(0, 1)


@pytest.fixture(scope="module")
def swapped(session, astronaut, hopper):
    """Two portraits whose faces are 250 to 290 pixels high, each swapped with the other's: (picture, mask, faces)."""
    large = [enlarged(astronaut, 2.6), enlarged(hopper, 1.4)]
    faces = session.order(session.detect(large))
    results = []
    for target, source in ((0, 1), (1, 0)):
        one = session.order(session.detect([large[target]]))
        other = session.order(session.detect([large[source]]))
        done = session.swap([large[target]], [large[source]], session.map(one, other))
        results.append((done.images[0], done.masks[0], done.faces.frames[0]))
    assert faces.count == 2 and all(max(face.box[2:] - face.box[:2]) > 256 for _, _, (face,) in results)
    return results


@pytest.fixture(scope="module")
def marked(swapped):
    out = []
    for picture, mask, faces in swapped:
        copy = picture.copy()
        for face in faces:
            embed(copy, face, mask)
        out.append(copy)
    return out


def jpeg(picture, quality=75):
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def half(picture):
    return np.asarray(Image.fromarray(picture).resize((picture.shape[1] // 2, picture.shape[0] // 2)))


def without_a_quarter(picture):
    return picture[:, picture.shape[1] // 4 :]


def psnr(picture, other, where):
    error = np.mean((picture.astype(np.float64) - other)[where] ** 2)
    return 10 * np.log10(255**2 / error)


def scores(session, picture):
    return [score(picture, face) for face in session.detect([picture]).flat()]


@pytest.mark.slow
@pytest.mark.parametrize(
    "copy",
    [jpeg, half, without_a_quarter, lambda p: jpeg(half(p)), lambda p: jpeg(half(without_a_quarter(p)))],
    ids=["jpeg", "half", "quarter", "half-jpeg", "quarter-half-jpeg"],
)
def test_copies_show_the_mark(session, marked, copy):
    for picture in marked:
        (found,) = scores(session, copy(picture))
        assert found > THRESHOLD + 1.5


@pytest.mark.slow
def test_unmarked_faces_do_not_show_it(session, swapped, group):
    for picture, _, _ in swapped:
        assert max(scores(session, jpeg(half(picture)))) < QUIET
    assert max(scores(session, group)) < QUIET


def test_the_mark_of_another_key_is_another(session, marked):
    (face,) = session.detect([marked[0]]).flat()
    assert max(score(marked[0], face, key=f"another {number}") for number in range(3)) < QUIET < score(marked[0], face)


def test_unmarked_faces_agree_by_chance_alone(swapped):
    """At each shift the agreement is as of normal numbers, on which the threshold stands."""
    found = []
    for picture, _, (face,) in swapped:
        values = whitened(luma(extract_crop(picture, placement(face))))
        found += [agreement(values, spectrum(f"chance {number}")) for number in range(40)]
    values = np.array(found)
    assert abs(float(values.mean())) < 0.01
    assert float((values > 3).mean()) == pytest.approx(1.35e-3, rel=0.15)
    assert float((values > 4).mean()) == pytest.approx(3.2e-5, rel=0.5)


def test_it_is_not_seen(swapped, marked):
    for (picture, mask, _), copy in zip(swapped, marked, strict=True):
        assert psnr(picture, copy, mask > 0) > 44
        assert psnr(picture, copy, (picture != copy).any(2)) > 42
        assert np.abs(picture.astype(int) - copy).max() <= 8


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_what_was_not_swapped_stays_bit_for_bit(swapped, kind, channels):
    picture, mask, (face,) = swapped[0]
    deep = np.concatenate([picture, picture[..., :1]], 2)[..., :channels]
    full = 255 if kind == np.uint8 else 65535
    deep = np.round(deep / 255 * full).astype(kind) if kind in (np.uint8, np.uint16) else (deep / 255 / 3).astype(kind)
    halved = mask.copy()
    halved[:, : int(face.box[[0, 2]].mean())] = 0
    copy = deep.copy()
    embed(copy, face, halved)
    assert np.array_equal(copy[halved == 0], deep[halved == 0])
    assert (copy[halved > 0.5] != deep[halved > 0.5]).mean() > 0.25
    assert np.array_equal(copy[..., 3:], deep[..., 3:])
    nothing = deep.copy()
    embed(nothing, face, np.zeros_like(mask))
    assert np.array_equal(nothing, deep)


def test_grey_stays_grey_and_colours_keep_their_tint(swapped):
    picture, mask, (face,) = swapped[1]
    grey = np.repeat(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None], 3, 2)
    for before in (grey, picture):
        after = before.copy()
        embed(after, face, mask)
        added = after.astype(int) - before
        assert added.any() and not np.ptp(added, axis=2).any()


@pytest.mark.parametrize("level", [0, 255])
def test_black_and_white_have_no_room(swapped, level):
    """Where one colour is at its end, none moves beyond it."""
    picture, mask, (face,) = swapped[0]
    edge = picture.copy()
    edge[..., 0] = level
    copy = edge.copy()
    embed(copy, face, mask)
    added = copy.astype(int) - edge
    assert added.any() and not np.ptp(added, axis=2).any()
    assert (added >= 0).all() if level == 0 else (added <= 0).all()


def test_dark_faces_do_not_glow(session, swapped):
    picture, mask, (face,) = swapped[0]
    dark = np.round(picture * 0.15).astype(np.uint8)
    copy = dark.copy()
    embed(copy, face, mask)
    assert np.abs(copy.astype(int) - dark)[mask > 0].mean() < 1
    assert score(jpeg(half(copy)), face_at(face, 0.5)) > THRESHOLD


def face_at(face, scale):
    return Face(face.box * scale, face.landmarks * scale, face.score)


@pytest.mark.parametrize(("size", "turn"), [(0.95, 0), (1.05, 0), (1, -3), (1, 3)])
def test_landmarks_may_lie_a_little_elsewhere(swapped, marked, size, turn):
    face = swapped[1][2][0]
    turned = cv2.getRotationMatrix2D(face.landmarks.mean(0).tolist(), turn, size)
    points = face.landmarks @ turned[:, :2].T + turned[:, 2] + 3
    assert score(marked[1], Face(face.box, points, 1)) > THRESHOLD + 1


def test_faces_at_the_edge_and_tiny_ones_are_no_trouble(swapped):
    picture, mask, (face,) = swapped[0]
    left = int(face.box[[0, 2]].mean())
    cut, part = picture[:, left:].copy(), mask[:, left:]
    moved = Face(face.box - [left, 0, left, 0], face.landmarks - [left, 0], 1)
    embed(cut, moved, part)
    assert np.array_equal(cut[part == 0], picture[:, left:][part == 0])
    tiny = picture[:12, :12].copy()
    embed(tiny, Face(np.array([2, 2, 9, 9]), face.landmarks / 60, 1), np.ones((12, 12), np.float32))


def test_frames_of_a_clip_have_it_in_one_place(swapped):
    picture, mask, (face,) = swapped[1]
    copy = picture.copy()
    embed(copy, face, mask, fixed=True)
    values = agreement(whitened(luma(extract_crop(copy, placement(face)))), spectrum())
    assert np.unravel_index(values.argmax(), values.shape) == (0, 0)


def test_the_pattern_is_the_same_everywhere():
    """What is in files already must stay readable."""
    values = pattern()
    assert values.shape == (SIDE, SIDE) and float(values.std()) == pytest.approx(1)
    assert values[:2, :3].ravel() == pytest.approx(EXPECTED, abs=1e-4)
    power = np.abs(np.fft.rfft2(values)) ** 2
    band = (frequencies() >= LOWEST) & (frequencies() <= HIGHEST)
    assert float(power[band].sum() / power.sum()) > 0.999
    assert np.array_equal(pattern(KEY), values) and not np.allclose(pattern("another"), values)


EXPECTED = (-0.04518, 1.33676, 1.55566, -0.49120, 0.18205, 0.89439)

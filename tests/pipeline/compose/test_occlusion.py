from __future__ import annotations

import numpy as np
import pytest
from multifaceswap.pipeline.compose.masks import combined
from multifaceswap.pipeline.compose.occlusion import bounded
from multifaceswap.pipeline.geometry import align, extract_crop, similarity
from multifaceswap.pipeline.templates import FFHQ_512
from multifaceswap.pipeline.types import Crop, CropSpec, Face, Patch, Placement, Size

SIDE = 400
FACE = Face((100, 100, 300, 300), FFHQ_512 * 256 + 72, 1.0)
"""Its aligned crop is the square from 72 to 328 of the picture, enlarged twice."""
PLACEMENT = Placement(np.array([[1.0, 0, -100], [0, 1.0, -100]]), Size(200, 200))


class Sees:
    """Takes the same part of every aligned crop for the face."""

    needs_mesh, rim = False, 0.0

    def __init__(self, left=0, right=512):
        self.left, self.right = left, right
        self.crops = []

    def place(self, face):
        return align(face, CropSpec(FFHQ_512, 512))

    def parse(self, crops):
        self.crops += crops
        mask = np.zeros((512, 512), np.float32)
        mask[:, self.left : self.right] = 1
        return [mask] * len(crops)


@pytest.fixture
def picture():
    return np.random.RandomState(3).randint(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)


def one(picture, parser, **changes):
    crop = Crop(extract_crop(picture, PLACEMENT), PLACEMENT.matrix, FACE)
    patch = Patch(crop.image, np.full((200, 200), 0.75, np.float32))._replace(**changes)
    return bounded(parser, [picture], [crop], [patch], "swapped")[0]


def mask_of(patch):
    return combined([patch.mask], patch.bounds)


def test_no_faces_no_parsing():
    parser = Sees()
    assert bounded(parser, [], [], [], "swapped") == []
    assert parser.crops == []


def test_the_parser_gets_the_face_in_its_own_alignment(picture):
    parser = Sees()
    one(picture, parser)
    (crop,) = parser.crops
    placement = align(FACE, CropSpec(FFHQ_512, 512))
    np.testing.assert_array_equal(crop.image, extract_crop(picture, placement))
    np.testing.assert_allclose(crop.matrix[:, :2], np.eye(2) * 2, atol=1e-5)


def test_a_face_seen_whole_keeps_its_mask(picture):
    np.testing.assert_allclose(mask_of(one(picture, Sees())), 0.75, atol=1e-6)


def test_masks_are_bounded_to_the_pixel_and_never_grow(picture):
    # Half of the aligned crop is column 200 of the picture, 100 of the engine's crop.
    mask = mask_of(one(picture, Sees(left=256)))
    assert mask[:, :100].max() == 0
    assert (mask <= 0.75).all()
    np.testing.assert_allclose(mask[:, 110:], 0.75, atol=1e-6)
    assert 0 < mask[50, 101] < mask[50, 103] < 0.75


def test_patches_finer_than_their_crops_are_bounded_alike(picture):
    plain = mask_of(one(picture, Sees(left=256)))
    fine = mask_of(one(picture, Sees(left=256), mask=np.full((800, 800), 0.75, np.float32)))
    assert fine.shape == (800, 800)
    assert fine[:, :398].max() == 0
    np.testing.assert_allclose(fine[2::4, 2::4], plain, atol=0.05)


def test_turned_faces_are_bounded_in_their_own_frame(picture):
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])
    turned = Face(FACE.box, (FACE.landmarks - 200) @ turn + 200, 1.0)
    crop = Crop(extract_crop(picture, PLACEMENT), PLACEMENT.matrix, turned)
    patch = Patch(crop.image, np.ones((200, 200), np.float32))
    mask = mask_of(bounded(Sees(left=256), [picture], [crop], [patch], "swapped")[0])
    towards = similarity(FFHQ_512, turned.landmarks)[:, 0]
    assert abs(towards[0]) < 1e-6 * abs(towards[1])
    hidden = mask[:100] if towards[1] > 0 else mask[100:]
    assert hidden.max() == 0
    assert mask.max() == pytest.approx(1)


def test_colours_are_compared_only_where_the_face_is_seen(picture):
    skin = np.ones((50, 50), np.float32), np.ones((50, 50), np.float32)
    own, target = one(picture, Sees(left=256), skin=skin).skin
    assert own is skin[0]
    assert target[:, :25].max() == 0
    assert target[:, 35:].min() == pytest.approx(1)


def test_a_face_that_is_not_seen_keeps_its_mask_and_is_reported(picture):
    patch = one(picture, Sees(right=0), notes=("before",))
    assert patch.mask.min() == np.float32(0.75) and patch.bounds == ()
    assert patch.notes == ("before", "face parsing sees no face here: swapped without it")

from __future__ import annotations

import numpy as np
import pytest
import recipe
from multifaceswap import Session, open_model, swap_faces
from multifaceswap.models.occluders.bisenet import face_of
from multifaceswap.pipeline.errors import DamagedModelError, MissingModelError
from multifaceswap.pipeline.geometry import transform_points
from multifaceswap.pipeline.templates import FFHQ_512
from multifaceswap.pipeline.types import Crop, Face, FaceSet, IndexMap, Size

FILE = "parsing_bisenet.pth"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    recipe.save_pth(folder / "facexlib" / FILE, recipe.weights("bisenet"))
    return folder


@pytest.fixture(scope="module")
def parser(folder):
    return open_model("parser", "bisenet", folders=[folder])


@pytest.mark.slow
@pytest.mark.parametrize("case", ["a", "b"])
def test_classes_are_the_references(parser, case):
    vectors = recipe.vectors("bisenet")
    (scores,) = parser.network.run(vectors[f"{case}.input"][None], [(1, 19, None, None)])
    if case == "a":
        np.testing.assert_allclose(scores[0], vectors["a.out0"], atol=1e-4, rtol=0)
    np.testing.assert_array_equal(scores[0].argmax(0), vectors[f"{case}.argmax0"])


@pytest.mark.slow
def test_pictures_are_normalised_as_for_imagenet(parser):
    vectors = recipe.vectors("bisenet")
    image = vectors["a.input"].transpose(1, 2, 0) * [0.229, 0.224, 0.225] + [0.485, 0.456, 0.406]
    found = parser.classes(image.astype(np.float32)[None])[0]
    assert (found == vectors["a.argmax0"]).mean() > 0.999


def test_background_neck_cloth_hair_and_hat_are_not_the_face():
    wanted = [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 0, 0, 0]
    np.testing.assert_array_equal(face_of(np.arange(19)), wanted)


@pytest.mark.slow
def test_masks_have_the_sizes_of_their_crops(parser):
    images = np.random.RandomState(5).uniform(0, 1, (5, 64, 96, 3)).astype(np.float32)
    crops = [Crop(image, np.eye(2, 3), None) for image in images]
    masks = parser.parse(crops)
    assert [mask.shape for mask in masks] == [(64, 96)] * 5
    assert all(np.isin(mask, (0, 1)).all() for mask in masks)
    np.testing.assert_array_equal(masks[4], parser.parse(crops[4:])[0])
    assert parser.parse([]) == []


@pytest.mark.parametrize(("prefix", "half"), [("module.", False), ("", True)])
def test_published_containers_load(tmp_path, prefix, half):
    recipe.save_pth(tmp_path / FILE, recipe.weights("bisenet"), prefix=prefix, half=half)
    parser = open_model("parser", "bisenet", folders=[tmp_path])
    vectors = recipe.vectors("bisenet")
    (scores,) = parser.network.run(vectors["a.input"][None], [(1, 19, None, None)])
    np.testing.assert_allclose(scores[0], vectors["a.out0"], atol=0.02 if half else 1e-4, rtol=0)


def test_another_network_is_refused(tmp_path):
    recipe.save_pth(tmp_path / FILE, recipe.weights("yolov5n_face"))
    with pytest.raises(DamagedModelError, match=r"another network than bisenet: 191 of 191 weights are missing"):
        open_model("parser", "bisenet", folders=[tmp_path])


def test_a_swap_that_needs_a_missing_parser_says_what_to_fetch(tmp_path):
    session = Session([tmp_path], "cpu")
    nothing = IndexMap((), (), Size(0, 0), Size(0, 0), 0)
    assert swap_faces([], [], nothing, session=session).faces.frames == FaceSet((), Size(0, 0)).frames
    with pytest.raises(MissingModelError, match=r"parsing_bisenet\.pth.*(\n.*)*releases/download/v0\.2\.0"):
        swap_faces([], [], nothing, parse_mask=True, session=session)


def test_its_crops_are_those_it_was_trained_on(parser):
    face = Face((0, 0, 9, 9), FFHQ_512 * 256 + 40, 1.0)
    matrix, size = parser.place(face)
    assert size == (512, 512)
    # facexlib counts from pixel middles.
    np.testing.assert_allclose(transform_points(matrix, face.landmarks + 0.5), FFHQ_512 * 512 + 0.5, atol=1e-3)

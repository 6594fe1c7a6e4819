"""The published parsers and occluders on graphs of their inputs and outputs."""

from __future__ import annotations

import numpy as np
import pytest
import standins
from multifaceswap.models import catalog
from multifaceswap.models.occluders import adapters
from multifaceswap.models.runtime.registry import SessionRegistry
from multifaceswap.pipeline.errors import DamagedModelError
from multifaceswap.pipeline.geometry import transform_points
from multifaceswap.pipeline.templates import FFHQ_512
from multifaceswap.pipeline.types import Crop, Face

DFL = (
    (0.35342266, 0.39285716),
    (0.62797622, 0.39285716),
    (0.48660713, 0.5401786),
    (0.38839287, 0.68750011),
    (0.59821427, 0.68750011),
)
XSEG, BISENET = ("xseg_1", "xseg_2", "xseg_3"), ("bisenet_resnet_18", "bisenet_resnet_34")
FACE = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15)
"""BiSeNet's classes of what belongs to the head and is no hair, hat, neck or cloth."""


def _open(path, name):
    row = catalog.find("parser", name)
    return getattr(adapters, row.adapter.partition(":")[2])(row, [path], SessionRegistry())


def _crops(count, side):
    images = np.random.default_rng(1).random((count, side, side, 3), np.float32)
    face = Face((0, 0, 1, 1), np.zeros((5, 2), np.float32), 1.0)
    return [Crop(image, np.array([[1.0, 0, 0], [0, 1, 0]]), face) for image in images]


@pytest.mark.parametrize("name", XSEG)
@pytest.mark.parametrize("rows", [1, "batch"])
def test_xseg_takes_blue_green_red_by_rows_and_gives_how_surely_it_is_face(tmp_path, name, rows):
    parser = _open(standins.xseg(tmp_path / "a.onnx", rows=rows), name)
    crops = _crops(3, 256)
    for mask, crop in zip(parser.parse(crops), crops, strict=True):
        # The stand-in weighs the channels 0.75, 0.5 and 0.25 in the order in which they come, less 0.2.
        expected = np.clip(crop.image[..., ::-1] @ np.float32((0.75, 0.5, 0.25)) - 0.2, 0, 1)
        assert mask.shape == (256, 256) and np.abs(mask - expected).max() < 1e-5
    assert parser.parse([]) == []


def test_what_comes_in_another_size_goes_back_in_it(tmp_path):
    parser = _open(standins.xseg(tmp_path / "a.onnx"), "xseg_1")
    (mask,) = parser.parse(_crops(1, 300))
    assert mask.shape == (300, 300)


@pytest.mark.parametrize(
    ("name", "template", "side"), [*((name, DFL, 256) for name in XSEG), *((name, FFHQ_512, 512) for name in BISENET)]
)
def test_crops_lie_as_the_networks_were_trained(tmp_path, name, template, side):
    made = standins.xseg if name in XSEG else standins.parsing
    landmarks = np.float32(template) * 190 + 40
    matrix, size = _open(made(tmp_path / "a.onnx"), name).place(Face((0, 0, 1, 1), landmarks, 1.0))
    assert size == (side, side)
    assert np.abs(transform_points(matrix, landmarks + 0.5) - 0.5 - np.float32(template) * side).max() < 1e-3


@pytest.mark.parametrize("name", BISENET)
@pytest.mark.parametrize("more", [0, 2])
def test_bisenet_takes_imagenets_numbers_and_its_likeliest_class_counts(tmp_path, name, more):
    parser = _open(standins.parsing(tmp_path / "a.onnx", more=more), name)
    for number in range(19):
        # The stand-in's likeliest class is the red channel times 19, where it undoes ImageNet's normalisation.
        image = np.full((512, 512, 3), (number + 0.5) / 19, np.float32)
        crop = _crops(1, 512)[0]._replace(image=image)
        assert (parser.parse([crop])[0] == (number in FACE)).all(), number


@pytest.mark.parametrize("name", (*XSEG, *BISENET))
def test_other_networks_are_refused(tmp_path, name):
    other = standins.parsing(tmp_path / "a.onnx") if name in XSEG else standins.xseg(tmp_path / "a.onnx")
    for path in (other, standins.pooled(tmp_path / "b.onnx"), standins.restorer(tmp_path / "c.onnx")):
        with pytest.raises(DamagedModelError, match=rf"{path.name} holds another network than {name}"):
            _open(path, name)

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from multifaceswap.models.alignment import from_pixel_middles, published_placement
from multifaceswap.pipeline.geometry import extract_crop, transform_points
from multifaceswap.pipeline.templates import ARCFACE_112, FFHQ_512, arcface
from multifaceswap.pipeline.types import CropSpec, Face, Placement, Size

VECTORS = np.load(Path(__file__).parent.parent / "vectors" / "align.npz", allow_pickle=False)


def test_templates_count_from_pixel_middles():
    landmarks = ARCFACE_112 * 112 * 2 + 10
    placement = published_placement(Face((0, 0, 300, 300), landmarks, 1.0), arcface(112))
    assert placement.size == Size(112, 112)
    # A landmark at pixel index p has its middle at p + 0.5, and so has the template.
    assert np.allclose(transform_points(placement.matrix, landmarks + 0.5), ARCFACE_112 * 112 + 0.5, atol=1e-3)


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        (arcface(112), "insightface_M_112"),
        (arcface(128), "insightface_M_128"),
        (arcface(256), "insightface_M_256"),
        (CropSpec(FFHQ_512, 512), "umeyama_M_ffhq512"),
    ],
)
def test_crops_are_those_of_the_projects(spec, name):
    """They hand their matrices to OpenCV, which counts from pixel middles."""
    y, x = np.mgrid[:700, :900].astype(np.float32)
    picture = np.stack([np.sin(x / 9), np.cos(y / 7), np.sin((x + y) / 11)], 2) * 0.4 + 0.5
    for landmarks, matrix in zip(VECTORS["kps"], VECTORS[name], strict=True):
        placement = published_placement(Face((0, 0, 9, 9), landmarks, 1.0), spec)
        if np.sqrt(abs(np.linalg.det(matrix[:, :2]))) > 0.5:  # smaller ones are averaged first
            theirs = cv2.warpAffine(picture, matrix, (spec.size, spec.size))
            assert np.abs(extract_crop(picture, placement) - theirs).max() < 2e-3


def test_a_shift_by_whole_pixels_stays_one():
    placement = Placement(np.array([[1.0, 0, -7], [0, 1.0, -3]]), Size(5, 5))
    assert from_pixel_middles(placement).matrix.tolist() == placement.matrix.tolist()
    doubled = from_pixel_middles(Placement(np.array([[2.0, 0, 0], [0, 2.0, 0]]), Size(5, 5)))
    assert doubled.matrix[:, 2].tolist() == [-0.5, -0.5]

"""Each published family on a graph of its inputs and outputs: its alignment, its numbers, what it takes of donors."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import cv2
import numpy as np
import pytest
import standins
from multifaceswap.models import catalog
from multifaceswap.models.runtime.registry import SessionRegistry
from multifaceswap.models.swappers import adapters
from multifaceswap.pipeline.compose.masks import oval_mask
from multifaceswap.pipeline.compose.swap import cut_face
from multifaceswap.pipeline.errors import DamagedModelError, EngineError, SettingsError
from multifaceswap.pipeline.geometry import transform_points
from multifaceswap.pipeline.templates import ARCFACE_112, FFHQ_512
from multifaceswap.pipeline.types import CropSpec, Donor, Embedding, Face

V1 = (
    (0.35473214, 0.45658929),
    (0.64526786, 0.45658929),
    (0.5, 0.61154464),
    (0.37913393, 0.776875),
    (0.62086607, 0.776875),
)
V128 = (
    (0.36167656, 0.40387734),
    (0.63696719, 0.40235469),
    (0.50019687, 0.56044219),
    (0.38710391, 0.72160547),
    (0.61507734, 0.72034453),
)
FFHQ = (
    (0.37691676, 0.46864664),
    (0.62285697, 0.46912813),
    (0.50123859, 0.61331904),
    (0.39308822, 0.725411),
    (0.61150205, 0.72490465),
)
MTCNN = (
    (0.36562865, 0.46733799),
    (0.63305391, 0.46585885),
    (0.50019127, 0.61942959),
    (0.39032951, 0.77598822),
    (0.61178945, 0.77476328),
)
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
PLAIN, SIGNED = (0.0, 1.0), (0.5, 0.5)


class Family(NamedTuple):
    """What FaceFusion's own code says of a network."""

    size: int
    template: tuple[tuple[float, float], ...]
    takes: tuple[object, object]
    gives: tuple[float, float]
    source: str
    """How the embedding e becomes what it takes."""


FAMILIES = {
    "inswapper_128_fp16": Family(128, V128, PLAIN, PLAIN, "e @ map / norm"),
    "ghost_1_256": Family(256, V1, SIGNED, SIGNED, "crossface(e)"),
    "ghost_2_256": Family(256, V1, SIGNED, SIGNED, "crossface(e)"),
    "ghost_3_256": Family(256, V1, SIGNED, SIGNED, "crossface(e)"),
    "simswap_256": Family(256, V1, IMAGENET, PLAIN, "crossface(e) / norm"),
    "simswap_unofficial_512": Family(512, V1, PLAIN, PLAIN, "crossface(e) / norm"),
    "hififace_unofficial_256": Family(256, MTCNN, SIGNED, SIGNED, "crossface(e) / norm"),
    "alphaface_256": Family(256, V128, PLAIN, PLAIN, "e"),
    "hyperswap_1b_256": Family(256, V128, SIGNED, SIGNED, "e / norm"),
    "uniface_256": Family(256, FFHQ, SIGNED, SIGNED, "ffhq_512 crop of 256"),
    "blendswap_256": Family(256, FFHQ, PLAIN, PLAIN, "arcface_112_v2 crop of 112"),
}
PICTURES = {"uniface_256": CropSpec(FFHQ_512, 256), "blendswap_256": CropSpec(ARCFACE_112, 112)}
LEADING = [name for name in FAMILIES if name not in PICTURES]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("families")
    for name, family in FAMILIES.items():
        standins.swapper(
            folder / f"{name}.onnx",
            size=family.size,
            mean=family.takes[0],
            std=family.takes[1],
            gives=family.gives,
            map_name="buff2fs" if "map" in family.source else "",
            picture=PICTURES[name].size if name in PICTURES else 0,
        )
    standins.pooled(folder / "w600k_r50.onnx")
    for number, other in enumerate(("ghost", "simswap", "hififace")):
        standins.converter(folder / f"crossface_{other}.onnx", seed=number)
    return folder


def _open(folder, name, **options):
    row = catalog.find("swapper", name)
    return adapters.neural(row, [folder / file.name for file in row.files], SessionRegistry(), **options)


def _tables(path):
    from onnx import load, numpy_helper

    return {one.name: numpy_helper.to_array(one) for one in load(str(path)).graph.initializer}


def _source(folder, name, embedding):
    """What FaceFusion feeds the network with, worked out by hand."""
    unit = embedding / np.linalg.norm(embedding)
    how = FAMILIES[name].source
    if how.startswith("crossface"):
        converters = {"ghost": "ghost", "simsw": "simswap", "hifif": "hififace"}
        file = f"crossface_{converters[name[:5]]}.onnx"
        unit = unit @ _tables(folder / file)["W"] * 7
    if "map" in how:
        unit = unit @ _tables(folder / f"{name}.onnx")["buff2fs"]
    if how == "e":
        return embedding
    return unit / np.linalg.norm(unit) if how.endswith("/ norm") else unit


@pytest.fixture(scope="module")
def picture():
    low = np.random.default_rng(2).random((12, 16, 3), np.float32)
    return np.asarray(cv2.resize(low, (640, 480), interpolation=cv2.INTER_CUBIC).clip(0, 1), np.float32)


def _face(shift=0.0, scale=150.0, turn=0.3, embedding=None):
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    landmarks = ((np.array(V128) - 0.5) * scale @ rotation.T + (300 + shift, 230)).astype(np.float32)
    known = None if embedding is None else Embedding(embedding, "w600k_r50")
    return Face(np.array((*landmarks.min(0), *landmarks.max(0))), landmarks, 1.0, embedding=known)


def _embedding(seed):
    return np.random.default_rng(seed).standard_normal(512).astype(np.float32) * 0.7


def _sigmoid(values):
    return 1 / (1 + np.exp(-values))


@pytest.mark.parametrize("name", FAMILIES)
def test_the_crop_lies_where_the_template_says(folder, name):
    family = FAMILIES[name]
    # A face that fits the template exactly, so that each landmark comes to lie on its own point.
    landmarks = np.float32(family.template) * 180 + (200, 100)
    matrix, size = _open(folder, name).place(replace(_face(), landmarks=landmarks))
    assert size == (family.size, family.size)
    # FaceFusion's and OpenCV's pixels are counted from their middles.
    found = transform_points(matrix, landmarks + 0.5) - 0.5
    assert np.abs(found - np.float32(family.template) * family.size).max() < 1e-3


@pytest.mark.parametrize("name", LEADING)
def test_face_and_identity_come_in_the_networks_own_numbers(folder, picture, name):
    swapper, embedding = _open(folder, name), _embedding(4)
    donor = swapper.prepare(picture, _face(embedding=embedding))
    source = _source(folder, name, embedding)
    assert np.abs(donor.embedding - source).max() < 1e-5 * np.abs(source).max()
    crop = cut_face(picture, _face(20), swapper, "Bilinear")
    patch = swapper.swap([crop], [donor], 1.0)[0]
    colour = _sigmoid(source @ _tables(folder / f"{name}.onnx")["W"])
    assert np.abs(patch.image - np.clip(crop.image / 2 + colour / 2, 0, 1)).max() < 2e-5
    assert patch.notes == ()


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("strength", [1.0, 0.25])
def test_image_driven_engines_take_the_donors_crop(folder, picture, name, strength):
    swapper = _open(folder, name)
    donor = swapper.prepare(picture, _face())
    spec = PICTURES[name]
    fitted = replace(_face(), landmarks=spec.template * 200 + 100)
    aligned = swapper.prepare(picture, fitted).crops[0]
    assert aligned.image.shape == (spec.size, spec.size, 3)
    assert (
        np.abs(transform_points(aligned.matrix, fitted.landmarks + 0.5) - 0.5 - spec.template * spec.size).max() < 1e-3
    )
    crop = cut_face(picture, _face(20), swapper, "Bilinear")
    made = np.clip(crop.image / 2 + donor.crops[0].image.mean((0, 1)) / 2, 0, 1)
    patch = swapper.swap([crop], [donor], strength)[0]
    assert np.abs(patch.image - (crop.image + strength * (made - crop.image))).max() < 2e-5


@pytest.mark.parametrize("name", PICTURES)
def test_image_driven_engines_have_no_identity_to_lead_beyond(folder, picture, name):
    swapper = _open(folder, name)
    crop, donor = cut_face(picture, _face(), swapper, "Bilinear"), swapper.prepare(picture, _face())
    for strength in (-0.1, 1.5):
        with pytest.raises(SettingsError, match=rf"strength: .*expected 0 to 1, got {strength}"):
            swapper.swap([crop], [donor], strength)
    other = _open(folder, "ghost_1_256").prepare(picture, _face(embedding=_embedding(1)))
    with pytest.raises(SettingsError, match="prepared by another engine"):
        swapper.swap([crop], [other], 1.0)


@pytest.mark.parametrize("name", LEADING)
@pytest.mark.parametrize("strength", [-0.5, 0.5, 1.5, 2.0])
def test_strength_leads_along_the_line_through_both_identities(folder, picture, name, strength):
    swapper = _open(folder, name)
    own, other = _embedding(7), _embedding(8) * 2
    target = replace(_face(), embedding=Embedding(own, "w600k_r50"))
    crop = cut_face(picture, target, swapper, "Bilinear")
    led = swapper.swap([crop], [swapper.prepare(picture, _face(embedding=other))], strength)[0].image
    a, b = (_source(folder, name, one) for one in (own, other))
    way = strength * b / np.linalg.norm(b) + (1 - strength) * a / np.linalg.norm(a)
    length = np.linalg.norm(a) + np.clip(strength, 0, 1) * (np.linalg.norm(b) - np.linalg.norm(a))
    colour = _sigmoid(way / np.linalg.norm(way) * length @ _tables(folder / f"{name}.onnx")["W"])
    assert np.abs(led - np.clip(crop.image / 2 + colour / 2, 0, 1)).max() < 5e-5


@pytest.mark.parametrize(("whose", "strengths"), [(0, (0.5, 1, 1.5, 2)), (1, (0.5, -0.25, -0.5, -1))])
def test_beyond_either_end_the_other_identity_is_left_behind(folder, picture, whose, strengths):
    swapper, people = _open(folder, "hyperswap_1b_256"), (_embedding(7), _embedding(8))
    crop = cut_face(picture, replace(_face(), embedding=Embedding(people[0], "w600k_r50")), swapper, "Bilinear")
    donor = swapper.prepare(picture, _face(embedding=people[1]))
    likeness = [
        float(swapper._source.feed([crop], [donor], strength)[0] @ people[whose] / np.linalg.norm(people[whose]))
        for strength in strengths
    ]
    assert likeness == sorted(likeness, reverse=True) and likeness[-1] < likeness[1] - 0.2


def test_opposites_have_nothing_in_between(folder, picture):
    swapper, own = _open(folder, "hyperswap_1b_256"), _embedding(7)
    crop = cut_face(picture, replace(_face(), embedding=Embedding(own, "w600k_r50")), swapper, "Bilinear")
    with pytest.raises(EngineError, match=r"strength 0\.5 leads to no identity"):
        swapper.swap([crop], [swapper.prepare(picture, _face(embedding=-own))], 0.5)


@pytest.mark.parametrize("name", FAMILIES)
def test_pixel_boost_and_mask_know_the_alignment(folder, picture, name):
    swapper = _open(folder, name, pixel_boost=1024)
    factor = 1024 // FAMILIES[name].size
    assert swapper.place(_face()).size == (1024, 1024)
    crop = cut_face(picture, _face(), swapper, "Bilinear")
    donor = swapper.prepare(picture, _face(embedding=_embedding(1)))
    patch = swapper.swap([crop], [donor], 1.0)[0]
    assert patch.image.shape == (1024, 1024, 3) and factor in (2, 4, 8)
    assert np.abs(patch.mask - oval_mask(np.float32(FAMILIES[name].template), 1024)).max() < 0.02


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("other", ["w600k_r50.onnx", "small.onnx", "mixed.onnx"])
def test_other_networks_files_are_refused(folder, tmp_path, name, other):
    standins.swapper(tmp_path / "small.onnx", size=64)
    wrong = 0 if name in PICTURES else 112
    standins.swapper(tmp_path / "mixed.onnx", size=FAMILIES[name].size, picture=wrong)
    standins.pooled(tmp_path / "w600k_r50.onnx")
    row = catalog.find("swapper", name)
    paths = [tmp_path / other, *(folder / file.name for file in row.files[1:])]
    with pytest.raises(DamagedModelError, match=rf"{other} holds another network.*a face of 3×{FAMILIES[name].size}"):
        adapters.neural(row, paths, SessionRegistry())


def test_a_converter_that_converts_nothing_is_refused(folder, tmp_path):
    row = catalog.find("swapper", "ghost_1_256")
    standins.pooled(tmp_path / "crossface_ghost.onnx")
    paths = [*(folder / file.name for file in row.files[:2]), tmp_path / "crossface_ghost.onnx"]
    with pytest.raises(DamagedModelError, match=r"crossface_ghost\.onnx holds another network than a converter"):
        adapters.neural(row, paths, SessionRegistry())


@pytest.fixture
def masked(tmp_path, folder):
    def open_masked(mask):
        standins.swapper(tmp_path / "hyperswap_1a_256.onnx", size=256, mean=0.5, std=0.5, map_name="", mask=mask)
        row = catalog.find("swapper", "hyperswap_1a_256")
        return adapters.neural(row, [tmp_path / "hyperswap_1a_256.onnx", folder / "w600k_r50.onnx"], SessionRegistry())

    return open_masked


@pytest.mark.parametrize("boost", [0, 512])
def test_a_mask_that_is_no_number_is_replaced_and_said(masked, picture, boost):
    swapper = masked("nan")
    swapper._factor = max(boost // 256, 1)
    crop = cut_face(picture, _face(), swapper, "Bilinear")
    patch = swapper.swap([crop], [Donor(_face(), embedding=_embedding(1))], 1.0)[0]
    assert np.array_equal(patch.mask, oval_mask(np.float32(V128), len(crop.image)))
    assert np.isfinite(patch.image).all()
    assert patch.notes == (
        "hyperswap_1a_256.onnx gave NaN or infinity on CPU: its file is damaged or its numbers overflow; fetch it "
        "again, or choose another model: where the face lies is used instead",
    )


@pytest.mark.parametrize(("brightest", "replaced"), [(0, True), (0.2, True), (0.3, False)])
def test_a_mask_that_shows_no_face_is_replaced_and_said(masked, picture, brightest, replaced):
    swapper = masked(True)
    crop = cut_face(picture, _face(), swapper, "Bilinear")
    image = np.full_like(crop.image, brightest)
    patch = swapper.swap([crop._replace(image=image)], [Donor(_face(), embedding=_embedding(1))], 1.0)[0]
    said = ("the mask of hyperswap_1a_256.onnx is empty: where the face lies is used instead",)
    assert patch.notes == (said if replaced else ())
    assert np.array_equal(patch.mask, oval_mask(np.float32(V128), 256)) is replaced


def test_a_mask_with_holes_is_replaced_and_said(masked, picture):
    swapper = masked(True)
    crop = cut_face(picture, _face(), swapper, "Bilinear")
    image = np.ones_like(crop.image)
    image[100:140, 100:140] = 0
    sound, spoilt = (
        swapper.swap([crop._replace(image=one)], [Donor(_face(), embedding=_embedding(1))], 1.0)[0]
        for one in (np.ones_like(image), image)
    )
    assert sound.notes == () and sound.mask[128, 128] == 1
    assert spoilt.notes == ("the mask of hyperswap_1a_256.onnx has holes: where the face lies is used instead",)
    assert np.array_equal(spoilt.mask, oval_mask(np.float32(V128), 256))

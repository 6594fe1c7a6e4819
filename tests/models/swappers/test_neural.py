"""The neural engines against InsightFace's own numbers and classes, on stand-in networks."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import standins
from multifaceswap.models import catalog
from multifaceswap.models.embedders.arcface import ArcFace
from multifaceswap.models.runtime.onnx import Session
from multifaceswap.models.runtime.registry import SessionRegistry
from multifaceswap.models.swappers import adapters
from multifaceswap.models.swappers.network import SwapNetwork
from multifaceswap.models.swappers.neural import PIXEL_BOOSTS, NeuralSwapper
from multifaceswap.models.swappers.pixel_shuffle import pixel_shuffle, pixel_unshuffle
from multifaceswap.models.swappers.rows import INSWAPPER_128
from multifaceswap.models.swappers.sources import IdentitySource
from multifaceswap.pipeline import templates
from multifaceswap.pipeline.compose.masks import oval_mask, rim_mask
from multifaceswap.pipeline.compose.swap import cut_face
from multifaceswap.pipeline.errors import DamagedModelError, SettingsError
from multifaceswap.pipeline.geometry import shifted
from multifaceswap.pipeline.types import Crop, Donor, Embedding, Face, Size
from recipe import vectors
from rounding import LEVEL

NEURAL = [row.name for row in catalog.MODELS if row.adapter.endswith(":neural")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("standins")
    standins.swapper(folder / "inswapper_128.onnx")
    standins.swapper(folder / "free.onnx", rows="batch")
    standins.swapper(folder / "reswapper_256.onnx", size=256, seed=9)
    standins.swapper(folder / "hyperswap_1a_256.onnx", size=256, seed=10, mean=0.5, std=0.5, map_name="", mask=True)
    standins.swapper(folder / "maskless.onnx", size=256, seed=10, mean=0.5, std=0.5, map_name="")
    standins.pooled(folder / "w600k_r50.onnx")
    return folder


@pytest.fixture(scope="module")
def reference():
    return vectors("swap_paste")


def _open(folder, name, file="", **options):
    paths = [folder / (file or f"{name}.onnx"), folder / "w600k_r50.onnx"]
    return adapters.neural(catalog.find("swapper", name), paths, SessionRegistry(), **options)


def _face(landmarks, **more):
    return Face((*landmarks.min(0), *landmarks.max(0)), landmarks, 1.0, **more)


@pytest.fixture(scope="module")
def picture(reference):
    return np.ascontiguousarray(reference["image_bgr_u8"][..., ::-1])


@pytest.fixture(scope="module")
def faces(reference):
    return [_face(reference[f"{number}.kps"]) for number in (0, 1)]


def _unit(vector):
    return vector / np.linalg.norm(vector)


def test_every_published_swapper_is_in_the_catalog_with_arcface():
    assert NEURAL == [
        "inswapper_128", "inswapper_128_fp16", "reswapper_128", "reswapper_256", "hyperswap_1a_256", "hyperswap_1b_256",
        "hyperswap_1c_256", "ghost_1_256", "ghost_2_256", "ghost_3_256", "simswap_256", "simswap_unofficial_512",
        "hififace_unofficial_256", "uniface_256", "blendswap_256", "alphaface_256",
    ]  # fmt: skip
    for name in NEURAL:
        row = catalog.find("swapper", name)
        takes_pictures = name in ("uniface_256", "blendswap_256")
        assert [file.name for file in row.files][:2] == [f"{name}.onnx", "w600k_r50.onnx"][: 1 if takes_pictures else 2]
        assert row.params.size == int(name.removesuffix("_fp16").rpartition("_")[2])
        assert row.params.options == (("pixel_boost", "average") if row.params.identity else ("pixel_boost",))
    assert len(INSWAPPER_128.sha256) == len(INSWAPPER_128.sizes) == 2


@pytest.mark.parametrize("number", [0, 1])
def test_crop_and_matrix_are_insightfaces(folder, reference, picture, faces, number):
    swapper = _open(folder, "inswapper_128")
    crop = cut_face(picture, faces[number], swapper, "Bilinear")
    assert np.abs(shifted(crop.matrix, 0.5, -0.5) - reference[f"{number}.M"]).max() < 1e-4
    donor = swapper.prepare(picture, replace(faces[0], embedding=Embedding(reference["source_embedding"], "w600k_r50")))
    image = swapper.swap([crop], [donor], 1.0)[0].image
    # InsightFace rounds the crop to bytes, and its result down.
    off = image * 255 - reference[f"{number}.bgr_fake"][..., ::-1]
    assert off.min() > -0.3 - LEVEL and off.max() < 1.3 + LEVEL


def test_latent_is_insightfaces(folder, reference, picture, faces):
    donor = _open(folder, "inswapper_128").prepare(
        picture, replace(faces[0], embedding=Embedding(reference["source_embedding"], "w600k_r50"))
    )
    assert donor.embedding.shape == (512,)
    assert np.abs(donor.embedding - reference["latent"][0]).max() < 1e-6


def test_hyperswap_takes_the_plain_embedding(folder, reference, picture, faces):
    donor = _open(folder, "hyperswap_1a_256").prepare(
        picture, replace(faces[0], embedding=Embedding(reference["source_embedding"], "w600k_r50"))
    )
    assert np.abs(donor.embedding - _unit(reference["source_embedding"])).max() < 1e-7


@pytest.mark.parametrize("name", ["inswapper_128", "reswapper_256"])
def test_equals_insightfaces_own_classes(folder, picture, faces, name):
    pytest.importorskip("insightface")
    import onnxruntime
    from insightface.model_zoo.arcface_onnx import ArcFaceONNX
    from insightface.model_zoo.inswapper import INSwapper

    bgr = np.ascontiguousarray(picture[..., ::-1])
    sessions = [onnxruntime.InferenceSession(str(folder / f"{file}.onnx")) for file in (name, "w600k_r50")]
    theirs = INSwapper(str(folder / f"{name}.onnx"), sessions[0])
    source = SimpleNamespace(kps=faces[0].landmarks)
    source.normed_embedding = _unit(ArcFaceONNX(str(folder / "w600k_r50.onnx"), sessions[1]).get(bgr, source))

    ours = _open(folder, name)
    donor = ours.prepare(picture, faces[0])
    for face in faces:
        fake, matrix = theirs.get(bgr, SimpleNamespace(kps=face.landmarks), source, paste_back=False)
        crop = cut_face(picture, face, ours, "Bilinear")
        assert np.abs(shifted(crop.matrix, 0.5, -0.5) - matrix).max() < 1e-4
        off = ours.swap([crop], [donor], 1.0)[0].image * 255 - fake[..., ::-1]
        assert off.min() > -0.5 and off.max() < 1.5


def test_a_face_that_carries_another_networks_embedding_is_embedded_anew(folder, picture, faces):
    swapper = _open(folder, "inswapper_128")
    plain = swapper.prepare(picture, faces[0])
    for other in (Embedding(np.ones(128), "dlib128"), Embedding(np.ones(512), "another512")):
        anew = swapper.prepare(picture, replace(faces[0], embedding=other))
        assert np.array_equal(anew.embedding, plain.embedding)
    own = swapper.prepare(picture, replace(faces[0], embedding=Embedding(np.ones(512), "w600k_r50")))
    assert not np.allclose(own.embedding, plain.embedding)


class _Embedder:
    """Gives each face the embedding of its turn, and counts."""

    name = "w600k_r50"
    sessions = ()

    def __init__(self, *embeddings):
        self.left = list(embeddings)

    def embed(self, _picture, faces):
        return [Embedding(self.left.pop(0), self.name) for _ in faces]


def _swapper(folder, embedder, file="inswapper_128", size=128, **options):
    network = SwapNetwork(Session(folder / f"{file}.onnx"), size)
    return NeuralSwapper(network, IdentitySource(network, embedder, "mapped"), templates.arcface(size), **options)


def _noise(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def _crops(count, side=128):
    pictures = np.random.default_rng(5).random((count, side, side, 3), np.float32)
    matrix = np.array([[1.0, 0, 0], [0, 1, 0]])
    return [
        Crop(picture, matrix, _face(np.float32([(40, 50), (88, 50), (64, 70), (45, 95), (80, 95)])))
        for picture in pictures
    ]


def test_at_full_strength_the_target_is_never_embedded(folder):
    donor = Donor(_crops(1)[0].face, embedding=_unit(_noise(0, 512)))
    assert len(_swapper(folder, _Embedder()).swap(_crops(1), [donor], 1.0)) == 1


@pytest.mark.parametrize("strength", [0.25, 0.5, 0.9])
def test_strength_leads_straight_from_the_targets_identity_to_the_donors(folder, strength):
    own, other = _noise(1, 512), _noise(2, 512)
    swapper = _swapper(folder, _Embedder(other, own))
    crop = _crops(1)[0]
    donor = swapper.prepare(crop.image, crop.face)
    blended = swapper.swap([crop], [donor], strength)[0].image

    straight = _unit(
        strength * donor.embedding
        + (1 - strength) * _swapper(folder, _Embedder(own)).prepare(crop.image, crop.face).embedding
    )
    expected = swapper.swap([crop], [Donor(crop.face, embedding=straight)], 1.0)[0].image
    assert np.abs(blended - expected).max() < 1e-6
    assert np.abs(blended - swapper.swap([crop], [donor], 1.0)[0].image).max() > 1e-3


def test_strength_0_leaves_the_target_as_it_is(folder):
    crop = _crops(1)[0]
    patch = _swapper(folder, _Embedder()).swap([crop], [Donor(crop.face)], 0.0)[0]
    assert not patch.mask.any() and patch.image is crop.image


def test_a_targets_own_embedding_is_read_from_its_crop(folder, picture, faces):
    """The identity of a face is the same whether it is embedded in its picture or in the crop the engine cut."""
    swapper = _open(folder, "inswapper_128")
    crop = cut_face(picture, faces[0], swapper, "Bilinear")
    donor = swapper.prepare(picture, faces[0])
    half, whole = (swapper.swap([crop], [donor], strength)[0].image for strength in (0.5, 1.0))
    assert np.abs(half - whole).max() < 2e-3


def test_free_batch_axes_are_used_and_change_nothing(folder, monkeypatch):
    crops = _crops(5)
    donors = [Donor(crop.face, embedding=_unit(_noise(seed, 512))) for seed, crop in enumerate(crops)]
    runs = []
    run = Session.run
    monkeypatch.setattr(
        Session,
        "run",
        lambda self, feeds, *wanted, **more: (runs.append(len(feeds["target"])), run(self, feeds, *wanted, **more))[1],
    )
    one_by_one = _swapper(folder, _Embedder()).swap(crops, donors, 1.0)
    together = _swapper(folder, _Embedder(), "free").swap(crops, donors, 1.0)
    assert runs == [1, 1, 1, 1, 1, 5]
    for a, b in zip(one_by_one, together, strict=True):
        assert np.abs(a.image - b.image).max() < 1e-6


def test_no_crops_are_no_work(folder):
    assert _swapper(folder, _Embedder()).swap([], [], 1.0) == []


@pytest.mark.parametrize(("boost", "factor"), [(0, 1), (256, 2), (512, 4), (1024, 8)])
def test_pixel_boost_gives_larger_crops_of_the_same_place(folder, reference, picture, faces, boost, factor):
    plain, boosted = _open(folder, "inswapper_128"), _open(folder, "inswapper_128", pixel_boost=boost)
    placement = boosted.place(faces[0])
    assert placement.size == Size(128 * factor, 128 * factor)
    assert np.allclose(placement.matrix, plain.place(faces[0]).matrix * factor)
    crop = cut_face(picture, faces[0], boosted, "Bilinear")
    donor = boosted.prepare(picture, faces[0])
    patch = boosted.swap([crop], [donor], 1.0)[0]
    assert patch.image.shape == (128 * factor, 128 * factor, 3) and patch.mask.shape == patch.image.shape[:2]
    # The stand-in's arithmetic is the same for every pixel, so a boosted crop is what a larger network would make.
    tint = plain.swap([cut_face(picture, faces[0], plain, "Bilinear")], [donor], 1.0)[0].image
    offset = (tint - cut_face(picture, faces[0], plain, "Bilinear").image / 2).mean((0, 1))
    assert np.abs(patch.image - (crop.image / 2 + offset)).max() < 1e-4


def test_a_boost_no_larger_than_the_model_changes_nothing(folder, faces):
    assert _open(folder, "reswapper_256", pixel_boost=256).place(faces[0]).size == Size(256, 256)


def test_other_boosts_are_refused(folder):
    assert PIXEL_BOOSTS == (0, 256, 512, 1024)
    with pytest.raises(SettingsError, match="pixel_boost: expected one of 0, 256, 512, 1024, got 300"):
        _open(folder, "inswapper_128", pixel_boost=300)


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_split_takes_every_nth_pixel_and_join_undoes_it(factor):
    image = np.arange((4 * factor) ** 2 * 2).reshape(4 * factor, 4 * factor, 2)
    parts = pixel_unshuffle(image, factor)
    assert parts.shape == (factor**2, 4, 4, 2)
    assert np.array_equal(parts[-1], image[factor - 1 :: factor, factor - 1 :: factor])
    assert np.array_equal(parts[factor - 1], image[0::factor, factor - 1 :: factor])
    assert np.array_equal(pixel_shuffle(parts, factor), image)


def test_the_networks_own_mask_is_used_within_the_crops_rim(folder, picture, faces):
    swapper = _open(folder, "hyperswap_1a_256")
    crop = cut_face(picture, faces[0], swapper, "Bilinear")
    patch = swapper.swap([crop], [swapper.prepare(picture, faces[0])], 1.0)[0]
    assert np.allclose(patch.mask, np.minimum(crop.image[..., 0], rim_mask(256)), atol=1e-6)
    assert np.abs(patch.mask[64:192, 64:192] - crop.image[64:192, 64:192, 0]).max() < 1e-6


def test_hyperswaps_colours_are_centred_around_zero(folder, picture, faces):
    swapper = _open(folder, "hyperswap_1a_256")
    crop = cut_face(picture, faces[0], swapper, "Bilinear")
    image = swapper.swap([crop], [swapper.prepare(picture, faces[0])], 1.0)[0].image
    tint = image - crop.image / 2
    assert np.ptp(tint, axis=(0, 1)).max() < 1e-5 and tint.min() >= -1e-6 and tint.max() <= 0.5 + 1e-6


def test_without_an_own_mask_it_is_the_faces_outline_or_where_faces_lie(folder, astronaut, pool):
    swapper = _open(folder, "hyperswap_1a_256", file="maskless.onnx")
    face = pool.open("detector", "builtin").detect(astronaut)[0]
    masks = []
    for target in (face, replace(face, mesh=None)):
        crop = cut_face(astronaut, target, swapper, "Bilinear")
        masks.append(swapper.swap([crop], [Donor(target, embedding=_unit(_noise(0, 512)))], 1.0)[0].mask)
    outline, oval = masks
    assert np.array_equal(oval, oval_mask(templates.ARCFACE_128, 256))
    landmarks = (swapper.place(face).matrix[:, :2] @ face.landmarks.T).T + swapper.place(face).matrix[:, 2]
    for mask in masks:
        assert mask[0].max() == mask[-1].max() == mask[:, 0].max() == mask[:, -1].max() == 0
        assert all(mask[round(y), round(x)] > 0.95 for x, y in landmarks)
    assert 0.3 < outline.mean() < oval.mean() < 0.7


@pytest.mark.parametrize("file", ["reswapper_256.onnx", "w600k_r50.onnx"])
def test_a_model_of_another_form_is_a_damaged_one(folder, file):
    with pytest.raises(DamagedModelError, match=rf"{file}.*expected one that takes a face of 3×128×128"):
        _open(folder, "inswapper_128", file=file)


def test_a_swapper_without_its_table_is_a_damaged_one(folder, picture, faces):
    with pytest.raises(DamagedModelError, match="holds no table"):
        _open(folder, "reswapper_256", file="maskless.onnx").prepare(picture, faces[0])


def test_a_donor_of_another_engine_is_refused(folder):
    crop = _crops(1)[0]
    with pytest.raises(SettingsError, match="prepared by another engine"):
        _swapper(folder, _Embedder()).swap([crop], [Donor(crop.face)], 1.0)


def test_its_sessions_are_the_swapper_and_arcface(folder):
    assert [session.path.name for session in _open(folder, "inswapper_128").sessions] == [
        "inswapper_128.onnx",
        "w600k_r50.onnx",
    ]


def test_arcface_embeds_many_faces_as_it_embeds_each(folder, picture, faces):
    arcface = ArcFace(Session(folder / "w600k_r50.onnx"), "w600k_r50")
    assert arcface.embed(picture, []) == []
    together = arcface.embed(picture, faces)
    assert [(one.vector.shape, one.model) for one in together] == [((512,), "w600k_r50")] * 2
    for face, one in zip(faces, together, strict=True):
        assert np.abs(arcface.embed(picture, [face])[0].vector - one.vector).max() < 1e-5

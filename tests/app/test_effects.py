"""Every setting of a swap or a restoration with every kind of engine: pixels change, or the report says why not."""

from __future__ import annotations

import numpy as np
import pytest
import standins
from clipmaking import EXAMPLES
from doors import probe
from multifaceswap import Session
from multifaceswap.app import settings
from multifaceswap.app.effects import Case, only_for, without_effect
from multifaceswap.models.occluders.builtin import BuiltinParser
from multifaceswap.pipeline.geometry import align
from multifaceswap.pipeline.templates import FFHQ_512
from multifaceswap.pipeline.types import CropSpec
from PIL import Image

SHARED = "GPEN-BFR-512.onnx"
"""A restorer whose weight is the restored face's share."""
ENGINES = ("mesh", "inswapper_128", "hyperswap_1a_256")


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """The built-in engine beside stand-ins of one that brings a table and one that brings a mask."""
    folder = tmp_path_factory.mktemp("models")
    standins.swapper(folder / "inswapper_128.onnx")
    standins.swapper(folder / "hyperswap_1a_256.onnx", size=256, mean=0.5, std=0.5, mask=True)
    standins.pooled(folder / "w600k_r50.onnx", scale=40)
    standins.restorer(folder / "GPEN-BFR-512.onnx")
    standins.restorer(folder / "codeformer.onnx", weight="double")
    standins.live_portrait(folder)
    return Session([folder], "cpu")


@pytest.fixture(scope="module")
def picture():
    return np.asarray(Image.open(EXAMPLES / "pair.jpg").convert("RGB").resize((302, 160)))


@pytest.fixture(scope="module")
def people(session, picture):
    return session.order(session.detect([picture]), detection_face_order="left-right")


class HalfSeen:
    """A parser that sees the left half of every face."""

    needs_mesh, rim = False, 0.0

    def place(self, face):
        return align(face, CropSpec(FFHQ_512, 256))

    def parse(self, crops):
        return [np.hstack([np.ones(c.image.shape[:2], np.float32)[:, ::2], c.image[:, ::2, 0] * 0]) for c in crops]


def images(result):
    return np.asarray(result.images[0])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", list(settings.SETTINGS["swap"]))
def test_a_swap(session, picture, people, monkeypatch, name, engine):
    builtin = BuiltinParser()
    monkeypatch.setattr(
        type(session.models), "parser", lambda self, model: builtin if model == "builtin" else HalfSeen()
    )
    monkeypatch.setattr(type(session.models), "require", lambda self, models: None)
    monkeypatch.setattr("multifaceswap.app.session.model_lines", lambda models, choices: [])
    index_map = session.map(people, people, "0", "1")
    base = {"swap_model": engine, **({"face_restore": SHARED} if name == "face_restore_weight" else {})}
    value = ENGINES[ENGINES.index(engine) - 1] if name == "swap_model" else probe(settings.SETTINGS["swap"][name])
    plain = session.swap([picture], [picture], index_map, **base)
    other = session.swap([picture], [picture], index_map, **{**base, name: value})
    told = [line for line in other.report if f"{name} " in line and "has no effect" in line]
    changed = bool((images(plain) != images(other)).any())
    assert changed != bool(told), (changed, told)
    assert not [line for line in plain.report if "has no effect" in line]


@pytest.mark.parametrize(
    "name", ["face_restore_weight", "visibility", "colour_correct", "interpolation", "face_restore"]
)
def test_a_restoration(session, picture, people, name):
    base = {"face_restore": "codeformer.onnx" if name == "face_restore" else SHARED}
    plain = session.restore([picture], people, **base)
    other = session.restore([picture], people, **{**base, name: probe(settings.SETTINGS["restore"][name])})
    assert (images(plain) != images(other)).any() and not [line for line in other.report if "no effect" in line]


@pytest.mark.parametrize("alignment", ["ffhq", "upright"])
@pytest.mark.parametrize("name", list(settings.SETTINGS["crop"]))
def test_a_crop(session, picture, people, name, alignment):
    base = {} if name == "alignment" else {"alignment": alignment}
    plain = session.crop([picture], people, **base)
    other = session.crop([picture], people, **{**base, name: probe(settings.SETTINGS["crop"][name])})
    told = [line for line in other.report if f"{name} " in line and "has no effect" in line]
    changed = plain.images.shape != other.images.shape or bool((plain.images != other.images).any())
    assert changed != bool(told), (changed, told)


@pytest.mark.parametrize("name", list(settings.SETTINGS["paste"]))
def test_a_paste(session, picture, people, name):
    made = session.crop([picture], people)
    work = [picture], 1 - made.images, made.crops
    plain = session.paste(*work)
    other = session.paste(*work, **{name: probe(settings.SETTINGS["paste"][name])})
    assert (images(plain) != images(other)).any() and not [line for line in other.report if "no effect" in line]


@pytest.mark.parametrize(
    ("engine", "boost", "told"),
    [
        ("mesh", "256", "pixel_boost 256 has no effect: mesh has no pixel boost"),
        ("inswapper_128", "256", None),
        ("reswapper_256", "256", "pixel_boost 256 has no effect: reswapper_256 makes faces of 256 pixels by itself"),
        ("hyperswap_1a_256", "512", None),
    ],
)
def test_a_pixel_boost_that_is_not_larger_is_reported(engine, boost, told):
    values = settings.checked({"swap_model": engine, "pixel_boost": boost}, "swap")
    assert without_effect(values, "swap", Case()) == ((told,) if told else ())


def test_what_other_targets_have_no_use_for_is_said():
    values = settings.checked({"max_gap": 9, "strength": 0.5, "track": False}, "clip")
    assert only_for(values, "clip", "pictures", "picture", "file") == (
        "track off has no effect on pictures",
        "max_gap 9 has no effect on pictures",
    )
    lossless = settings.checked({"image_quality": 50}, "file")
    assert without_effect(lossless, "file", Case(image_format="png")) == (
        "image_quality 50 has no effect: png is lossless",
    )
    assert without_effect(lossless, "file", Case(image_format="jpeg")) == ()


def test_nothing_is_said_of_defaults():
    for scope in settings.SCOPES:
        assert without_effect(settings.checked({}, scope), scope, Case()) == ()

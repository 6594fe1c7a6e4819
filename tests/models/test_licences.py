from __future__ import annotations

import pytest
import standins
from multifaceswap import Session, open_model
from multifaceswap.app.settings import licence_of
from multifaceswap.models import catalog
from multifaceswap.models.licences import is_permissive
from multifaceswap.pipeline.errors import SettingsError

RESERVED = ("non-commercial", "NC", "GPL", "RAIL", "not known", "see http", "research", "(code")


@pytest.mark.parametrize("model", catalog.MODELS, ids=lambda model: f"{model.kind}-{model.name}")
def test_permissive_is_what_no_file_has_a_reservation_against(model):
    reserved = any(word in file.licence for file in model.files for word in RESERVED)
    assert is_permissive(model) == (not reserved)


def test_what_is_built_in_is_permissive():
    assert all(is_permissive(model) for model in catalog.MODELS if model.built_in)


@pytest.mark.parametrize(
    ("chosen", "environment", "licence"),
    [
        (None, None, "any"),
        ("any", "", "any"),
        ("permissive", None, "permissive"),
        ("any", "permissive", "permissive"),
        (None, "permissive", "permissive"),
    ],
)
def test_setting_or_environment_ask_for_it(monkeypatch, chosen, environment, licence):
    monkeypatch.delenv("MULTIFACESWAP_LICENCE", raising=False)
    if environment is not None:
        monkeypatch.setenv("MULTIFACESWAP_LICENCE", environment)
    assert licence_of(chosen) == licence


def test_another_word_is_refused(monkeypatch):
    monkeypatch.setenv("MULTIFACESWAP_LICENCE", "free")
    with pytest.raises(SettingsError, match="licence: expected one of any, permissive, got 'free'"):
        Session()


@pytest.mark.parametrize(
    ("scope", "settings", "reason"),
    [
        ("swap", {"swap_model": "inswapper_128"}, r"inswapper_128 \(inswapper_128\.onnx: InsightFace"),
        ("swap", {"swap_model": "ghost_1_256"}, r"ghost_1_256 \(ghost_1_256\.onnx: Apache-2\.0 \(trained"),
        ("swap", {"parse_mask": True}, "bisenet"),
        ("swap", {"occluder": "xseg_1"}, "xseg_1"),
        ("swap", {"face_restore": "GFPGANv1.4.pth"}, "GFPGANv1"),
        ("picture", {"facedetection": "scrfd_10g"}, "scrfd_10g"),
        ("clip", {"embedder": "w600k_r50"}, "w600k_r50"),
        ("detect", {"facedetection": "YOLOv5n"}, "YOLOv5n"),
        ("restore", {}, "codeformer"),
        ("restore", {"face_restore": "mine.onnx"}, r"mine\.onnx \(mine\.onnx: not known\)"),
    ],
)
def test_all_others_are_refused_before_any_work(tmp_path, scope, settings, reason):
    standins.restorer(tmp_path / "facerestore_models" / "mine.onnx")
    with (
        Session(tmp_path, licence="permissive") as session,
        pytest.raises(SettingsError, match=f"licence: permissive leaves out {reason}"),
    ):
        session.plan(scope, settings)


def test_what_remains_does_the_work(tmp_path, astronaut):
    with Session(tmp_path, licence="permissive") as session:
        faces = session.detect([astronaut], gender=True, identity=True)
        made = session.swap([astronaut], [astronaut], session.map(faces, faces), face_restore="sharpen")
        assert made.faces.count == 1
        assert not any("non-commercial" in line for line in made.report)


@pytest.mark.parametrize(
    ("kind", "name"),
    [("swapper", "uniface_256"), ("restorer", "mine.onnx"), ("parser", "xseg_3"), ("detector", "yoloface_8n")],
)
def test_a_model_by_itself_is_refused_too(tmp_path, monkeypatch, kind, name):
    standins.restorer(tmp_path / "facerestore_models" / "mine.onnx")
    monkeypatch.setenv("MULTIFACESWAP_LICENCE", "permissive")
    with pytest.raises(SettingsError, match=f"licence: permissive leaves out {name}"):
        open_model(kind, name, folders=tmp_path)
    assert open_model("restorer", "sharpen", folders=tmp_path).sessions == ()

from __future__ import annotations

import re
from importlib import import_module
from urllib.parse import urlparse

import pytest
from multifaceswap.models import catalog
from multifaceswap.models.store import BUILTIN_PATH
from multifaceswap.pipeline.errors import SettingsError

FILES = list(dict.fromkeys(file for model in catalog.MODELS for file in model.files))
PLACES = {
    "huggingface.co": "/resolve/main/",
    "github.com": "/releases/download/",
    "media.githubusercontent.com": "/[0-9a-f]{40}/",
}
"""Where files are fetched from, and what their addresses must say: from GitHub's trees, the commit."""
PUBLISHED = [file for file in FILES if not file.built_in]


def test_the_designs_names_are_all_there():
    assert catalog.names("detector") == (
        "builtin",
        "retinaface_resnet50",
        "retinaface_mobile0.25",
        "YOLOv5l",
        "YOLOv5n",
        "scrfd_10g",
        "scrfd_2.5g",
        "yunet_2023",
        "yunet_2026",
        "yoloface_8n",
    )
    assert {"mesh", "inswapper_128", "reswapper_128", "reswapper_256", "hyperswap_1a_256"} <= {
        *catalog.names("swapper")
    }
    assert {"codeformer-v0.1.0.pth", "GFPGANv1.4.pth", "GFPGANv1.3.pth"} <= {*catalog.names("restorer")}
    assert catalog.names("embedder") == ("dlib128", "w600k_r50")
    assert catalog.names("attributes") == ("dlib_gender", "genderage", "fairface")
    assert catalog.names("landmarker") == ("hrffa_vitt", "hrffa_hg0", "2dfan4")
    assert catalog.names("parser") == (
        "builtin",
        "bisenet",
        "bisenet_resnet_18",
        "bisenet_resnet_34",
        "xseg_1",
        "xseg_2",
        "xseg_3",
    )


def test_names_are_told_apart():
    keys = [(model.kind, model.name) for model in catalog.MODELS]
    assert len({*keys}) == len(keys)
    assert {model.kind for model in catalog.MODELS} == {*catalog.KINDS}


@pytest.mark.parametrize("model", catalog.MODELS, ids=lambda model: f"{model.kind}-{model.name}")
def test_adapters_exist(model):
    module, _, attribute = model.adapter.partition(":")
    assert callable(getattr(import_module(f"multifaceswap.models.{module}"), attribute))
    assert model.files or (model.kind, model.name) in {("parser", "builtin"), ("restorer", "sharpen")}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_hashes_and_sizes_are_well_formed(file):
    assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in file.sha256)
    assert all(size > 1000 for size in file.sizes)
    assert all(re.fullmatch(r"[0-9a-f]{8}", digest) for digest in file.crc32)
    assert len(file.sizes) in (0, len(file.sha256) or 1)
    assert not (file.sha256 and file.crc32)
    assert file.licence


@pytest.mark.parametrize("file", PUBLISHED, ids=lambda file: file.name)
def test_published_files_can_be_fetched_and_found(file):
    assert file.urls and file.folders
    for url in file.urls:
        parts = urlparse(url)
        assert parts.scheme == "https" and parts.netloc in PLACES
        assert parts.path.rpartition("/")[2] in file.names
        assert not file.crc32_urls or url.replace(".onnx", ".hash") in file.crc32_urls
        assert re.search(PLACES[parts.netloc], parts.path)
    known = {"insightface", "reswapper", "hyperswap", "facefusion", "facerestore_models", "facedetection", "facexlib"}
    assert {folder.partition("/")[0] for folder in file.folders} <= known


def test_shipped_files_are_there():
    assert {file.name for file in FILES if file.built_in} <= {path.name for path in BUILTIN_PATH.iterdir()}


def test_unknown_names_list_the_known_ones():
    with pytest.raises(SettingsError, match=r"detector: expected one of builtin, .*yoloface_8n, got 'yolov8'"):
        catalog.find("detector", "yolov8")
    with pytest.raises(SettingsError, match="embedder: expected one of dlib128, w600k_r50, got 'mesh'"):
        catalog.find("embedder", "mesh")

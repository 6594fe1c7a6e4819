"""The neural swappers, a row each. Those that FaceFusion publishes: its `processors/modules/face_swapper/core.py`."""

from __future__ import annotations

from typing import Final, Literal

from ..facefusion import facefusion_file
from ..insightface import LICENCE as INSIGHTFACE
from ..insightface import W600K_R50
from ..spec import IMAGENET, SIGNED, UNIT, Alignment, Model, ModelFile, Normalisation, Speed, SwapperParams

_ADAPTER = "swappers.adapters:neural"
_OPTIONS = ("pixel_boost",)
_IDENTITY_OPTIONS = (*_OPTIONS, "average")
_REACTOR = "https://huggingface.co/datasets/Gourieff/ReActor/resolve/main/models"
_RESWAPPER = "see https://github.com/somanchiu/ReSwapper"
_GHOST_LICENCE = "Apache-2.0 (trained on VGGFace2, research data)"
_CONVERTER = "OpenRAIL-MS"

INSWAPPER_128: Final = ModelFile(
    "inswapper_128.onnx",
    ("insightface",),
    (
        "e4a3f08c753cb72d04e10aa0f7dbe3deebbf39567d4ead6dce08e98aa49e16af",
        "a290273ed497312095dac48cdef20feec9d5208298223dd01288ab202b54bea7",
    ),
    (554_253_681, 555_303_150),
    (
        f"{_REACTOR}/inswapper_128.onnx",
        "https://huggingface.co/facefusion/models-3.0.0/resolve/main/inswapper_128.onnx",
    ),
    INSIGHTFACE,
)
_INSWAPPER_128_FP16 = facefusion_file(
    "inswapper_128_fp16",
    "3.0.0",
    INSIGHTFACE,
    sha256="c4eccca86ad177586c85c28bf1a64a9d9ed237e283a15818d831f7facfd3f420",
    size=277_680_829,
    folder="insightface",
)
_RESWAPPER_128 = ModelFile(
    "reswapper_128.onnx",
    ("reswapper",),
    ("744eaa30a6a3bdeb693c3c127b2c9ce6f2ea763f245b92ea71ea98b3a38b0fec",),
    urls=(f"{_REACTOR}/reswapper_128.onnx",),
    licence=_RESWAPPER,
)
_RESWAPPER_256 = ModelFile(
    "reswapper_256.onnx",
    ("reswapper",),
    ("42351d48d8cede1da70e3ea9f552613ead95f3e7ad977c60862ca0a3905eca9e",),
    urls=(f"{_REACTOR}/reswapper_256.onnx",),
    licence=_RESWAPPER,
)


def _hyperswap(letter: str, sha256: str) -> ModelFile:
    name = f"hyperswap_1{letter}_256"
    return facefusion_file(name, "3.3.0", "ResearchRAIL", sha256=sha256, size=402_742_682, folder="hyperswap")


def _converter(family: str, sha256: str = "", crc32: str = "") -> ModelFile:
    name = f"crossface_{family}"
    return facefusion_file(name, "3.4.0", _CONVERTER, sha256=sha256, size=22_083_800, crc32=crc32)


_TO_GHOST = _converter("ghost", crc32="6cabb296")
_TO_SIMSWAP = _converter("simswap", "6452a261ec30cc30afdbe4a426d82c3b10a476f2df794e3494071c02574e6829")
_TO_HIFIFACE = _converter("hififace", "dfb75f960cb8ef1967a82838e64963b9ff621c4af3e22f9fda48ad958dddec9a")


_ARCFACE_256 = Alignment("arcface_128", 256)
_ARCFACE_V1_256 = Alignment("arcface_112_v1", 256)
_FFHQ_256 = Alignment("ffhq_512", 256)


def _row(family: str, speed: Speed, file: ModelFile, known: SwapperParams, *converters: ModelFile) -> Model:
    files = (file, *((W600K_R50,) if known.embedder else ()), *converters)
    return Model(file.name.removesuffix(".onnx"), "swapper", _ADAPTER, files, known, family, speed)


def _identity(
    crop: Alignment, takes: Normalisation, gives: Normalisation, identity: Literal["unit", "mapped", "as it is"]
) -> SwapperParams:
    return SwapperParams(_IDENTITY_OPTIONS, crop, takes, gives, identity, "w600k_r50")


def _mapped(size: int) -> SwapperParams:
    """InsightFace's: an identity that a table in the file leads to the network's space."""
    return _identity(Alignment("arcface_128", size), UNIT, UNIT, "mapped")


_HYPERSWAP = _identity(_ARCFACE_256, SIGNED, SIGNED, "unit")
_GHOST = _identity(_ARCFACE_V1_256, SIGNED, SIGNED, "as it is")

SWAPPERS: Final = (
    _row("InSwapper", "fast", INSWAPPER_128, _mapped(128)),
    _row("InSwapper", "fast", _INSWAPPER_128_FP16, _mapped(128)),
    _row("ReSwapper", "fast", _RESWAPPER_128, _mapped(128)),
    _row("ReSwapper", "fast", _RESWAPPER_256, _mapped(256)),
    _row(
        "HyperSwap",
        "fast",
        _hyperswap("a", "c0e98a8a03a238f461ed3d2570e426b49f46745ee400854a60dceeb70c246add"),
        _HYPERSWAP,
    ),
    _row(
        "HyperSwap",
        "fast",
        _hyperswap("b", "5124031789c42f71b9558fb71954ef7aedb6da7ed9fac79293e23c61a792a73e"),
        _HYPERSWAP,
    ),
    _row(
        "HyperSwap",
        "fast",
        _hyperswap("c", "5528c2d76fe9986c99d829278987ef9f3a630cb606db7628d02b57b330f406a5"),
        _HYPERSWAP,
    ),
    _row(
        "GHOST",
        "fast",
        facefusion_file("ghost_1_256", "3.0.0", _GHOST_LICENCE, size=514_902_950, crc32="53447f7f"),
        _GHOST,
        _TO_GHOST,
    ),
    _row("GHOST", "fast", facefusion_file("ghost_2_256", "3.0.0", _GHOST_LICENCE), _GHOST, _TO_GHOST),
    _row("GHOST", "fast", facefusion_file("ghost_3_256", "3.0.0", _GHOST_LICENCE), _GHOST, _TO_GHOST),
    _row(
        "SimSwap",
        "fast",
        facefusion_file(
            "simswap_256",
            "3.0.0",
            "CC BY-NC 4.0",
            sha256="5b6374b2ffab838588d4f0c32dc7ed5bb8d99237d755a663ed02ee265a1714fb",
            size=220_368_724,
        ),
        _identity(_ARCFACE_V1_256, IMAGENET, UNIT, "unit"),
        _TO_SIMSWAP,
    ),
    _row(
        "SimSwap",
        "medium",
        facefusion_file(
            "simswap_unofficial_512",
            "3.0.0",
            "CC BY-NC 4.0",
            sha256="fe805d1ce7d9e66322e2a8811f593a821e7d92f9ff861dd233794bdb2bb7a586",
            size=239_249_034,
        ),
        _identity(Alignment("arcface_112_v1", 512), UNIT, UNIT, "unit"),
        _TO_SIMSWAP,
    ),
    _row(
        "HiFiFace",
        "fast",
        facefusion_file(
            "hififace_unofficial_256",
            "3.1.0",
            "not known",
            sha256="9de9751617976195114d7f067b9b6cf933748363355cf473cab2da57a739c2ef",
            size=203_784_742,
        ),
        _identity(Alignment("mtcnn_512", 256), SIGNED, SIGNED, "unit"),
        _TO_HIFIFACE,
    ),
    _row(
        "UniFace",
        "slow",
        facefusion_file(
            "uniface_256",
            "3.0.0",
            "not known",
            sha256="eb5ce2af024cddf88ecb93b24e29a6eb44e354aba7d3319e84d29dcd868820f3",
            size=406_964_143,
        ),
        SwapperParams(_OPTIONS, _FFHQ_256, SIGNED, SIGNED, donor=_FFHQ_256),
    ),
    _row(
        "BlendSwap",
        "medium",
        facefusion_file("blendswap_256", "3.0.0", "CC BY-NC-SA 4.0", size=1_661_432_957),
        SwapperParams(_OPTIONS, _FFHQ_256, UNIT, UNIT, donor=Alignment("arcface_112_v2", 112)),
    ),
    _row(
        "AlphaFace",
        "medium",
        facefusion_file(
            "alphaface_256",
            "3.9.0",
            "MIT (its project; FaceFusion: non-commercial)",
            sha256="efcca3ffa1c28b75a007f689b39f7d4716c02810e7fa72d892e175f0b058a2e2",
            size=555_624_110,
        ),
        _identity(_ARCFACE_256, UNIT, UNIT, "as it is"),
    ),
)

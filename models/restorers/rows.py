"""The published restorers, a row each."""

from __future__ import annotations

from typing import Final

from ..facefusion import facefusion_file
from ..spec import Model, ModelFile, Speed

FOLDER: Final = "facerestore_models"
"""The ComfyUI folder in which artists keep restorers."""
ADAPTER: Final = "restorers.adapters:restorer"
SHARPEN: Final = "sharpen"
_GFPGAN = "https://github.com/TencentARC/GFPGAN/releases/download"
_REACTOR = "https://huggingface.co/datasets/Gourieff/ReActor/resolve/main/models/facerestore_models"
_GFPGAN_LICENCE = "Apache-2.0, parts non-commercial: see https://github.com/TencentARC/GFPGAN"
_CODEFORMER_LICENCE = "S-Lab License 1.0, non-commercial"
_GPEN_LICENCE = "non-commercial: see https://github.com/yangxy/GPEN"


def _gfpgan(version: str, sha256: str, *releases: str) -> ModelFile:
    name = f"GFPGANv{version}.pth"
    urls = tuple(f"{_GFPGAN}/{release}/{name}" for release in releases)
    return ModelFile(name, (FOLDER,), (sha256,), (348_632_874,), urls, _GFPGAN_LICENCE)


def _gpen(side: int, sha256: str, exported: str) -> ModelFile:
    """The network as two projects exported it."""
    name, other = f"GPEN-BFR-{side}.onnx", f"gpen_bfr_{side}.onnx"
    urls = (f"{_REACTOR}/{name}", f"https://huggingface.co/facefusion/models-3.0.0/resolve/main/{other}")
    return ModelFile(name, (FOLDER,), (sha256, exported), urls=urls, licence=_GPEN_LICENCE, aliases=(other,))


_CODEFORMER = ModelFile(
    "codeformer-v0.1.0.pth",
    (FOLDER,),
    ("1009e537e0c2a07d4cabce6355f53cb66767cd4b4297ec7a4a64ca4b8a5684b7",),
    (376_637_898,),
    ("https://github.com/sczhou/CodeFormer/releases/download/v0.1.0/codeformer.pth",),
    _CODEFORMER_LICENCE,
    ("codeformer.pth",),
)
_RESTOREFORMER_PP = ModelFile(
    "RestoreFormer_PP.onnx",
    (FOLDER,),
    urls=(f"{_REACTOR}/RestoreFormer_PP.onnx",),
    licence="Apache-2.0",
    aliases=("restoreformer_plus_plus.onnx",),
)


def _row(family: str, speed: Speed, file: ModelFile) -> Model:
    return Model(file.name, "restorer", ADAPTER, (file,), family=family, speed=speed)


RESTORERS: Final = (
    _row("CodeFormer", "medium", _CODEFORMER),
    _row(
        "GFPGAN",
        "medium",
        _gfpgan("1.4", "e2cd4703ab14f4d01fd1383a8a8b266f9a5833dacee8e6a79d3bf21a1b6be5ad", "v1.3.0", "v1.3.4"),
    ),
    _row(
        "GFPGAN",
        "medium",
        _gfpgan("1.3", "c953a88f2727c85c3d9ae72e2bd4846bbaf59fe6972ad94130e23e7017524a70", "v1.3.0"),
    ),
    _row(
        "GPEN",
        "medium",
        _gpen(
            512,
            "bf80acb8e91ba8852e3f012505be2c3b6cd6b3eed5ec605e3db87863c4e74d4e",
            "d5f066b9068a8b74217f9712e28e875a6144629b108a6f7355acbdb3a2832c54",
        ),
    ),
    _row(
        "GPEN",
        "slow",
        _gpen(
            1024,
            "cec8892093d7b99828acde97bf231fb0964d3fb11b43f3b0951e36ef1e192a3e",
            "bcd31aa52110a2005efc96abbab4546d57e42482648f08715b552423d96b381b",
        ),
    ),
    _row(
        "GPEN",
        "slow",
        _gpen(
            2048,
            "d0229ff43f979c360bd19daa9cd0ce893722d59f41a41822b9223ebbe4f89b3e",
            "66d12a637118d71b00f5a290b8dac13c81c1c0326a127a1978799c6e17bb8d1f",
        ),
    ),
    _row("RestoreFormer", "slow", _RESTOREFORMER_PP),
    _row(
        "GPEN",
        "fast",
        facefusion_file(
            "gpen_bfr_256",
            "3.0.0",
            _GPEN_LICENCE,
            sha256="bad8bf0426873828df2dbf4e3b3d9ababba9da7965b8b72426569486f7ae5c25",
            size=75_792_988,
            folder=FOLDER,
        ),
    ),
    _row(
        "GFPGAN",
        "medium",
        facefusion_file(
            "gfpgan_1.4",
            "3.0.0",
            _GFPGAN_LICENCE,
            sha256="accc4757b26bdb89b32b4d3500d4f79c9dff97c1dd7c7104bf9dcb95e3311385",
            size=340_299_087,
            folder=FOLDER,
        ),
    ),
    _row(
        "CodeFormer",
        "medium",
        facefusion_file(
            "codeformer",
            "3.0.0",
            _CODEFORMER_LICENCE,
            sha256="21710e7ab61c82683576c428e9c1b6fe1ed419586b7b39e394c3449c294b550f",
            size=376_951_650,
            folder=FOLDER,
        ),
    ),
    Model(SHARPEN, "restorer", "restorers.adapters:sharpen", (), family="sharpening without a network"),
)
FILES: Final = tuple(file for model in RESTORERS for file in model.files)

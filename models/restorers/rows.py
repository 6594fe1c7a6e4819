"""The published restorers, a row each."""

from __future__ import annotations

from typing import Final

from ..spec import Model, ModelFile

FOLDER: Final = "facerestore_models"
"""The ComfyUI folder in which artists keep restorers."""
ADAPTER: Final = "restorers.adapters:restorer"
_GFPGAN = "https://github.com/TencentARC/GFPGAN/releases/download"
_REACTOR = "https://huggingface.co/datasets/Gourieff/ReActor/resolve/main/models/facerestore_models"
_GFPGAN_LICENCE = "Apache-2.0, parts non-commercial: see https://github.com/TencentARC/GFPGAN"
_GPEN_LICENCE = "non-commercial: see https://github.com/yangxy/GPEN"


def _gfpgan(version: str, sha256: str, *releases: str) -> ModelFile:
    name = f"GFPGANv{version}.pth"
    urls = tuple(f"{_GFPGAN}/{release}/{name}" for release in releases)
    return ModelFile(name, (FOLDER,), (sha256,), (348_632_874,), urls, _GFPGAN_LICENCE)


def _gpen(side: int, sha256: str) -> ModelFile:
    name = f"GPEN-BFR-{side}.onnx"
    return ModelFile(name, (FOLDER,), (sha256,), urls=(f"{_REACTOR}/{name}",), licence=_GPEN_LICENCE)


FILES: Final = (
    ModelFile(
        "codeformer-v0.1.0.pth",
        (FOLDER,),
        ("1009e537e0c2a07d4cabce6355f53cb66767cd4b4297ec7a4a64ca4b8a5684b7",),
        (376_637_898,),
        ("https://github.com/sczhou/CodeFormer/releases/download/v0.1.0/codeformer.pth",),
        "S-Lab License 1.0, non-commercial",
        ("codeformer.pth",),
    ),
    _gfpgan("1.4", "e2cd4703ab14f4d01fd1383a8a8b266f9a5833dacee8e6a79d3bf21a1b6be5ad", "v1.3.0", "v1.3.4"),
    _gfpgan("1.3", "c953a88f2727c85c3d9ae72e2bd4846bbaf59fe6972ad94130e23e7017524a70", "v1.3.0"),
    _gpen(512, "bf80acb8e91ba8852e3f012505be2c3b6cd6b3eed5ec605e3db87863c4e74d4e"),
    _gpen(1024, "cec8892093d7b99828acde97bf231fb0964d3fb11b43f3b0951e36ef1e192a3e"),
    _gpen(2048, "d0229ff43f979c360bd19daa9cd0ce893722d59f41a41822b9223ebbe4f89b3e"),
    ModelFile(
        "RestoreFormer_PP.onnx",
        (FOLDER,),
        urls=(f"{_REACTOR}/RestoreFormer_PP.onnx",),
        licence="Apache-2.0",
        aliases=("restoreformer_plus_plus.onnx",),
    ),
)
RESTORERS: Final = tuple(Model(file.name, "restorer", ADAPTER, (file,)) for file in FILES)

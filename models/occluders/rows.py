"""What tells faces from what lies before them, a row each."""

from __future__ import annotations

from typing import Final

from ..facefusion import facefusion_file
from ..spec import Model, ModelFile, Speed

_BISENET = ModelFile(
    "parsing_bisenet.pth",
    ("facedetection", "facexlib"),
    ("468e13ca13a9b43cc0881a9f99083a430e9c0a38abd935431d1c28ee94b26567",),
    (53_289_463,),
    urls=("https://github.com/xinntao/facexlib/releases/download/v0.2.0/parsing_bisenet.pth",),
    licence="MIT (code; trained on CelebAMask-HQ, non-commercial)",
)


def _xseg(number: int, tag: str, sha256: str, size: int) -> Model:
    file = facefusion_file(f"xseg_{number}", tag, "GPL-3.0 (DeepFaceLab; origin not proven)", sha256=sha256, size=size)
    return Model(f"xseg_{number}", "parser", "occluders.adapters:xseg", (file,), family="XSeg")


def _bisenet(layers: int, tag: str, sha256: str, size: int, speed: Speed) -> Model:
    licence = "MIT (code; trained on CelebAMask-HQ, non-commercial)"
    file = facefusion_file(f"bisenet_resnet_{layers}", tag, licence, sha256=sha256, size=size)
    name = f"bisenet_resnet_{layers}"
    return Model(name, "parser", "occluders.adapters:bisenet", (file,), family="BiSeNet", speed=speed)


PARSERS: Final = (
    Model("builtin", "parser", "occluders.adapters:builtin", (), family="mesh and colours"),
    Model("bisenet", "parser", "occluders.adapters:bisenet", (_BISENET,), family="BiSeNet", speed="medium"),
    _bisenet(18, "3.1.0", "2218b6183c26ca5c83303232d682a536c670c13ea9695f716c777d1f244eefe9", 53_205_356, "medium"),
    _bisenet(34, "3.0.0", "4a0b8c958a3c938913bd06a8365dbb3c8761afba6ecbf0d14b3b1f77eb230c96", 93_632_546, "slow"),
    _xseg(1, "3.1.0", "c4d1498b8a03b5fe2a3a5d2ef2a0402ab03bd51edaf5b2d8d5fb764702a97dd3", 70_324_286),
    _xseg(2, "3.1.0", "cd9a0879eaf43841d765472cf1f8c330dbf9dcb03da0eace93e95f3bcc399042", 70_324_286),
    _xseg(3, "3.2.0", "48ccd7e8541e159a5a754ec9e62df2f12065f7df8f9af842c1750342c6533559", 70_327_709),
)

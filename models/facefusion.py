"""Where FaceFusion publishes its files: on GitHub and on Hugging Face, each with its CRC32 beside it."""

from __future__ import annotations

from typing import Final

from .spec import ModelFile

FOLDER: Final = "facefusion"
"""The ComfyUI folder for them."""


def facefusion_file(
    name: str,
    tag: str,
    licence: str,
    *,
    sha256: str = "",
    size: int = 0,
    crc32: str = "",
    folder: str = FOLDER,
) -> ModelFile:
    """A file `NAME.onnx` of their release `models-TAG`; what isn't public is left empty."""
    places = (
        f"https://huggingface.co/facefusion/models-{tag}/resolve/main/{name}",
        f"https://github.com/facefusion/facefusion-assets/releases/download/models-{tag}/{name}",
    )
    return ModelFile(
        f"{name}.onnx",
        (folder,),
        (sha256,) if sha256 else (),
        (size,) if size else (),
        tuple(f"{place}.onnx" for place in places),
        licence,
        crc32=(crc32,) if crc32 else (),
        crc32_urls=tuple(f"{place}.hash" for place in places),
    )

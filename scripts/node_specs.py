"""What the nodes look like: this pack's from their schemas, ComfyUI's own as its 0.8 and later releases have them."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from pathlib import Path
from typing import Any

from workflow_file import Socket, Spec

ROOT = Path(__file__).resolve().parent.parent
PACK = "multifaceswap"
_IMAGE, _VIDEO, _FILE = Socket("images", "IMAGE"), Socket("VIDEO", "VIDEO"), Socket("filename_prefix", "STRING")
_ANY, _COMBO, _TEXT = Socket("source", "*"), "COMBO", Socket("STRING", "STRING")
_BATCHED = [Socket(f"images.image{number}", "IMAGE") for number in range(3)]
CORE = {
    "SaveImage": Spec([_IMAGE], [_FILE], [], "comfy-core", previews=True),
    "PreviewAny": Spec([_ANY], [], [_TEXT], "comfy-core", previews=True),
    "BatchImagesNode": Spec(_BATCHED, [], [Socket("IMAGE", "IMAGE")], "comfy-core"),
    "ImageScaleBy": Spec(
        [Socket("image", "IMAGE")],
        [Socket("upscale_method", _COMBO), Socket("scale_by", "FLOAT")],
        [Socket("IMAGE", "IMAGE")],
        "comfy-core",
    ),
    "ImageSharpen": Spec(
        [Socket("image", "IMAGE")],
        [Socket("sharpen_radius", "INT"), Socket("sigma", "FLOAT"), Socket("alpha", "FLOAT")],
        [Socket("IMAGE", "IMAGE")],
        "comfy-core",
    ),
    "CreateVideo": Spec([_IMAGE, Socket("audio", "AUDIO")], [Socket("fps", "FLOAT")], [_VIDEO], "comfy-core"),
    "SaveVideo": Spec(
        [Socket("video", "VIDEO")],
        [_FILE, Socket("format", _COMBO), Socket("codec", _COMBO)],
        [],
        "comfy-core",
        previews=True,
    ),
}
CORE_DEFAULTS = {"SaveVideo": {"format": "auto", "codec": "auto"}}
_WIDGETS = {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"}


def load_pack() -> Any:
    """The checkout as the package `multifaceswap`, whatever is installed."""
    spec = importlib.util.spec_from_file_location(PACK, ROOT / "__init__.py", submodule_search_locations=[str(ROOT)])
    if spec is None or spec.loader is None:
        raise ImportError(f"{ROOT} holds no package")
    sys.modules[PACK] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def schemas() -> dict[str, Any]:
    """The schemas of the pack's nodes by node id, without ComfyUI."""
    sys.path.insert(0, str(ROOT / "tests" / "nodes" / "standin"))
    extension = asyncio.run(load_pack().comfy_entrypoint())
    classes = asyncio.run(extension.get_node_list())
    return {schema.node_id: schema for schema in (node_class.GET_SCHEMA() for node_class in classes)}


def spec_of(schema: Any) -> Spec:
    """How ComfyUI's page shows a node of this schema: what is required comes first."""
    ordered = sorted(schema.inputs, key=lambda given: given.optional)
    kinds = [Socket(given.id, given.get_io_type()) for given in ordered]
    return Spec(
        [socket for socket in kinds if socket.kind not in _WIDGETS],
        [socket for socket in kinds if socket.kind in _WIDGETS],
        [Socket(given.id, given.get_io_type()) for given in schema.outputs],
        PACK,
        previews=any(given.id == "preview" for given in schema.outputs),
    )


def defaults_of(schema: Any) -> dict[str, Any]:
    """The settings' defaults by name."""
    return {given.id: given.default for given in schema.inputs if given.get_io_type() in _WIDGETS}

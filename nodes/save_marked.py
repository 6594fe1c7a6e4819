"""SaveMarked: pictures into the output folder, as core's Save Image does it, and marked as made with AI."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import folder_paths
from comfy_api.latest import io

from ..app.settings import SETTINGS
from ..marking.statement import ALL_AI, SYNTHETIC, WITH_AI, Statement
from ..media.picture_formats import FORMATS
from .bridge import frames_of, limits_of
from .host import session
from .inputs import input_of
from .schema import advanced, schema
from .telling import Telling, shown

if TYPE_CHECKING:
    import torch

    from ..media.pictures import Metadata

_EXIF_MODEL: Final = 0x0110
"""Where core has the prompt in what isn't a PNG; it counts down from the tag before for all else."""


class SaveMarked(io.ComfyNode):
    """See the schema's description."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="MFS_SaveMarked",
            display_name="Save Marked Image",
            description="Saves pictures that say of themselves that AI made or changed them: as XMP, by an invisible "
            "watermark in their faces, and signed (C2PA) where signing is set up. The workflow goes along as with Save "
            "Image.",
            search_aliases=["save image", "content credentials", "c2pa", "ai label", "watermark", "metadata"],
            is_output_node=True,
            hidden=[io.Hidden.prompt, io.Hidden.extra_pnginfo],
            inputs=[
                io.Image.Input("image", tooltip="The pictures to save."),
                io.String.Input(
                    "filename_prefix",
                    default="MultiFaceSwap",
                    tooltip="What the files are called, with folders and with %date:yyyy-MM-dd% as in Save Image.",
                ),
                io.Combo.Input("format", options=list(FORMATS), default="png", tooltip="png loses nothing."),
                input_of(SETTINGS["file"]["image_quality"]),
                advanced(
                    io.Combo.Input,
                    "source_type",
                    options=[WITH_AI, ALL_AI, SYNTHETIC],
                    default=WITH_AI,
                    tooltip="How the picture was made, by IPTC's names: in part by AI, all of it by AI, or as a "
                    "composite without a trained network, as mesh makes it.",
                ),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="What was changed: the watermark goes there alone. Without it, faces carry it as a whole.",
                ),
            ],
            outputs=[],
        )

    @classmethod
    def execute(
        cls,
        image: torch.Tensor,
        filename_prefix: str,
        format: str,
        image_quality: int = 95,
        source_type: str = WITH_AI,
        mask: torch.Tensor | None = None,
    ) -> io.NodeOutput:
        from ..app.watermarked import with_watermark
        from ..media.pictures import write_picture

        telling, frames = Telling("saving"), frames_of(image)
        marker = session().marker(Statement(source_type), {"mark": True})
        assert marker is not None
        given, saved, said = _workflow(cls, format), list[dict[str, str]](), list[str]()
        height, width = image.shape[1:3]
        folder, name, number, subfolder, _ = folder_paths.get_save_image_path(
            filename_prefix, folder_paths.get_output_directory(), width, height
        )
        limits = limits_of(mask, frames)
        for index, frame in enumerate(frames):
            picture, notes = with_watermark(session(), frame, None if limits is None else limits[index])
            said += notes if len(frames) == 1 else [f"picture {index}: {note}" for note in notes]
            file = f"{name.replace('%batch_num%', str(index))}_{number + index:05}_{FORMATS[format]}"
            marked = marker.picture(given, file, None)
            said += write_picture(
                os.path.join(folder, file),
                picture,
                image_format=format,
                image_quality=image_quality,
                metadata=marked.metadata,
                finish=marked.finish,
            )
            saved.append({"filename": file, "subfolder": subfolder, "type": "output"})
        report = telling.text([f"saved {len(saved)}, marked: {' and '.join(marker.names)}"], said)
        return io.NodeOutput(ui=shown(report, {"images": saved}))


def _workflow(node: type[io.ComfyNode], image_format: str) -> Metadata:
    """The prompt and the workflow, where core's nodes have them; nothing with --disable-metadata."""
    from comfy.cli_args import args

    from ..media.pictures import Metadata

    hidden = getattr(node, "hidden", None)
    if args.disable_metadata or hidden is None:
        return Metadata()
    more: Mapping[str, object] = hidden.extra_pnginfo or {}
    texts = {key: json.dumps(value) for key, value in {"prompt": hidden.prompt, **more}.items() if value is not None}
    if image_format == "png":
        return Metadata(texts=tuple((b"tEXt", _latin(key) + b"\0" + _latin(text)) for key, text in texts.items()))
    return Metadata(exif=_exif(texts))


def _latin(text: str) -> bytes:
    return text.encode("latin-1", "replace")


def _exif(texts: Mapping[str, str]) -> bytes | None:
    from PIL import Image

    exif = Image.Exif()
    others = iter(range(_EXIF_MODEL - 1, 0, -1))
    for key, text in texts.items():
        exif[_EXIF_MODEL if key == "prompt" else next(others)] = f"{key}:{text}"
    return exif.tobytes() if texts else None

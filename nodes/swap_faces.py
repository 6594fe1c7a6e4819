"""SwapFaces: puts the source faces onto the target faces, exactly the pairs it is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comfy_api.latest import io

from ..app import told
from .bridge import frames_of, image_like, limits_of, mask_of
from .host import progress, session
from .inputs import check, inputs, values_of
from .schema import schema
from .sockets import Faces, IndexMap
from .telling import Telling, shown

if TYPE_CHECKING:
    import torch

    from ..app.settings import Value
    from ..pipeline import types


class SwapFaces(io.ComfyNode):
    """See the schema's description."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="MFS_SwapFaces",
            display_name="Swap Faces",
            description="Swaps exactly the pairs of Map Faces. Nothing else of the picture changes.",
            search_aliases=["face swap", "faceswap", "multi face swap", "inswapper", "reactor", "deepfake"],
            inputs=[
                io.Image.Input("target_image", tooltip="The pictures to change, in which the target faces were found."),
                io.Image.Input("source_image", tooltip="The pictures that give the faces; a batch is several donors."),
                IndexMap.Input("index_map", tooltip="From Map Faces."),
                *inputs(
                    "swap", _released(), required=("swap_model", "interpolation"), shown=("strength", "face_restore")
                ),
            ],
            outputs=[
                io.Image.Output("image", tooltip="The target pictures with the faces swapped."),
                Faces.Output("faces", tooltip="The swapped faces, for Restore Faces."),
                io.Mask.Output("mask", tooltip="Where pixels were changed."),
                io.String.Output("report", tooltip="Who got whom, what was left out and why, the models and the time."),
            ],
        )

    @classmethod
    def validate_inputs(cls, swap_model: str | None = None, face_restore: str | None = None) -> bool | str:
        return check("swap", swap_model=swap_model, face_restore=face_restore)

    @classmethod
    def execute(
        cls,
        target_image: torch.Tensor,
        source_image: torch.Tensor,
        index_map: types.IndexMap,
        mask: torch.Tensor | None = None,
        **given: Value,
    ) -> io.NodeOutput:
        telling = Telling("swapping")
        targets, sources = frames_of(target_image, "target_image"), frames_of(source_image, "source_image")
        limits, settings = limits_of(mask, targets), values_of("swap", given)
        result = session().swap(targets, sources, index_map, mask=limits, progress=progress(), **settings)
        models = session().told(session().plan("swap", settings))
        report = telling.text(told.of_swap(index_map, result.faces), result.report, models)
        image, masks = image_like(result.images, target_image), mask_of(result.masks, target_image)
        return io.NodeOutput(image, result.faces, masks, report, ui=shown(report))


def _released() -> list[str | io.Input]:
    mask = io.Mask.Input("mask", optional=True, tooltip="Pixels may change only where it is white.")
    blending = ["strength", "mask_feather", "colour_match", "mirror", "pixel_boost", "parse_mask"]
    later = ["occluder", "keep", "skin_tone", "glasses", "mask_padding", "watermark", "expression"]
    return ["swap_model", "interpolation", *blending, mask, "face_restore", "face_restore_weight", *later]

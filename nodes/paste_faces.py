"""PasteFaces: edited crops back where Crop Faces cut them out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comfy_api.latest import io

from .bridge import frames_of, image_like, limits_of, mask_of
from .host import progress, session
from .inputs import inputs, values_of
from .schema import schema
from .sockets import Crops
from .telling import Telling, shown

if TYPE_CHECKING:
    import torch

    from ..app.settings import Value
    from ..pipeline.compose.face_crops import FaceCrops


class PasteFaces(io.ComfyNode):
    """See the schema's description."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="MFS_PasteFaces",
            display_name="Paste Faces",
            description="Puts edited crops back where Crop Faces cut them out. Nothing else of the pictures changes.",
            search_aliases=["paste face", "face paste", "stitch faces", "uncrop", "composite face", "crop and stitch"],
            inputs=[
                io.Image.Input("image", tooltip="The pictures that were connected to Crop Faces."),
                io.Image.Input("crops", tooltip="The edited crops, in their order, of any size."),
                Crops.Input("crop_data", tooltip="From Crop Faces."),
                *inputs("paste", _released(), required=("strength",), shown=("mask_feather", "colour_match")),
            ],
            outputs=[
                io.Image.Output("image", tooltip="The pictures with the edited faces."),
                io.Mask.Output("mask", tooltip="Where pixels were changed."),
                io.String.Output("report", tooltip="How many crops were pasted, which weren't and why, and the time."),
            ],
        )

    @classmethod
    def execute(
        cls,
        image: torch.Tensor,
        crops: torch.Tensor,
        crop_data: FaceCrops,
        mask: torch.Tensor | None = None,
        **given: Value,
    ) -> io.NodeOutput:
        from ..pipeline.compose.face_crops import require_crops

        telling = Telling("pasting")
        require_crops(crop_data, "crop_data")
        pictures, edited, settings = frames_of(image), frames_of(crops, "crops"), values_of("paste", given)
        if not crop_data.count and len(edited) == 1:
            edited, mask = [], None  # what stood in for a face
        limits = limits_of(mask, edited)
        result = session().paste(pictures, edited, crop_data, mask=limits, progress=progress(), **settings)
        report = telling.text(result.report)
        return io.NodeOutput(image_like(result.images, image), mask_of(result.masks, image), report, ui=shown(report))


def _released() -> list[str | io.Input]:
    mask = io.Mask.Input(
        "mask",
        optional=True,
        tooltip="Of the crops: how much of each is pasted. Not connected: the face, as the mask of Crop Faces has it.",
    )
    return ["strength", "mask_feather", "colour_match", mask, "interpolation"]

"""CropFaces: faces as squares of their own, for other nodes to edit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from comfy_api.latest import io

from .bridge import frames_of, image_like, limits_of, mask_of
from .host import progress, session
from .inputs import inputs, values_of
from .schema import schema
from .sockets import Crops, Faces
from .telling import Telling, shown

if TYPE_CHECKING:
    import torch

    from ..app.settings import Value
    from ..pipeline.types import FaceSet

STANDS_IN: Final = "no face was found: one black crop with a black mask stands in, which Paste Faces leaves out"
"""Other nodes take no batch of no pictures."""


class CropFaces(io.ComfyNode):
    """See the schema's description."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="MFS_CropFaces",
            display_name="Crop Faces",
            description="Cuts faces out as aligned squares with masks. Edit them with any nodes, then use Paste Faces.",
            search_aliases=["face crop", "cut out faces", "align faces", "face detailer", "crop and stitch", "ffhq"],
            inputs=[
                io.Image.Input("image", tooltip="The pictures in which the faces were found."),
                Faces.Input("faces", tooltip="The faces to cut out, from Detect Faces, Order Faces or Swap Faces."),
                *inputs("crop", _released(), required=("crop_size", "alignment"), shown=("crop_margin",)),
            ],
            outputs=[
                io.Image.Output("crops", tooltip="The faces, one after the other, picture after picture."),
                io.Mask.Output("mask", tooltip="White on the face in each crop, soft at its rim."),
                Crops.Output("crop_data", tooltip="Where the crops were cut out, for Paste Faces."),
                io.String.Output("report", tooltip="How many crops there are, what they lack, and the time."),
            ],
        )

    @classmethod
    def execute(
        cls, image: torch.Tensor, faces: FaceSet, mask: torch.Tensor | None = None, **given: Value
    ) -> io.NodeOutput:
        telling = Telling("cropping")
        pictures, settings = frames_of(image), values_of("crop", given)
        limits = limits_of(mask, pictures)
        images, masks, crops, report = session().crop(pictures, faces, mask=limits, progress=progress(), **settings)
        if not crops.count:
            images, masks = (np.zeros((1, *array.shape[1:]), np.float32) for array in (images, masks))
        said = telling.text(report, [] if crops.count else [STANDS_IN])
        return io.NodeOutput(image_like(images, image), mask_of(masks, image), crops, said, ui=shown(said))


def _released() -> list[str | io.Input]:
    mask = io.Mask.Input(
        "mask", optional=True, tooltip="Of the pictures: pixels may change only where it is white, also when pasted."
    )
    return ["crop_size", "alignment", "crop_margin", mask, "interpolation"]

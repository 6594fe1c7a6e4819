"""FaceOrder: which face is face 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comfy_api.latest import io

from ..pipeline.faces.ordering import GENDERS, ORDERS, order_faces
from .bridge import frames_of
from .previews import in_node, preview_of_faces
from .schema import advanced, schema
from .sockets import Faces

if TYPE_CHECKING:
    import torch

    from ..pipeline.types import FaceSet


class FaceOrder(io.ComfyNode):
    """See the schema's description."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="MFS_FaceOrder",
            display_name="Order Faces",
            description="Filters, sorts and numbers the faces of every picture, from 0. Index lists use these numbers.",
            search_aliases=["sort faces", "filter faces", "detection_face_order", "face gender", "face index"],
            has_intermediate_output=True,
            inputs=[
                Faces.Input("faces", tooltip="From Detect Faces."),
                io.Combo.Input(
                    "detection_face_order",
                    options=list(ORDERS),
                    default="large-small",
                    tooltip="By size or by place in the picture. reading: rows of faces, each from left to right.",
                ),
                io.Combo.Input(
                    "detect_gender",
                    options=list(GENDERS),
                    default="no",
                    tooltip="Keep only faces of this gender; needs gender switched on in Detect Faces.",
                ),
                advanced(
                    io.Int.Input,
                    "limit",
                    default=0,
                    min=0,
                    max=1000,
                    tooltip="Keep at most that many faces a picture, the first ones. 0 keeps all.",
                ),
                io.Image.Input("image", optional=True, tooltip="The pictures the faces are from, for the preview."),
            ],
            outputs=[
                Faces.Output("faces", tooltip="The faces that were asked for, numbered from 0 in every picture."),
                Faces.Output("rest", tooltip="The faces left out, numbered on from there."),
                io.Image.Output("preview", tooltip="The first 8 pictures with numbered faces; grey without an image."),
                io.Int.Output("count", tooltip="Number of faces kept, in all pictures together."),
            ],
        )

    @classmethod
    def execute(
        cls,
        faces: FaceSet,
        detection_face_order: str,
        detect_gender: str,
        limit: int = 0,
        image: torch.Tensor | None = None,
    ) -> io.NodeOutput:
        pictures = None if image is None else frames_of(image)
        if pictures is not None:
            faces.require(pictures, "detected")
        ordered, rest = order_faces(faces, detection_face_order, detect_gender, limit)
        preview = preview_of_faces(ordered, pictures)
        return io.NodeOutput(ordered, rest, preview, ordered.count, ui=in_node(preview))

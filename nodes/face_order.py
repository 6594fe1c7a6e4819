"""FaceOrder: which face is face 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comfy_api.latest import io

from ..pipeline.validation import require_faces, require_pictures
from .bridge import frames_of
from .host import session
from .inputs import inputs, values_of
from .previews import in_node, preview_of_faces
from .schema import schema
from .sockets import Faces

if TYPE_CHECKING:
    import torch

    from ..app.settings import Value
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
            inputs=[
                Faces.Input("faces", tooltip="From Detect Faces."),
                *inputs(
                    "order",
                    ["detection_face_order", "detect_gender", "limit", _image()],
                    required=("detection_face_order", "detect_gender"),
                ),
            ],
            outputs=[
                Faces.Output("faces", tooltip="The faces kept, numbered from 0 in every picture."),
                Faces.Output("rest", tooltip="The faces left out; their numbers follow on."),
                io.Image.Output("preview", tooltip="The first 8 pictures with numbered faces; grey without an image."),
                io.Int.Output("count", tooltip="Number of faces kept, in all pictures together."),
            ],
        )

    @classmethod
    def execute(cls, faces: FaceSet, image: torch.Tensor | None = None, **given: Value) -> io.NodeOutput:
        require_faces(faces, "faces")
        pictures = None if image is None else frames_of(image)
        if pictures is not None:
            require_pictures(pictures, "image")
            faces.require(pictures, "detected")
        ordered, rest = session().order_and_rest(faces, **values_of("order", given))
        preview = preview_of_faces(ordered, pictures)
        return io.NodeOutput(ordered, rest, preview, ordered.count, ui=in_node(preview))


def _image() -> io.Input:
    return io.Image.Input("image", optional=True, tooltip="The pictures the faces are from, for the preview.")

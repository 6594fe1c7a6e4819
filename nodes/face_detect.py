"""FaceDetect: which faces there are, where, and optionally of which gender and identity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from comfy_api.latest import io

from . import menus
from .bridge import boxes_in, boxes_of, frames_of, mask_of
from .host import pool, progress
from .previews import in_node, preview_of_faces
from .schema import advanced, schema
from .sockets import BoundingBox, Faces

if TYPE_CHECKING:
    import torch

    from ..pipeline.types import FaceSet


class FaceDetect(io.ComfyNode):
    """See the schema's description."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="MFS_FaceDetect",
            display_name="Detect Faces",
            description="Finds the faces of every picture and numbers them as found. Connect to Order Faces next.",
            search_aliases=["face detection", "find faces", "facedetection", "retinaface", "yolo face", "face boxes"],
            has_intermediate_output=True,
            inputs=[
                io.Image.Input("image", tooltip="One picture, a batch of pictures or the frames of a clip."),
                io.Combo.Input(
                    "facedetection",
                    options=menus.menu("detector"),
                    default="builtin",
                    tooltip="The detector. builtin needs no download; the others need their model files.",
                ),
                io.Float.Input(
                    "confidence",
                    default=0.5,
                    min=0.05,
                    max=0.99,
                    step=0.01,
                    tooltip="Faces the detector is less sure of are left out. Lower it where a face is missed.",
                ),
                BoundingBox.Input(
                    "bboxes",
                    optional=True,
                    extra_dict={"forceInput": True},  # else newer pages show a box to type in, of their own
                    tooltip="Boxes of another detector, used in place of this one's: the faces inside are measured.",
                ),
                io.Boolean.Input(
                    "gender", default=False, optional=True, tooltip="Also tell female from male, for Order Faces."
                ),
                advanced(
                    io.Boolean.Input, "identity", default=False, tooltip="Also measure who it is, to follow people."
                ),
                advanced(io.Boolean.Input, "turns", default=False, tooltip="Also find faces lying or upside down."),
                advanced(
                    io.Boolean.Input, "tiles", default=True, tooltip="Also look closely, part by part, for small faces."
                ),
                advanced(
                    io.Int.Input,
                    "min_size",
                    default=0,
                    min=0,
                    max=4096,
                    tooltip="Smaller faces are left out: their box's longer side in pixels. 0 chooses by itself.",
                ),
            ],
            outputs=[
                Faces.Output("faces", tooltip="The faces, numbered as found."),
                io.Image.Output("preview", tooltip="The first 8 pictures with numbered faces."),
                io.Mask.Output("mask", tooltip="White on the faces, a mask a picture."),
                BoundingBox.Output("bboxes", tooltip="The faces' boxes, for core nodes and other packs."),
                io.Int.Output("count", tooltip="Number of faces in all pictures together."),
            ],
        )

    @classmethod
    def validate_inputs(cls, facedetection: str | None = None) -> bool | str:
        return menus.check("facedetection", "detector", facedetection)

    @classmethod
    def execute(
        cls,
        image: torch.Tensor,
        facedetection: str,
        confidence: float,
        bboxes: Any = None,
        gender: bool = False,
        identity: bool = False,
        turns: bool = False,
        tiles: bool = True,
        min_size: int = 0,
    ) -> io.NodeOutput:
        from ..app.functions import detect_faces, locate_faces

        pictures = frames_of(image)
        shared: dict[str, Any] = {"gender": gender, "identity": identity, "turns": turns}
        shared |= {"pool": pool(), "progress": progress()}
        if bboxes is None:
            settings: dict[str, Any] = {"confidence": confidence, "tiles": tiles, "min_size": min_size}
            faces = detect_faces(pictures, menus.named(facedetection), **settings, **shared)
        else:
            faces = locate_faces(pictures, boxes_in(bboxes, len(pictures)), **shared)
        preview = preview_of_faces(faces, pictures)
        return io.NodeOutput(faces, preview, mask_of(_areas(faces)), boxes_of(faces), faces.count, ui=in_node(preview))


def _areas(faces: FaceSet) -> list[Any]:
    from ..pipeline.compose.face_area import area_of

    return [area_of(frame, faces.size) for frame in faces]

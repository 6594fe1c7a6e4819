"""FaceDetect: which faces there are, where, and optionally of which gender and identity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comfy_api.latest import io

from ..app.effects import Case
from ..app.report import counted
from .bridge import Boxes, boxes_in, boxes_of, frames_of, mask_of
from .host import progress, session
from .inputs import check, inputs, values_of
from .previews import in_node, preview_of_faces
from .schema import schema
from .segs import Segs, boxes_from
from .sockets import BoundingBox, BoxesOrSegs, Faces
from .telling import Telling, shown

if TYPE_CHECKING:
    import torch

    from ..app.settings import Value


class FaceDetect(io.ComfyNode):
    """See the schema's description."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="MFS_FaceDetect",
            display_name="Detect Faces",
            description="Finds the faces of every picture and numbers them as found. Connect to Order Faces next.",
            search_aliases=["face detection", "find faces", "facedetection", "retinaface", "yolo face", "face boxes"],
            inputs=[
                io.Image.Input("image", tooltip="One picture, a batch of pictures or the frames of a clip."),
                *inputs("detect", _released(), required=("facedetection", "confidence"), shown=("gender",)),
            ],
            outputs=[
                Faces.Output("faces", tooltip="The faces, numbered as found."),
                io.Image.Output("preview", tooltip="The first 8 pictures with numbered faces."),
                io.Mask.Output("mask", tooltip="White on the faces, one mask per picture."),
                BoundingBox.Output("bboxes", tooltip="The faces' boxes, for core nodes and other packs."),
                io.Int.Output("count", tooltip="Number of faces in all pictures together."),
                io.String.Output(
                    "report",
                    tooltip="How many faces, what had no effect, the models and the time.",
                ),
            ],
        )

    @classmethod
    def validate_inputs(
        cls, facedetection: str | None = None, attributes: str | None = None, landmarks: str | None = None
    ) -> bool | str:
        return check("detect", facedetection=facedetection, attributes=attributes, landmarks=landmarks)

    @classmethod
    def execute(cls, image: torch.Tensor, bboxes: Boxes | Segs | None = None, **given: Value) -> io.NodeOutput:
        from ..pipeline.compose.face_area import areas_of

        telling = Telling("detecting")
        pictures, settings = frames_of(image), values_of("detect", given)
        if bboxes is None:
            faces = session().detect(pictures, progress=progress(), **settings)
        else:
            boxes = boxes_in(boxes_from(bboxes, pictures), len(pictures))
            faces = session().locate(pictures, boxes, progress=progress(), **settings)
        preview = preview_of_faces(faces, pictures)
        plan = session().plan("detect", settings, Case(boxes=bboxes is not None))
        found = f"{counted(faces.count, 'face')} in {counted(len(pictures), 'picture')}"
        report = telling.text([found], [*faces.notes, *faces.remarks], plan.notes, session().told(plan))
        outputs = faces, preview, mask_of(areas_of(faces), image), boxes_of(faces), faces.count, report
        return io.NodeOutput(*outputs, ui=shown(report, in_node(preview)))


def _released() -> list[str | io.Input]:
    searching = ["turns", "tiles", "min_size", "detection_size"]
    return ["facedetection", "confidence", _boxes(), "gender", "identity", *searching]


def _boxes() -> io.Input:
    return BoxesOrSegs.Input(
        "bboxes",
        optional=True,
        extra_dict={"forceInput": True},  # else newer pages show a box to type in, of their own
        tooltip="Boxes of another detector, used instead of searching: the faces inside are measured.",
    )

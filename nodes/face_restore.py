"""FaceRestore: sharpens faces, the swapped ones or all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from comfy_api.latest import io

from ..app.effects import Case
from ..app.report import counted
from ..app.settings import DISABLE, Value
from .bridge import frames_of, image_like, mask_of
from .host import progress, session
from .inputs import check, inputs, values_of
from .schema import schema
from .sockets import Faces
from .telling import Telling, shown

if TYPE_CHECKING:
    import torch

    from ..pipeline.types import FaceSet


class FaceRestore(io.ComfyNode):
    """See the schema's description."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="MFS_FaceRestore",
            display_name="Restore Faces",
            description="Sharpens and repairs faces: exactly those of Swap Faces, or all faces of the pictures.",
            search_aliases=["face restore", "face enhance", "codeformer", "gfpgan", "face_restore", "upscale face"],
            inputs=[
                io.Image.Input("image", tooltip="The pictures, e.g. from Swap Faces."),
                *inputs(
                    "restore", _released(), required=("face_restore", "face_restore_weight"), shown=("visibility",)
                ),
            ],
            outputs=[
                io.Image.Output("image", tooltip="The pictures with the faces restored."),
                io.Mask.Output("mask", tooltip="Where pixels were changed."),
                io.String.Output("report", tooltip="What was restored, what wasn't and why, the models and the time."),
            ],
        )

    @classmethod
    def validate_inputs(
        cls, face_restore: str | None = None, facedetection: str | None = None, landmarks: str | None = None
    ) -> bool | str:
        return check("restore", face_restore=face_restore, facedetection=facedetection, landmarks=landmarks)

    @classmethod
    def execute(cls, image: torch.Tensor, faces: FaceSet | None = None, **given: Value) -> io.NodeOutput:
        telling = Telling("restoring")
        settings, images = values_of("restore", given), frames_of(image)
        if settings["face_restore"] == DISABLE:
            # The tensor that came in, as it is: no needless copy of a batch.
            plan = session().plan("restore", settings, Case(faces=faces is not None))
            report = telling.text(["face_restore is disable: nothing was restored"], plan.notes)
            return io.NodeOutput(image, _nowhere(image), report, ui=shown(report))
        result = session().restore(images, faces, progress=progress(), **settings)
        models = session().told(session().plan("restore", settings, Case(faces=faces is not None)))
        report = telling.text([f"{counted(result.faces.count, 'face')} restored"], result.report, models)
        return io.NodeOutput(image_like(result.images, image), mask_of(result.masks, image), report, ui=shown(report))


def _released() -> list[str | io.Input]:
    faces = Faces.Input(
        "faces", optional=True, tooltip="The faces to restore, from Swap Faces; if not connected, all are found."
    )
    blending = ["visibility", "colour_correct", "parse_mask", "facedetection"]
    searching = ["confidence", "turns", "tiles", "min_size", "detection_size"]
    return ["face_restore", "face_restore_weight", faces, *blending, *searching, "interpolation"]


def _nowhere(image: torch.Tensor) -> torch.Tensor:
    return mask_of(np.zeros(image.shape[:3], np.float32), image)

"""FaceRestore: sharpens faces, the swapped ones or all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from comfy_api.latest import io

from . import menus
from .bridge import frames_of, image_like, mask_of
from .host import pool, progress
from .schema import advanced, schema
from .sockets import Faces

if TYPE_CHECKING:
    import torch

    from ..pipeline.types import FaceSet

_OFF = "disable"


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
                io.Combo.Input(
                    "face_restore",
                    options=menus.menu("restorer", _OFF),
                    default=_OFF,
                    tooltip="The restorer; its model file is needed. disable gives the pictures back as they are.",
                ),
                io.Float.Input(
                    "face_restore_weight",
                    default=0.75,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    tooltip="CodeFormer: 0 restores most, 1 stays closest. Others: the restored face's share.",
                ),
                Faces.Input(
                    "faces", optional=True, tooltip="The faces to restore, from Swap Faces; without them all are found."
                ),
                io.Float.Input(
                    "visibility",
                    default=1.0,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    optional=True,
                    tooltip="How much of the result is blended in.",
                ),
                advanced(
                    io.Boolean.Input,
                    "colour_correct",
                    default=True,
                    tooltip="Takes back the tint that restorers give.",
                ),
                advanced(
                    io.Boolean.Input,
                    "parse_mask",
                    default=False,
                    tooltip="Keeps hair and hands in front of a face; needs the model parsing_bisenet.pth.",
                ),
                advanced(
                    io.Combo.Input,
                    "facedetection",
                    options=menus.menu("detector"),
                    default="builtin",
                    tooltip="The detector where no faces are connected.",
                ),
            ],
            outputs=[
                io.Image.Output("image", tooltip="The pictures with the faces restored."),
                io.Mask.Output("mask", tooltip="Where pixels were changed."),
                io.String.Output("report", tooltip="What was restored, and what was not."),
            ],
        )

    @classmethod
    def validate_inputs(cls, face_restore: str | None = None, facedetection: str | None = None) -> bool | str:
        restorer = menus.check("face_restore", "restorer", face_restore, _OFF)
        return menus.check("facedetection", "detector", facedetection) if restorer is True else restorer

    @classmethod
    def execute(
        cls,
        image: torch.Tensor,
        face_restore: str,
        face_restore_weight: float,
        faces: FaceSet | None = None,
        visibility: float = 1.0,
        colour_correct: bool = True,
        parse_mask: bool = False,
        facedetection: str = "builtin",
    ) -> io.NodeOutput:
        if face_restore == _OFF:
            return io.NodeOutput(image, _nowhere(image), "face_restore is disable: nothing was restored")
        from ..app.functions import restore_faces

        result = restore_faces(
            frames_of(image),
            faces,
            menus.named(face_restore),
            face_restore_weight,
            visibility=visibility,
            colour_correct=colour_correct,
            parse_mask=parse_mask,
            facedetection=menus.named(facedetection),
            pool=pool(),
            progress=progress(),
        )
        return io.NodeOutput(image_like(result.images, image), mask_of(result.masks), "\n".join(result.report))


def _nowhere(image: torch.Tensor) -> torch.Tensor:
    return mask_of(np.zeros(image.shape[:3], np.float32))

"""SwapFacesVideo: a clip in, a clip out, without ever holding more than a few frames of it."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING, Any, get_args

import folder_paths
from comfy_api.latest import InputImpl, io

from ..pipeline.faces.ordering import GENDERS, ORDERS
from ..pipeline.faces.pairing import MISSING, PAIRINGS
from ..pipeline.types import ColourMatch, Interpolation
from . import menus
from .bridge import frames_of
from .host import pool, progress
from .schema import advanced, schema
from .sockets import Faces

if TYPE_CHECKING:
    import torch

    from ..media.clips import Clip
    from ..pipeline.types import FaceSet

_LIST = "Write 0,2 or 0-3; -1 is the last, * all."
_OFF = "disable"


class SwapFacesVideo(io.ComfyNode):
    """See the schema's description."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="MFS_SwapFacesVideo",
            display_name="Swap Faces in Video",
            description="Swaps faces in a clip of any length, follows people through each scene and keeps them steady. "
            "Sound, timing and colours stay as they are.",
            search_aliases=["video face swap", "face swap video", "swap clip", "faceswap movie", "deepfake video"],
            inputs=[*_clip_inputs(), *_folded_inputs()],
            outputs=[
                io.Video.Output("video", tooltip="The clip with the faces swapped."),
                io.String.Output("report", tooltip="What was left out, and why, by frames."),
            ],
        )

    @classmethod
    def validate_inputs(
        cls, swap_model: str | None = None, facedetection: str | None = None, face_restore: str | None = None
    ) -> bool | str:
        checks = (
            menus.check("swap_model", "swapper", swap_model),
            menus.check("facedetection", "detector", facedetection),
            menus.check("face_restore", "restorer", face_restore, _OFF),
        )
        return next((check for check in checks if check is not True), True)

    @classmethod
    def execute(
        cls,
        video: Any,
        source_image: torch.Tensor,
        swap_model: str,
        interpolation: Interpolation,
        source_faces: FaceSet | None = None,
        pixel_boost: str = "off",
        facedetection: str = "builtin",
        face_restore: str = _OFF,
        **settings: Any,
    ) -> io.NodeOutput:
        from ..app.video import swap_clip

        clip = _clip(video)
        result = swap_clip(
            clip.source,
            _output(clip),
            frames_of(source_image),
            source_faces,
            swap_model=menus.named(swap_model),
            interpolation=interpolation,
            facedetection=menus.named(facedetection),
            face_restore=menus.named(face_restore),
            pixel_boost=0 if pixel_boost == "off" else int(pixel_boost),
            start=clip.start,
            duration=clip.duration,
            resume=False,
            pool=pool(),
            progress=progress(),
            **settings,
        )
        return io.NodeOutput(InputImpl.VideoFromFile(str(result.output)), "\n".join(result.report))


def _clip(video: Any) -> Clip:
    """What the VIDEO stands for; trimmed ones came with ComfyUI 0.14."""
    from ..media.clips import Clip

    start, duration = video.get_active_trim_window() if hasattr(video, "get_active_trim_window") else (0.0, 0.0)
    return Clip(video.get_stream_source(), start, duration or None)


def _output(clip: Clip) -> str:
    """A new file among ComfyUI's temporary ones, of a format that holds the clip's sound."""
    from ..media.clips import fitting_extension

    name = f"multifaceswap_{secrets.token_hex(8)}{fitting_extension(clip)}"
    return os.path.join(folder_paths.get_temp_directory(), name)


def _clip_inputs() -> list[Any]:
    return [
        io.Video.Input("video", tooltip="The clip to change, e.g. from Load Video."),
        io.Image.Input("source_image", tooltip="The pictures that give the faces; a batch is several donors."),
        io.String.Input(
            "input_faces_index",
            default="0",
            tooltip=f"Which people of each scene, numbered as it first shows them. {_LIST}",
        ),
        io.String.Input(
            "source_faces_index",
            default="0",
            tooltip=f"Which source faces, counted through all source pictures. {_LIST}",
        ),
        io.Combo.Input(
            "detection_face_order",
            options=list(ORDERS),
            default="large-small",
            tooltip="How the people of a scene are numbered; who appears later gets the next numbers.",
        ),
        io.Combo.Input(
            "swap_model",
            options=menus.menu("swapper"),
            default="mesh",
            tooltip="The engine. mesh needs no download; the others need their model files.",
        ),
        io.Combo.Input(
            "interpolation",
            options=list(get_args(Interpolation)),
            default="Bilinear",
            tooltip="How faces are cut out and put back.",
        ),
        Faces.Input(
            "source_faces",
            optional=True,
            tooltip="The source faces as Order Faces numbers them; without them all are found, the best first.",
        ),
    ]


def _folded_inputs() -> list[Any]:
    return [
        _choice(
            "pairing", PAIRINGS, "pairwise", "pairwise: one by one, or one for all. round-robin: sources start over."
        ),
        _choice("missing", MISSING, "skip", "Where a scene lacks somebody: skip reports it, error stops."),
        _choice("detect_gender_input", GENDERS, "no", "Number only such people."),
        advanced(
            io.Combo.Input,
            "facedetection",
            options=menus.menu("detector"),
            default="builtin",
            tooltip="The detector.",
        ),
        _share("strength", 1.0, 1.0, 0.05, "0 leaves the target's face, 1 gives the source's."),
        _share("mask_feather", 0.0, 0.5, 0.01, "Softens the rim further inwards, as a share of the face's size."),
        _choice("colour_match", get_args(ColourMatch), "auto", "How colours follow the target's light."),
        _switch("mirror", True, "mesh may show the source's other side where that fits the pose better."),
        _choice("pixel_boost", ("off", "256", "512", "1024"), "off", "Lets inswapper and its like make larger faces."),
        _switch("parse_mask", False, "Keeps hair and hands in front of a face; needs parsing_bisenet.pth."),
        advanced(
            io.Combo.Input,
            "face_restore",
            options=menus.menu("restorer", _OFF),
            default=_OFF,
            tooltip="Sharpens the swapped faces; its model file is needed.",
        ),
        _share("face_restore_weight", 0.75, 1.0, 0.05, "CodeFormer: 1 stays closest. Others: the restored share."),
        _switch("track", True, "Follows people through each scene; off, every frame is by itself."),
        _switch("smooth", True, "Steadies landmarks and masks, without lag."),
        advanced(
            io.Int.Input,
            "bridge",
            default=5,
            min=0,
            max=50,
            tooltip="Fills in a face that is missing for up to that many frames.",
        ),
        _switch("hardware", True, "Lets the GPU encode where it can."),
    ]


def _choice(name: str, options: Any, default: str, tooltip: str) -> Any:
    return advanced(io.Combo.Input, name, options=list(options), default=default, tooltip=tooltip)


def _switch(name: str, default: bool, tooltip: str) -> Any:
    return advanced(io.Boolean.Input, name, default=default, tooltip=tooltip)


def _share(name: str, default: float, most: float, step: float, tooltip: str) -> Any:
    return advanced(io.Float.Input, name, default=default, min=0.0, max=most, step=step, tooltip=tooltip)

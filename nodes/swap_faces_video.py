"""SwapFacesVideo: a clip in, a clip out, without ever holding more than a few frames of it."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import folder_paths
from comfy_api.latest import InputImpl, io

from ..app.effects import Case
from ..app.report import counted
from .bridge import frames_of
from .host import frame_progress, session
from .inputs import check, inputs, values_of
from .schema import schema
from .sockets import Faces
from .telling import Telling, shown

if TYPE_CHECKING:
    import torch

    from ..app.marks import Marker
    from ..app.settings import Value
    from ..media.clips import Clip
    from ..pipeline.types import FaceSet

_REQUIRED = ("input_faces_index", "source_faces_index", "detection_face_order", "swap_model", "interpolation")


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
            inputs=[*_sockets(), *inputs("clip", _released(), required=_REQUIRED), *_people()],
            outputs=[
                io.Video.Output("video", tooltip="The clip with the faces swapped."),
                io.String.Output("report", tooltip="How many were swapped, what wasn't and why, the models, the time."),
            ],
        )

    @classmethod
    def validate_inputs(
        cls,
        swap_model: str | None = None,
        facedetection: str | None = None,
        face_restore: str | None = None,
        embedder: str | None = None,
        attributes: str | None = None,
        landmarks: str | None = None,
        start: str | None = None,
        end: str | None = None,
    ) -> bool | str:
        chosen = {"swap_model": swap_model, "facedetection": facedetection, "face_restore": face_restore}
        chosen |= {"embedder": embedder, "attributes": attributes, "landmarks": landmarks}
        return check("clip", **chosen, start=start, end=end)

    @classmethod
    def execute(
        cls,
        video: Any,
        source_image: torch.Tensor,
        source_faces: FaceSet | None = None,
        reference_faces: FaceSet | None = None,
        reference_image: torch.Tensor | None = None,
        **given: Value,
    ) -> io.NodeOutput:
        from ..app.marks import made_by, with_marks

        telling = Telling("the clip")
        sources = frames_of(source_image, "source_image")
        references = None if reference_image is None else frames_of(reference_image, "reference_image")
        clip = _clip(video)
        values = values_of("clip", given)
        result = session().swap_clip(
            clip,
            _output(clip),
            sources,
            source_faces,
            references=references,
            reference_faces=reference_faces,
            resume=False,
            on_frame=frame_progress(),
            **values,
        )
        swapped = f"{counted(result.swapped, 'face')} swapped in {counted(result.frames, 'frame')}"
        done = with_marks(f"{swapped}, {result.encoder}", result.marks, bool(result.swapped))
        people = [] if reference_faces is None else [reference_faces]
        case = Case(source_faces=source_faces is not None, references=bool(people or references))
        plan = session().plan("clip", values, case)
        models = session().told(plan, *people)
        report = telling.text([done], result.report, models)
        marker = session().marker(made_by(plan.values), plan.values) if result.marks else None
        made = MarkedVideo(result.output, marker) if marker else InputImpl.VideoFromFile(str(result.output))
        return io.NodeOutput(made, report, ui=shown(report))


class MarkedVideo(InputImpl.VideoFromFile):
    """A clip whose copies are marked as it is: core's Save Video takes over neither XMP nor a signature."""

    def __init__(self, made: Path, marker: Marker) -> None:
        super().__init__(str(made))
        self._made, self._marker = made, marker

    def save_to(self, path: object, *given: object, **options: object) -> None:
        super().save_to(path, *given, **options)
        if isinstance(path, str):
            self._marker.copy(self._made, Path(path))


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


def _sockets() -> list[io.Input]:
    return [
        io.Video.Input("video", tooltip="The clip to change, e.g. from Load Video."),
        io.Image.Input("source_image", tooltip="The pictures that give the faces; a batch is several donors."),
    ]


def _people() -> list[io.Input]:
    """Sockets that came later than the settings."""
    return [
        Faces.Input(
            "reference_faces",
            optional=True,
            tooltip="People to recognise in the clip: the target numbers then count these faces, and whoever looks "
            "like one gets its source, in every scene.",
        ),
        io.Image.Input(
            "reference_image",
            optional=True,
            tooltip="The reference pictures; needed where their faces have no identity yet. Without reference_faces "
            "all faces in them are found and numbered by detection_face_order.",
        ),
    ]


def _released() -> list[str | io.Input]:
    source_faces = Faces.Input(
        "source_faces",
        optional=True,
        tooltip="The source faces as Order Faces numbers them; if not connected, all are found and numbered by "
        "detection_face_order.",
    )
    choosing = ["pairing", "missing", "detect_gender_input", "facedetection"]
    blending = ["strength", "mask_feather", "colour_match", "mirror", "pixel_boost", "parse_mask"]
    steady = ["track", "smooth", "max_gap", "hardware"]
    searching = ["confidence", "turns", "tiles", "min_size", "detection_size", "detect_gender_source"]
    later = ["identity_threshold", "embedder", "occluder", "keep", "skin_tone", "glasses", "start", "end"]
    last = ["attributes", "landmarks", "detect_age_input", "detect_age_source"]
    last += ["mask_padding", "watermark", "expression", "mark"]
    restoring = ["face_restore", "face_restore_weight"]
    return [*_REQUIRED, source_faces, *choosing, *blending, *restoring, *steady, *searching, *later, *last]

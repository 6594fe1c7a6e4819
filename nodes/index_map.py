"""IndexMap: who becomes whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comfy_api.latest import io

from ..app import told
from ..app.effects import Case
from ..app.report import counted
from ..pipeline.validation import require_faces, require_pictures
from .bridge import frames_of
from .host import session
from .inputs import check, inputs, values_of
from .picker import choices
from .previews import in_node, preview_of_pairs
from .schema import schema
from .sockets import Faces, IndexMap
from .telling import Telling, shown

if TYPE_CHECKING:
    import torch

    from ..app.settings import Value
    from ..pipeline.types import FaceSet, FloatArray

_LISTS = ("input_faces_index", "source_faces_index", "pairing", "missing")


class MapFaces(io.ComfyNode):
    """See the schema's description."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="MFS_IndexMap",
            display_name="Map Faces",
            description="Decides which target face gets which source face, by number or by looks, and shows it before "
            "anything is swapped.",
            search_aliases=[
                "face index",
                "pair faces",
                "input_faces_index",
                "source_faces_index",
                "assign faces",
                "recognise faces",
            ],
            inputs=[
                Faces.Input("target_faces", tooltip="Faces of the pictures to change, from Order Faces."),
                Faces.Input("source_faces", tooltip="Faces to put there, from Order Faces."),
                *inputs("map", [*_LISTS, *_sockets(), "identity_threshold", "embedder"], required=_LISTS),
            ],
            outputs=[
                IndexMap.Output("index_map", tooltip="The pairs, for Swap Faces."),
                io.Image.Output("preview", tooltip="Arrows from sources to targets; grey without the images."),
                io.String.Output("report", tooltip="Who becomes whom, and the numbers for which there was no face."),
                io.Int.Output("count", tooltip="Number of pairs in all pictures together."),
            ],
        )

    @classmethod
    def validate_inputs(cls, embedder: str | None = None) -> bool | str:
        return check("map", embedder=embedder)

    @classmethod
    def execute(
        cls,
        target_faces: FaceSet,
        source_faces: FaceSet,
        target_image: torch.Tensor | None = None,
        source_image: torch.Tensor | None = None,
        reference_faces: FaceSet | None = None,
        reference_image: torch.Tensor | None = None,
        **given: Value,
    ) -> io.NodeOutput:
        telling = Telling("mapping")
        targets = _checked(target_faces, target_image, "target")
        sources = _checked(source_faces, source_image, "source")
        settings = values_of("map", given)
        references = None if reference_faces is None else _checked(reference_faces, reference_image, "reference")
        models: list[str] = []
        if reference_faces is None:
            index_map = session().map(target_faces, source_faces, **settings)
        else:
            plan = session().plan("map", settings, Case(references=True))
            models = session().told(plan, reference_faces, target_faces)
            index_map = session().match(
                target_faces, source_faces, reference_faces, targets=targets, references=references, **settings
            )
        preview = preview_of_pairs(index_map, targets, sources)
        people = (target_faces, targets) if reference_faces is None else (reference_faces, references)
        in_page = {**in_node(preview), **choices(*people, source_faces, sources, index_map, reference_faces is None)}
        found = f"{counted(target_faces.count, 'target face')}, {counted(source_faces.count, 'source face')}"
        report = telling.text([found], told.of_pairs(index_map), index_map.report, models)
        return io.NodeOutput(index_map, preview, report, index_map.count, ui=shown(report, in_page))


def _sockets() -> list[io.Input]:
    return [
        io.Image.Input(
            "target_image",
            optional=True,
            tooltip="The target pictures, for the preview and for recognising people.",
        ),
        io.Image.Input("source_image", optional=True, tooltip="The source pictures, for the preview."),
        Faces.Input(
            "reference_faces",
            optional=True,
            tooltip="People to recognise in the target pictures: the target numbers then count these faces, "
            "and every face that looks like one gets its source.",
        ),
        io.Image.Input(
            "reference_image",
            optional=True,
            tooltip="The reference pictures; needed where their faces have no identity yet.",
        ),
    ]


def _checked(faces: FaceSet, image: torch.Tensor | None, what: str) -> list[FloatArray] | None:
    require_faces(faces, f"{what}_faces")
    if image is None:
        return None
    pictures = frames_of(image, f"{what}_image")
    require_pictures(pictures, f"{what}_image")
    faces.require(pictures, what)
    return pictures

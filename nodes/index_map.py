"""IndexMap: who becomes whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comfy_api.latest import io

from ..pipeline.faces.pairing import MISSING, PAIRINGS, map_indexes
from . import menus
from .bridge import frames_of
from .host import pool
from .previews import in_node, preview_of_pairs
from .schema import advanced, schema
from .sockets import Faces, IndexMap

if TYPE_CHECKING:
    import torch

    from ..pipeline.types import FaceSet

_LIST = "Numbers like 0 or 0,1,2 or 0-3; -1 is the last face, * all."


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
            has_intermediate_output=True,
            inputs=[
                Faces.Input("target_faces", tooltip="Faces of the pictures to change, from Order Faces."),
                Faces.Input("source_faces", tooltip="Faces to put there, from Order Faces."),
                io.String.Input(
                    "input_faces_index", default="0", tooltip=f"Which target faces, anew in every picture. {_LIST}"
                ),
                io.String.Input(
                    "source_faces_index",
                    default="0",
                    tooltip=f"Which source faces, counted through all source pictures. {_LIST}",
                ),
                io.Combo.Input(
                    "pairing",
                    options=list(PAIRINGS),
                    default="pairwise",
                    tooltip="pairwise: first to first, or one source for all. round-robin: sources start over.",
                ),
                io.Combo.Input(
                    "missing",
                    options=list(MISSING),
                    default="skip",
                    tooltip="Where a face isn't there: skip leaves the pair out and reports it, error stops.",
                ),
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
                    "and whoever looks like one gets its source.",
                ),
                io.Image.Input(
                    "reference_image", optional=True, tooltip="The reference pictures, where their faces lack identity."
                ),
                advanced(
                    io.Float.Input,
                    "threshold",
                    default=0.0,
                    min=0.0,
                    max=2.0,
                    step=0.01,
                    tooltip="How far from a reference face a face may be and still be that person, as the report "
                    "tells it; 0: what suits the embedder.",
                ),
                advanced(
                    io.Combo.Input,
                    "embedder",
                    options=menus.menu("embedder"),
                    default="dlib128",
                    tooltip="What tells people apart. dlib128 needs no download.",
                ),
            ],
            outputs=[
                IndexMap.Output("index_map", tooltip="The pairs, for Swap Faces."),
                io.Image.Output("preview", tooltip="Arrows from sources to targets; grey without the images."),
                io.String.Output("report", tooltip="Every number that found no face, and where."),
                io.Int.Output("count", tooltip="Number of pairs in all pictures together."),
            ],
        )

    @classmethod
    def validate_inputs(cls, embedder: str | None = None) -> bool | str:
        return menus.check("embedder", "embedder", embedder)

    @classmethod
    def execute(
        cls,
        target_faces: FaceSet,
        source_faces: FaceSet,
        input_faces_index: str,
        source_faces_index: str,
        pairing: str,
        missing: str,
        target_image: torch.Tensor | None = None,
        source_image: torch.Tensor | None = None,
        reference_faces: FaceSet | None = None,
        reference_image: torch.Tensor | None = None,
        threshold: float = 0.0,
        embedder: str = "dlib128",
    ) -> io.NodeOutput:
        from ..app.functions import match_faces

        targets = _checked(target_faces, target_image, "target")
        sources = _checked(source_faces, source_image, "source")
        lists = input_faces_index, source_faces_index, pairing, missing
        if reference_faces is None:
            index_map = map_indexes(target_faces, source_faces, *lists)
        else:
            references = _checked(reference_faces, reference_image, "reference")
            index_map = match_faces(
                target_faces,
                source_faces,
                reference_faces,
                *lists,
                threshold=threshold or None,
                embedder=menus.named(embedder),
                targets=targets,
                references=references,
                pool=pool(),
            )
        preview = preview_of_pairs(index_map, targets, sources)
        return io.NodeOutput(index_map, preview, "\n".join(index_map.report), index_map.count, ui=in_node(preview))


def _checked(faces: FaceSet, image: torch.Tensor | None, what: str) -> torch.Tensor | None:
    if image is None:
        return None
    pictures = frames_of(image)
    faces.require(pictures, what)
    return pictures

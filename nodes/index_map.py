"""IndexMap: who becomes whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comfy_api.latest import io

from ..pipeline.mapping import MISSING, PAIRINGS, map_indexes
from .bridge import frames_of
from .previews import in_node, preview_of_pairs
from .schema import schema
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
            description="Decides which target face gets which source face, and shows it before anything is swapped.",
            search_aliases=["face index", "pair faces", "input_faces_index", "source_faces_index", "assign faces"],
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
                io.Image.Input("target_image", optional=True, tooltip="The target pictures, for the preview."),
                io.Image.Input("source_image", optional=True, tooltip="The source pictures, for the preview."),
            ],
            outputs=[
                IndexMap.Output("index_map", tooltip="The pairs, for Swap Faces."),
                io.Image.Output("preview", tooltip="Arrows from sources to targets; grey without the images."),
                io.String.Output("report", tooltip="Every number that found no face, and where."),
                io.Int.Output("count", tooltip="Number of pairs in all pictures together."),
            ],
        )

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
    ) -> io.NodeOutput:
        targets = _checked(target_faces, target_image, "target")
        sources = _checked(source_faces, source_image, "source")
        index_map = map_indexes(target_faces, source_faces, input_faces_index, source_faces_index, pairing, missing)
        preview = preview_of_pairs(index_map, targets, sources)
        return io.NodeOutput(index_map, preview, "\n".join(index_map.report), index_map.count, ui=in_node(preview))


def _checked(faces: FaceSet, image: torch.Tensor | None, what: str) -> torch.Tensor | None:
    if image is None:
        return None
    pictures = frames_of(image)
    faces.require(pictures, what)
    return pictures

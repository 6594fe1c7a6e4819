"""SaveFaces: donors under names, without the pictures that they come from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from comfy_api.latest import io

from ..pipeline.errors import FaceNotFoundError
from ..pipeline.types import Picture
from ..pipeline.validation import require_faces, require_pictures
from .bridge import frames_of, image_of
from .host import session
from .previews import in_node
from .schema import advanced, schema
from .sockets import Faces
from .telling import Telling, shown

if TYPE_CHECKING:
    import torch

    from ..pipeline.types import FaceSet


class SaveFaces(io.ComfyNode):
    """See the schema's description."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="MFS_SaveFaces",
            display_name="Save Faces",
            description="Saves a person under a name, with all views that Merge Faces joined, for Load Faces and for "
            "--source face:NAME.",
            search_aliases=["save face model", "build face model", "face library", "reactor save face"],
            is_output_node=True,
            inputs=[
                Faces.Input("faces", tooltip="A person as one donor; several donors are saved with numbers."),
                io.Image.Input("image", tooltip="The pictures in which the faces were found."),
                io.String.Input(
                    "name", default="person", tooltip="Letters, digits, spaces and . _ -, at most 64 of them."
                ),
                io.String.Input(
                    "consent",
                    default="",
                    optional=True,
                    tooltip="A note of the person's consent, on one line, which goes along with the face.",
                ),
                advanced(
                    io.Boolean.Input,
                    "embeddings_only",
                    default=False,
                    tooltip="Keeps identities and shapes alone, no pictures: for engines that take an identity.",
                ),
                advanced(io.Boolean.Input, "overwrite", default=False, tooltip="Replaces the face that has the name."),
            ],
            outputs=[],
        )

    @classmethod
    def execute(
        cls,
        faces: FaceSet,
        image: torch.Tensor,
        name: str,
        consent: str = "",
        embeddings_only: bool = False,
        overwrite: bool = False,
    ) -> io.NodeOutput:
        telling, pictures = Telling("saving"), frames_of(image)
        require_faces(faces, "faces")
        require_pictures(pictures, "image")
        if not faces.count:
            raise FaceNotFoundError("no face to save: none was found in these pictures")
        thumbnails, said = list[Picture](), list[str]()
        for number, donor in enumerate(faces.flat()):
            own = name if faces.count == 1 else f"{name} {number}"
            alone = replace(faces, frames=tuple(tuple(f for f in some if f is donor) for some in faces), others=())
            about = session().save_face(
                own, alone, pictures, embeddings_only=embeddings_only, consent=consent, overwrite=overwrite
            )
            said += [f"face:{about.name}: {about.kind}, {about.size:,} bytes", *about.notes]
            thumbnails += session().load_face(about.name).pictures
        report = telling.text(said)
        return io.NodeOutput(ui=shown(report, in_node(image_of(thumbnails))))

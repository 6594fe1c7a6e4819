"""LoadFaces: a saved face as a donor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from comfy_api.latest import io

from ..app.faces.folders import FaceFolders
from ..pipeline.errors import SettingsError
from .bridge import image_of
from .donors import more_inputs, with_more
from .host import folders, session
from .previews import in_node
from .schema import schema
from .sockets import Faces
from .telling import Telling, shown

if TYPE_CHECKING:
    import torch

    from ..pipeline.types import FaceSet

_NONE: Final = "no face is saved yet"
"""Stands in the menu, which may not be empty."""


class LoadFaces(io.ComfyNode):
    """See the schema's description."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        known = FaceFolders.of(folders()).names()
        text = "A saved face; those of ReActor are read too, for engines that take an identity."
        return schema(
            node_id="MFS_LoadFaces",
            display_name="Load Faces",
            description="Loads a person that Save Faces or the command line saved, with all views, as a donor.",
            search_aliases=["load face model", "saved face", "reactor face model", "face library"],
            inputs=[io.Combo.Input("name", options=known or [_NONE], tooltip=text), *more_inputs()],
            outputs=[
                Faces.Output("faces", tooltip="The person as one donor, behind those of more_faces."),
                io.Image.Output("image", tooltip="The pictures of all these donors; grey where none were saved."),
                io.String.Output("report", tooltip="What the saved face holds, and its note of consent."),
            ],
        )

    @classmethod
    def validate_inputs(cls, name: str | None = None) -> bool | str:
        try:
            return name is None or bool(FaceFolders.of(folders()).find(name))
        except SettingsError as error:
            return str(error)

    @classmethod
    def fingerprint_inputs(cls, name: str | None = None, **_others: object) -> str:
        if name is None:
            return ""
        path = FaceFolders.of(folders()).find(name)
        status = path.stat()
        return f"{path} {status.st_size} {status.st_mtime_ns}"

    @classmethod
    def execute(
        cls, name: str, more_faces: FaceSet | None = None, more_image: torch.Tensor | None = None
    ) -> io.NodeOutput:
        telling = Telling("loading")
        # By its file: what is linked to the name wasn't checked, and must not lead to others.
        saved = session().load_face(FaceFolders.of(folders()).find(name))
        images, donors = with_more(saved.pictures, saved.faces, more_image, more_faces)
        thumbnails = image_of(saved.pictures)
        report = telling.text([f"{name}: {saved.about.kind}"], saved.about.lines()[1:])
        return io.NodeOutput(donors, image_of(images), report, ui=shown(report, in_node(thumbnails)))

"""MergeFaces: several faces of one person become one donor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comfy_api.latest import io

from ..app.report import counted
from ..pipeline.errors import SettingsError
from ..pipeline.faces.identity import place_of
from ..pipeline.quotes import excerpt
from ..pipeline.validation import require_faces, require_pictures
from .bridge import frames_of, image_like
from .donors import more_inputs, with_more
from .host import session
from .inputs import check, inputs, values_of
from .schema import schema
from .sockets import Faces
from .telling import Telling, shown

if TYPE_CHECKING:
    import torch

    from ..app.settings import Value
    from ..pipeline.types import FaceSet


class MergeFaces(io.ComfyNode):
    """See the schema's description."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        text = "The pictures of the faces: to leave out other people, and for the image output."
        image = io.Image.Input("image", optional=True, tooltip=text)
        name = io.String.Input("name", optional=True, default="", tooltip="Whose faces they are, for the report.")
        return schema(
            node_id="MFS_MergeFaces",
            display_name="Merge Faces",
            description="Makes one donor of several faces of a person: engines take what they have in common. Other "
            "people among them are left out.",
            search_aliases=["blend faces", "face model", "average face", "several source images", "join faces"],
            inputs=[
                Faces.Input(
                    "faces", tooltip="Faces of one person, in a batch of pictures, from Detect or Order Faces."
                ),
                *inputs("merge", [image, name, *more_inputs()]),
            ],
            outputs=[
                Faces.Output("faces", tooltip="One donor, behind those of more_faces."),
                io.Image.Output("image", tooltip="The pictures of all these donors, for Swap Faces; needs image."),
                io.String.Output("report", tooltip="How many faces count, and who was left out."),
            ],
        )

    @classmethod
    def validate_inputs(cls, embedder: str | None = None) -> bool | str:
        return check("merge", embedder=embedder)

    @classmethod
    def execute(
        cls,
        faces: FaceSet,
        image: torch.Tensor | None = None,
        name: str = "",
        more_faces: FaceSet | None = None,
        more_image: torch.Tensor | None = None,
        **given: Value,
    ) -> io.NodeOutput:
        telling = Telling("merging")
        require_faces(faces, "faces")
        pictures = None if image is None else frames_of(image)
        if pictures is not None:
            require_pictures(pictures, "image")
            faces.require(pictures, "merged")
        merged = session().merge(faces, pictures, **values_of("merge", given))
        views = counted(len(set(map(place_of, merged.flat()[0].person))), "face")
        report = telling.text([f"{excerpt(name) or 'one person'}: one donor of {views}"], merged.notes)
        if pictures is None or image is None:
            if more_faces is not None or more_image is not None:
                raise SettingsError("more_faces: connect image too, so that all pictures come out together")
            return io.NodeOutput(merged, None, report, ui=shown(report))
        images, donors = with_more(pictures, merged, more_image, more_faces)
        return io.NodeOutput(donors, image_like(images, image), report, ui=shown(report))

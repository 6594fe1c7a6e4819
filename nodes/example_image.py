"""ExampleImage: the pictures that ship with the pack, so that the example workflows run as they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from comfy_api.latest import io

from .bridge import image_of
from .schema import schema

_EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
_FILES = {
    "pair": "pair.jpg",
    "group": "group.jpg",
    "collins": "astronaut.png",
    "hopper": "grace_hopper.jpg",
    "clip": "clip.webp",
}


class ExampleImage(io.ComfyNode):
    """See the schema's description."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="MFS_ExampleImage",
            display_name="Example Faces",
            description="Pictures to try the face nodes with: Eileen Collins (NASA) and Grace Hopper (US Navy).",
            search_aliases=["test image", "sample picture", "demo faces"],
            inputs=[
                io.Combo.Input(
                    "picture",
                    options=list(_FILES),
                    default="pair",
                    tooltip="Two people, four, one portrait or the other, or a short clip of two people.",
                ),
            ],
            outputs=[io.Image.Output("image", tooltip="The picture; of the clip, a batch of its frames.")],
        )

    @classmethod
    def execute(cls, picture: str) -> io.NodeOutput:
        from PIL import Image, ImageSequence

        with Image.open(_EXAMPLES / _FILES[picture]) as file:
            frames = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(file)]
        return io.NodeOutput(image_of(frames))

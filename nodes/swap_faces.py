"""SwapFaces: puts the source faces onto the target faces, exactly the pairs it is handed."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from comfy_api.latest import io

from ..pipeline.types import ColourMatch, Interpolation
from . import menus
from .bridge import frames_of, image_like, limits_of, mask_of
from .host import pool, progress
from .schema import advanced, schema
from .sockets import Faces, IndexMap

if TYPE_CHECKING:
    import torch

    from ..pipeline import types

_OFF = "disable"


class SwapFaces(io.ComfyNode):
    """See the schema's description."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="MFS_SwapFaces",
            display_name="Swap Faces",
            description="Swaps exactly the pairs of Map Faces. Nothing else of the picture changes.",
            search_aliases=["face swap", "faceswap", "multi face swap", "inswapper", "reactor", "deepfake"],
            inputs=[
                io.Image.Input("target_image", tooltip="The pictures to change, the ones their faces were found in."),
                io.Image.Input("source_image", tooltip="The pictures that give the faces; a batch is several donors."),
                IndexMap.Input("index_map", tooltip="From Map Faces."),
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
                io.Float.Input(
                    "strength",
                    default=1.0,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    optional=True,
                    tooltip="0 leaves the target's face, 1 gives the source's.",
                ),
                advanced(
                    io.Float.Input,
                    "mask_feather",
                    default=0.0,
                    min=0.0,
                    max=0.5,
                    step=0.01,
                    tooltip="Softens the rim further inwards, as a share of the face's size.",
                ),
                advanced(
                    io.Combo.Input,
                    "colour_match",
                    options=list(get_args(ColourMatch)),
                    default="auto",
                    tooltip="How colours follow the target's light. auto: what suits the engine.",
                ),
                advanced(
                    io.Boolean.Input,
                    "mirror",
                    default=True,
                    tooltip="mesh may show the source's other side where that fits the pose better.",
                ),
                advanced(
                    io.Combo.Input,
                    "pixel_boost",
                    options=["off", "256", "512", "1024"],
                    default="off",
                    tooltip="Lets inswapper and its like make larger faces, in several passes.",
                ),
                advanced(
                    io.Boolean.Input,
                    "parse_mask",
                    default=False,
                    tooltip="Keeps hair and hands in front of a face; needs the model parsing_bisenet.pth.",
                ),
                io.Mask.Input("mask", optional=True, tooltip="Pixels may change only where it is white."),
                advanced(
                    io.Combo.Input,
                    "face_restore",
                    options=menus.menu("restorer", _OFF),
                    default=_OFF,
                    tooltip="Sharpens swapped faces before they are put back, for large ones; needs its model file.",
                ),
                advanced(
                    io.Float.Input,
                    "face_restore_weight",
                    default=0.75,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    tooltip="CodeFormer: 0 restores most, 1 stays closest. Others: the restored face's share.",
                ),
            ],
            outputs=[
                io.Image.Output("image", tooltip="The target pictures with the faces swapped."),
                Faces.Output("faces", tooltip="The swapped faces, for Restore Faces."),
                io.Mask.Output("mask", tooltip="Where pixels were changed."),
                io.String.Output("report", tooltip="What was left out, and why."),
            ],
        )

    @classmethod
    def validate_inputs(cls, swap_model: str | None = None, face_restore: str | None = None) -> bool | str:
        swapper = menus.check("swap_model", "swapper", swap_model)
        return menus.check("face_restore", "restorer", face_restore, _OFF) if swapper is True else swapper

    @classmethod
    def execute(
        cls,
        target_image: torch.Tensor,
        source_image: torch.Tensor,
        index_map: types.IndexMap,
        swap_model: str,
        interpolation: Interpolation,
        strength: float = 1.0,
        mask_feather: float = 0.0,
        colour_match: ColourMatch = "auto",
        mirror: bool = True,
        pixel_boost: str = "off",
        parse_mask: bool = False,
        mask: torch.Tensor | None = None,
        face_restore: str = _OFF,
        face_restore_weight: float = 0.75,
    ) -> io.NodeOutput:
        from ..app.functions import swap_faces

        targets = frames_of(target_image)
        result = swap_faces(
            targets,
            frames_of(source_image),
            index_map,
            menus.named(swap_model),
            interpolation,
            strength=strength,
            mask_feather=mask_feather,
            colour_match=colour_match,
            mirror=mirror,
            pixel_boost=0 if pixel_boost == "off" else int(pixel_boost),
            parse_mask=parse_mask,
            face_restore=menus.named(face_restore),
            face_restore_weight=face_restore_weight,
            mask=limits_of(mask, targets),
            pool=pool(),
            progress=progress(),
        )
        image = image_like(result.images, target_image)
        return io.NodeOutput(image, result.faces, mask_of(result.masks), "\n".join(result.report))

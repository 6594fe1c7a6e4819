"""The nodes: the only place that imports ComfyUI's own modules."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension, io

from .host import register_folders


class MultiFaceSwapExtension(ComfyExtension):
    """What ComfyUI loads."""

    async def on_load(self) -> None:
        from . import replacements

        await replacements.register()

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        from .crop_faces import CropFaces
        from .example_image import ExampleImage
        from .face_detect import FaceDetect
        from .face_order import FaceOrder
        from .face_restore import FaceRestore
        from .index_map import MapFaces
        from .load_faces import LoadFaces
        from .merge_faces import MergeFaces
        from .paste_faces import PasteFaces
        from .remote_segmind import RemoteSegmindSwap
        from .save_faces import SaveFaces
        from .save_marked import SaveMarked
        from .swap_faces import SwapFaces
        from .swap_faces_video import SwapFacesVideo

        # Here and not in on_load, which ComfyUI 0.8 doesn't call; before the nodes list the files in these folders.
        register_folders()
        swaps = [SwapFaces, SwapFacesVideo]
        crops = [CropFaces, PasteFaces]
        people = [MergeFaces, SaveFaces, LoadFaces]
        others = [RemoteSegmindSwap, ExampleImage, SaveMarked]
        return [FaceDetect, FaceOrder, MapFaces, *swaps, FaceRestore, *crops, *people, *others]

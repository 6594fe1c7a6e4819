"""The socket types of this pack, core's box type, which ComfyUI before 0.23 doesn't name, and what stands for it."""

from __future__ import annotations

from comfy_api.latest import io

Faces = io.Custom("MFS_FACES")
"""`pipeline.types.FaceSet`: frozen, without pixels."""
IndexMap = io.Custom("MFS_INDEX_MAP")
"""`pipeline.types.IndexMap`."""
Crops = io.Custom("MFS_CROPS")
"""`pipeline.compose.face_crops.FaceCrops`: frozen, without pictures."""
BoundingBox = io.Custom("BOUNDING_BOX")
"""A list a picture of `{"x", "y", "width", "height", "label", "score"}` in pixels."""
BoxesOrSegs = io.Custom("BOUNDING_BOX,SEGS")
"""The above, or SEGS of the Impact Pack: `((height, width), [SEG])` of one picture, or of all of them."""

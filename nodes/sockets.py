"""The socket types of this pack, and core's box type, which ComfyUI before 0.23 doesn't name."""

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

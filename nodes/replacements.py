"""Which nodes of other packs this pack's may stand in for, where both mean the same.

ComfyUI's page offers it for nodes that aren't installed; older ones know no replacements.
"""

from __future__ import annotations

import sys
from typing import Any, Final

from comfy_api.latest import io

_RESTORE: Final = {
    "new_node_id": "MFS_FaceRestore",
    "old_node_id": "ReActorRestoreFace",
    "old_widget_ids": ["facedetection", "model", "visibility", "codeformer_weight"],
    "input_mapping": [
        {"new_id": "image", "old_id": "image"},
        {"new_id": "facedetection", "old_id": "facedetection"},
        {"new_id": "face_restore", "old_id": "model"},
        {"new_id": "visibility", "old_id": "visibility"},
        {"new_id": "face_restore_weight", "old_id": "codeformer_weight"},
    ],
    "output_mapping": [{"new_idx": 0, "old_idx": 0}],
}
"""Its swap node does in one what are four steps here, so that one node can't stand in for it."""


async def register() -> None:
    """Tell ComfyUI, if it takes replacements and serves pages."""
    replace: Any = getattr(io, "NodeReplace", None)
    server = getattr(sys.modules.get("server"), "PromptServer", None)
    if replace is None or getattr(server, "instance", None) is None:
        return
    import comfy_api.latest

    latest: Any = comfy_api.latest
    await latest.ComfyAPI().node_replacement.register(replace(**_RESTORE))

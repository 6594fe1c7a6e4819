"""Writes `example_workflows/*.json`: `python scripts/make_workflows.py`. Nothing there is edited by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from node_specs import CORE, CORE_DEFAULTS, ROOT, defaults_of, schemas, spec_of
from workflow_file import Flow, Node, Output

FOLDER = ROOT / "example_workflows"


def _faces(flow: Flow, image: Output, whose: str, order: str = "left-right") -> Node:
    found = flow.add("MFS_FaceDetect", f"Detect {whose} faces", image=image)
    settings = {"image": image, "detection_face_order": order}
    return flow.add("MFS_FaceOrder", f"Order {whose} faces", faces=found[0], **settings)


def _swapped(flow: Flow, target: Output, source: Output, faces: tuple[Node, Node], **lists: str) -> Node:
    images = {"target_image": target, "source_image": source}
    mapped = flow.add("MFS_IndexMap", target_faces=faces[0][0], source_faces=faces[1][0], **images, **lists)
    swapped = flow.add("MFS_SwapFaces", index_map=mapped[0], **images)
    flow.add("PreviewAny", "Report", source=swapped[3])
    return swapped


def swap_two_people(flow: Flow) -> None:
    """Two people change faces."""
    flow.note = (
        "## Swap two people at once\n"
        "Both people of one picture change faces: target `0` gets source `1`, target `1` gets source `0`. "
        "Put **Load Image** in place of **Example Faces** for pictures of your own; "
        "**Map Faces** shows who becomes whom before anything is swapped."
    )
    picture = flow.add("MFS_ExampleImage", picture="pair")
    faces = _faces(flow, picture[0], "all")
    lists = {"input_faces_index": "0,1", "source_faces_index": "1,0"}
    swapped = _swapped(flow, picture[0], picture[0], (faces, faces), **lists)
    flow.add("SaveImage", images=swapped[0], filename_prefix="MultiFaceSwap/two_people")


def several_donors_group(flow: Flow) -> None:
    """Donors from several pictures, taken in turn for everybody in a group."""
    flow.note = (
        "## Several donors onto a group\n"
        "The pictures of the donors are batched; their faces are counted through the whole batch. "
        "Targets `*` are all faces from left to right, and `round-robin` starts over when the donors are used up."
    )
    target = flow.add("MFS_ExampleImage", "Target", picture="group")
    first = flow.add("MFS_ExampleImage", "Donor 0", picture="collins")
    second = flow.add("MFS_ExampleImage", "Donor 1", picture="hopper")
    donors = flow.add("BatchImagesNode", "Donors", images__image0=first[0], images__image1=second[0])
    faces = _faces(flow, target[0], "target"), _faces(flow, donors[0], "donor")
    lists = {"input_faces_index": "*", "source_faces_index": "0,1", "pairing": "round-robin"}
    swapped = _swapped(flow, target[0], donors[0], faces, **lists)
    flow.add("SaveImage", images=swapped[0], filename_prefix="MultiFaceSwap/group")


def swap_and_restore(flow: Flow) -> None:
    """The swapped faces go on to a restorer."""
    flow.note = (
        "## Swap and restore\n"
        "**Restore Faces** works on exactly the faces that were swapped. It is set to `disable`, because restorers "
        "need a model file: choose CodeFormer or GFPGAN there once it is in `models/facerestore_models`."
    )
    target = flow.add("MFS_ExampleImage", "Target", picture="pair")
    donor = flow.add("MFS_ExampleImage", "Donor", picture="collins")
    faces = _faces(flow, target[0], "target"), _faces(flow, donor[0], "donor", "large-small")
    swapped = _swapped(flow, target[0], donor[0], faces, input_faces_index="0", source_faces_index="0")
    restored = flow.add("MFS_FaceRestore", image=swapped[0], faces=swapped[1], face_restore="disable")
    flow.add("SaveImage", images=restored[0], filename_prefix="MultiFaceSwap/restored")


def swap_clip(flow: Flow) -> None:
    """A clip, frame by frame."""
    flow.note = (
        "## A clip\n"
        "The frames of a clip are a batch of pictures: target faces are numbered anew in every frame, here from left "
        "to right. For a film of your own use **Load Video** and **Get Video Components** in place of the example."
    )
    frames = flow.add("MFS_ExampleImage", "Frames", picture="clip")
    donors = flow.add("MFS_ExampleImage", "Donors", picture="pair")
    faces = _faces(flow, frames[0], "target"), _faces(flow, donors[0], "donor")
    lists = {"input_faces_index": "0,1", "source_faces_index": "1,0"}
    swapped = _swapped(flow, frames[0], donors[0], faces, **lists)
    video = flow.add("CreateVideo", images=swapped[0], fps=8.0)
    flow.add("SaveVideo", video=video[0], filename_prefix="MultiFaceSwap/clip")


FLOWS: tuple[Callable[[Flow], None], ...] = (swap_two_people, several_donors_group, swap_and_restore, swap_clip)


def workflows() -> dict[str, dict[str, Any]]:
    """All workflows by name."""
    own = schemas()
    specs = {**CORE, **{name: spec_of(schema) for name, schema in own.items()}}
    defaults = {**CORE_DEFAULTS, **{name: defaults_of(schema) for name, schema in own.items()}}
    made: dict[str, dict[str, Any]] = {}
    for build in FLOWS:
        flow = Flow(specs, defaults)
        build(flow)
        made[build.__name__] = flow.workflow(build.__name__)
    return made


def main() -> None:
    """Write them."""
    for name, workflow in workflows().items():
        text = json.dumps(workflow, indent=1, ensure_ascii=False)
        (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""Writes `example_workflows/*.json`: `python scripts/make_workflows.py`. Nothing there is edited by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from node_specs import CORE, CORE_DEFAULTS, ROOT, defaults_of, schemas, spec_of
from workflow_file import Flow, Node, Output

FOLDER = ROOT / "example_workflows"


def _faces(flow: Flow, image: Output, whose: str, order: str = "left-right") -> Node:
    found = flow.add("MFS_FaceDetect", f"Detect {whose} faces", image=image)
    settings = {"image": image, "detection_face_order": order}
    return flow.add("MFS_FaceOrder", f"Order {whose} faces", faces=found[0], **settings)


def _swapped(
    flow: Flow,
    target: Output,
    source: Output,
    faces: tuple[Node, Node],
    settings: Mapping[str, Any] | None = None,
    **mapping: Any,
) -> Node:
    """Mapped and swapped, with settings of Swap Faces and what Map Faces is given."""
    images = {"target_image": target, "source_image": source}
    mapped = flow.add("MFS_IndexMap", target_faces=faces[0][0], source_faces=faces[1][0], **images, **mapping)
    swapped = flow.add("MFS_SwapFaces", index_map=mapped[0], **images, **(settings or {}))
    flow.add("PreviewAny", "Report", source=swapped[3])
    return swapped


def swap_two_people(flow: Flow) -> None:
    """Two people change faces."""
    flow.note = (
        "## Swap two people at once\n"
        "Both people of one picture change faces: target 0 gets source 1, target 1 gets source 0. "
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
        "A star as the list of targets means all faces, from left to right, and **round-robin** starts over when the "
        "donors are used up."
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
        "**Restore Faces** works on exactly the faces that were swapped. It is set to **disable**, because restorers "
        "need a model file: choose CodeFormer or GFPGAN there once it is in the folder models/facerestore_models."
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


def whose_glasses(flow: Flow) -> None:
    """A face keeps its own glasses and gets the donor's face behind them."""
    flow.note = (
        "## Whose glasses?\n"
        "**glasses** in Swap Faces says whose the face wears with **mesh**: the target's frames stay pixel by pixel, "
        "the donor's come along and the target's are taken off, or none. To keep the eyes behind them too, write "
        "glasses into **keep**."
    )
    target = flow.add("MFS_ExampleImage", "Target", picture="hopper")
    donor = flow.add("MFS_ExampleImage", "Donor", picture="collins")
    faces = _faces(flow, target[0], "target"), _faces(flow, donor[0], "donor")
    swapped = _swapped(flow, target[0], donor[0], faces, {"glasses": "target"})
    flow.add("SaveImage", images=swapped[0], filename_prefix="MultiFaceSwap/glasses")


def own_mouth(flow: Flow) -> None:
    """Everything of the donor but the mouth: it goes on saying what it says."""
    flow.note = (
        "## Keep the mouth\n"
        "**keep** names parts of the target's face that stay, with every engine and without a model: mouth, eyes, "
        "brows, nose, forehead, beard, glasses. Here the mouth keeps its own smile and teeth."
    )
    target = flow.add("MFS_ExampleImage", "Target", picture="collins")
    donor = flow.add("MFS_ExampleImage", "Donor", picture="hopper")
    faces = _faces(flow, target[0], "target"), _faces(flow, donor[0], "donor")
    swapped = _swapped(flow, target[0], donor[0], faces, {"keep": "mouth"})
    flow.add("SaveImage", images=swapped[0], filename_prefix="MultiFaceSwap/own_mouth")


def one_person_everywhere(flow: Flow) -> None:
    """One person is recognised in a group and gets a donor; everybody else stays."""
    flow.note = (
        "## One person, wherever they stand\n"
        "**reference_faces** of Map Faces shows who is meant: every face that looks like reference 0 gets source "
        "0. No numbers of target faces are needed, so it works over a whole batch of pictures."
    )
    target = flow.add("MFS_ExampleImage", "Target", picture="group")
    donor = flow.add("MFS_ExampleImage", "Donor", picture="collins")
    person = flow.add("MFS_ExampleImage", "The person", picture="hopper")
    faces = _faces(flow, target[0], "target"), _faces(flow, donor[0], "donor")
    known = _faces(flow, person[0], "the person's")
    people = {"reference_faces": known[0], "reference_image": person[0]}
    swapped = _swapped(flow, target[0], donor[0], faces, {}, **people)
    flow.add("SaveImage", images=swapped[0], filename_prefix="MultiFaceSwap/one_person")


def halfway(flow: Flow) -> None:
    """A face halfway between two people."""
    flow.note = (
        "## Halfway between two people\n"
        "**strength** is the donor's share: 0 is the target's own face, 1 the donor's. Everything else of the "
        "picture stays as it is."
    )
    picture = flow.add("MFS_ExampleImage", picture="pair")
    faces = _faces(flow, picture[0], "all")
    lists = {"input_faces_index": "0,1", "source_faces_index": "1,0"}
    swapped = _swapped(flow, picture[0], picture[0], (faces, faces), {"strength": 0.5}, **lists)
    flow.add("SaveImage", images=swapped[0], filename_prefix="MultiFaceSwap/halfway")


def largest_face(flow: Flow) -> None:
    """Of a group the largest face alone."""
    flow.note = (
        "## The largest face alone\n"
        "**detection_face_order** is **large-small**, which gives the number 0 to the largest face of each picture: "
        "good for portraits with people in the background."
    )
    target = flow.add("MFS_ExampleImage", "Target", picture="group")
    donor = flow.add("MFS_ExampleImage", "Donor", picture="collins")
    faces = _faces(flow, target[0], "target", "large-small"), _faces(flow, donor[0], "donor")
    swapped = _swapped(flow, target[0], donor[0], faces, input_faces_index="0", source_faces_index="0")
    flow.add("SaveImage", images=swapped[0], filename_prefix="MultiFaceSwap/largest")


def crop_and_upscale(flow: Flow) -> None:
    """Faces are edited as crops of their own, and put back."""
    flow.note = (
        "## Edit faces as crops\n"
        "**Crop Faces** gives every face as a straight square with a mask, **Paste Faces** puts the edited squares "
        "back. Put an upscale model, image to image or any other nodes in place of **Upscale** and **Sharpen**; crops "
        "may come back in any size."
    )
    picture = flow.add("MFS_ExampleImage", picture="group")
    found = flow.add("MFS_FaceDetect", image=picture[0])
    cut = flow.add("MFS_CropFaces", image=picture[0], faces=found[0])
    larger = flow.add("ImageScaleBy", "Upscale", image=cut[0], upscale_method="lanczos", scale_by=2.0)
    edited = flow.add("ImageSharpen", "Sharpen", image=larger[0], sharpen_radius=4, sigma=2.0, alpha=0.15)
    pasted = flow.add("MFS_PasteFaces", image=picture[0], crops=edited[0], crop_data=cut[2])
    flow.add("PreviewAny", "Report", source=pasted[2])
    flow.add("SaveImage", images=pasted[0], filename_prefix="MultiFaceSwap/crops")


FLOWS: tuple[Callable[[Flow], None], ...] = (
    swap_two_people,
    several_donors_group,
    swap_and_restore,
    swap_clip,
    whose_glasses,
    own_mouth,
    one_person_everywhere,
    halfway,
    largest_face,
    crop_and_upscale,
)


def workflows() -> dict[str, dict[str, Any]]:
    """All workflows by name."""
    own = schemas()
    specs = {**CORE, **{name: spec_of(schema) for name, schema in own.items()}}
    defaults = {**CORE_DEFAULTS, **{name: defaults_of(schema) for name, schema in own.items()}}
    made: dict[str, dict[str, Any]] = {}
    for build in FLOWS:
        flow = Flow(specs, defaults)
        build(flow)
        made[title_of(build)] = flow.workflow(build.__name__)
    return made


def title_of(build: Callable[[Flow], None]) -> str:
    """The file's name, which the page shows as the title of the template: it reads no titles from elsewhere."""
    return build.__name__.replace("_", " ").capitalize()


def main() -> None:
    """Write them."""
    for name, workflow in workflows().items():
        text = json.dumps(workflow, indent=1, ensure_ascii=False)
        (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

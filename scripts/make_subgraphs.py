"""Writes `subgraphs/*.json`: `python scripts/make_subgraphs.py`. Nothing there is edited by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from node_specs import ROOT, defaults_of, schemas, spec_of
from subgraph_file import Blueprint
from workflow_file import Node, Output

FOLDER = ROOT / "subgraphs"


def _faces(graph: Blueprint, image: Output, whose: str, order: Output) -> Node:
    found = graph.add("MFS_FaceDetect", f"Detect {whose} faces", image=image)
    settings = {"image": image, "detection_face_order": order}
    return graph.add("MFS_FaceOrder", f"Order {whose} faces", faces=found[0], **settings)


def _setting(graph: Blueprint, node: str, name: str, kind: str, default: Any = None) -> Output:
    """A setting as the node has it, unless another default suits the whole better."""
    own = graph.defaults[node][name] if default is None else default
    return graph.setting(name, kind, own)


def local(graph: Blueprint) -> None:
    """Swap Faces (local)"""
    graph.description = "Swaps faces of pictures on this machine: who gets whom, and by which engine."
    target, source = graph.socket("target_image", "IMAGE"), graph.socket("source_image", "IMAGE")
    lists = {
        name: _setting(graph, "MFS_IndexMap", name, "STRING", default)
        for name, default in (("input_faces_index", "*"), ("source_faces_index", "0"))
    }
    order = _setting(graph, "MFS_FaceOrder", "detection_face_order", "COMBO", "left-right")
    model = _setting(graph, "MFS_SwapFaces", "swap_model", "COMBO")
    restorer = _setting(graph, "MFS_SwapFaces", "face_restore", "COMBO")
    faces = _faces(graph, target, "target", order), _faces(graph, source, "source", order)
    images = {"target_image": target, "source_image": source}
    pairs = graph.add("MFS_IndexMap", target_faces=faces[0][0], source_faces=faces[1][0], **images, **lists)
    swapped = graph.add("MFS_SwapFaces", index_map=pairs[0], swap_model=model, face_restore=restorer, **images)
    for slot, name in enumerate(("image", "faces", "mask", "report")):
        graph.output(name, swapped[slot])


def hosted(graph: Blueprint) -> None:
    """Swap Faces (Segmind)"""
    graph.description = "Swaps faces at Segmind's hosted API: each target picture is a paid call, made with your key."
    node = "MFS_RemoteSegmindSwap"
    images = {name: graph.socket(name, "IMAGE") for name in ("source_image", "target_image")}
    names = ("input_faces_index", "source_faces_index", "detection_face_order", "face_restore")
    known = {w.name: w.kind for w in graph.specs[node].widgets}
    settings = {name: _setting(graph, node, name, known[name]) for name in names}
    swapped = graph.add(node, "", **images, **settings)
    graph.output("image", swapped[0])
    graph.output("report", swapped[1])


def video(graph: Blueprint) -> None:
    """Swap Faces in Video"""
    graph.description = "Swaps faces in a clip of any length; people are followed through each scene."
    node = "MFS_SwapFacesVideo"
    given = {"video": graph.socket("video", "VIDEO"), "source_image": graph.socket("source_image", "IMAGE")}
    known = {w.name: w.kind for w in graph.specs[node].widgets}
    names = ("input_faces_index", "source_faces_index", "detection_face_order", "swap_model")
    swapped = graph.add(node, "", **given, **{name: _setting(graph, node, name, known[name]) for name in names})
    graph.output("video", swapped[0])
    graph.output("report", swapped[1])


BLUEPRINTS: tuple[Callable[[Blueprint], None], ...] = (local, hosted, video)


def blueprints() -> dict[str, dict[str, Any]]:
    """All blueprints by name."""
    own = schemas()
    specs = {name: spec_of(schema) for name, schema in own.items()}
    defaults = {name: defaults_of(schema) for name, schema in own.items()}
    made: dict[str, dict[str, Any]] = {}
    for build in BLUEPRINTS:
        graph, name = Blueprint(specs, defaults), str(build.__doc__)
        build(graph)
        made[name] = graph.file(name)
    return made


def main() -> None:
    """Write them."""
    FOLDER.mkdir(exist_ok=True)
    for name, content in blueprints().items():
        text = json.dumps(content, indent=1, ensure_ascii=False)
        (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""Writes graphs as ComfyUI's workflow files (the format of its page, version 0.4)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

WIDTH = 340
_GAP = 60
ROW, WIDGET = 22, 28
_PREVIEW, _REPORT = 260, 140


class Socket(NamedTuple):
    """A named input or output and the type that flows there."""

    name: str
    kind: str


class Spec(NamedTuple):
    """What a kind of node looks like: its sockets, its settings in the page's order, its outputs."""

    sockets: Sequence[Socket]
    widgets: Sequence[Socket]
    outputs: Sequence[Socket]
    pack: str
    """Id in the registry of custom nodes, `comfy-core` for ComfyUI's own."""
    previews: bool = False


class Output(NamedTuple):
    """One output of one node of a flow."""

    node: int
    slot: int


@dataclass
class Node:
    """A node of a flow; settings that aren't given keep `defaults`."""

    number: int
    kind: str
    inputs: Mapping[str, Any]
    title: str = ""

    def __getitem__(self, slot: int) -> Output:
        return Output(self.number, slot)


@dataclass
class Flow:
    """A graph in the making."""

    specs: Mapping[str, Spec]
    defaults: Mapping[str, Mapping[str, Any]]
    nodes: list[Node] = field(default_factory=list)
    note: str = ""

    def add(self, kind: str, title: str = "", /, **inputs: Any) -> Node:
        """A node with its settings and, as `Output`s, its links; `images__0` stands for an input named `images.0`."""
        named = {name.replace("__", "."): value for name, value in inputs.items()}
        self.nodes.append(Node(len(self.nodes) + 1, kind, named, title))
        return self.nodes[-1]

    def workflow(self, name: str) -> dict[str, Any]:
        """The workflow file's contents; the same flow gives the same file."""
        links = self._links()
        depths = self._depths()
        tops: dict[int, int] = {}
        nodes = [self._node(node, links, _place(depths[node.number], tops, self._height(node))) for node in self.nodes]
        nodes += [self._note(len(self.nodes) + 1)] if self.note else []
        return {
            "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"multifaceswap/{name}")),
            "revision": 0,
            "last_node_id": len(nodes),
            "last_link_id": len(links),
            "nodes": nodes,
            "links": [[number, *link] for number, link in enumerate(links, 1)],
            "groups": [],
            "config": {},
            "extra": {"ds": {"scale": 0.7, "offset": [60, 220]}},
            "version": 0.4,
        }

    def _links(self) -> list[tuple[int, int, int, int, str]]:
        """(from node, its output, to node, its input, type) of every link."""
        found: list[tuple[int, int, int, int, str]] = []
        for node in self.nodes:
            for slot, socket in enumerate(self.specs[node.kind].sockets):
                given = node.inputs.get(socket.name)
                if given is not None:
                    kind = self.specs[self.nodes[given.node - 1].kind].outputs[given.slot].kind
                    found.append((given.node, given.slot, node.number, slot, kind))
        return found

    def _depths(self) -> dict[int, int]:
        depths: dict[int, int] = {}
        for node in self.nodes:
            before = [depths[value.node] for value in node.inputs.values() if isinstance(value, Output)]
            depths[node.number] = max(before, default=-1) + 1
        return depths

    def _height(self, node: Node) -> int:
        spec = self.specs[node.kind]
        rows = max(len(spec.sockets), len(spec.outputs))
        shown = (_PREVIEW if spec.previews else 0) + (_REPORT if "report" in {o.name for o in spec.outputs} else 0)
        return 40 + ROW * rows + WIDGET * len(spec.widgets) + shown

    def _node(self, node: Node, links: Sequence[Sequence[Any]], place: tuple[int, int]) -> dict[str, Any]:
        spec, own = self.specs[node.kind], node.number
        into = {link[3]: number for number, link in enumerate(links, 1) if link[2] == own}
        out = [[n for n, link in enumerate(links, 1) if link[:2] == (own, slot)] for slot in range(len(spec.outputs))]
        sockets = [_socket(given, into.get(slot)) for slot, given in enumerate(spec.sockets)]
        widgets = [{"name": w.name, "type": w.kind, "link": None, "widget": {"name": w.name}} for w in spec.widgets]
        made = {
            "id": own,
            "type": node.kind,
            "pos": list(place),
            "size": [WIDTH, self._height(node)],
            "flags": {},
            "order": own - 1,
            "mode": 0,
            "inputs": [*sockets, *widgets],
            "outputs": [
                {"name": o.name, "type": o.kind, "links": out[slot] or None} for slot, o in enumerate(spec.outputs)
            ],
            "properties": {"cnr_id": spec.pack, "Node name for S&R": node.kind},
            "widgets_values": [self._value(node, widget.name) for widget in spec.widgets],
        }
        return {**made, "title": node.title} if node.title else made

    def _value(self, node: Node, name: str) -> Any:
        return node.inputs[name] if name in node.inputs else self.defaults[node.kind][name]

    def _note(self, number: int) -> dict[str, Any]:
        return {
            "id": number,
            "type": "MarkdownNote",
            "pos": [0, -260],
            "size": [2 * WIDTH, 160],
            "flags": {},
            "order": number - 1,
            "mode": 0,
            "inputs": [],
            "outputs": [],
            "title": "What this does",
            "properties": {},
            "widgets_values": [self.note],
            # On a note's own brown, newer pages write in grey.
            "color": "#222",
            "bgcolor": "#000",
        }


def _socket(given: Socket, link: int | None) -> dict[str, Any]:
    made = {"name": given.name, "type": given.kind, "link": link}
    # A label of its own would stand in the way of translations; grown sockets have long names.
    return {**made, "label": given.name.split(".")[-1]} if "." in given.name else made


def _place(depth: int, tops: dict[int, int], height: int) -> tuple[int, int]:
    """Columns from left to right, nodes of a column one below the other."""
    top = tops.get(depth, 0)
    tops[depth] = top + height + _GAP
    return depth * (WIDTH + _GAP), top

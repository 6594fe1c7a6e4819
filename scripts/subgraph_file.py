"""Writes graphs with sockets of their own as subgraph blueprints: one node on the canvas, a graph within."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from workflow_file import ROW, WIDGET, WIDTH, Flow, Output, Socket

_INPUT, _OUTPUT = -10, -20
_BOX = (140, 22)


class Given(NamedTuple):
    """An input of the whole: a socket, or a setting that the node on the canvas shows."""

    socket: Socket
    default: Any
    is_setting: bool


@dataclass
class Blueprint(Flow):
    """A graph whose nodes take what the node on the canvas is given."""

    given: list[Given] = field(default_factory=list)
    results: list[tuple[str, Output]] = field(default_factory=list)
    description: str = ""

    def socket(self, name: str, kind: str) -> Output:
        """An input without a widget."""
        return self._input(Given(Socket(name, kind), None, False))

    def setting(self, name: str, kind: str, default: Any) -> Output:
        """A setting on the node, for a widget of one node within or several."""
        return self._input(Given(Socket(name, kind), default, True))

    def output(self, name: str, value: Output) -> None:
        """An output of the whole."""
        self.results.append((name, value))

    def _input(self, given: Given) -> Output:
        self.given.append(given)
        return Output(_INPUT, len(self.given) - 1)

    def file(self, name: str) -> dict[str, Any]:
        """The blueprint's contents; the same graph gives the same file."""
        inner = self._inner(name)
        settings = [given for given in self.given if given.is_setting]
        rows = max(len(self.given) - len(settings), len(self.results))
        outer = {
            "id": 1,
            "type": inner["id"],
            "pos": [0, 0],
            "size": [WIDTH, 40 + ROW * rows + WIDGET * len(settings)],
            "flags": {},
            "order": 0,
            "mode": 0,
            "inputs": [_outer_input(given) for given in self.given],
            "outputs": [{"name": one["name"], "type": one["type"], "links": None} for one in inner["outputs"]],
            "title": name,
            "properties": {"proxyWidgets": [["-1", given.socket.name] for given in settings]},
            "widgets_values": [given.default for given in settings],
        }
        return {
            "revision": 0,
            "last_node_id": 1,
            "last_link_id": 0,
            "nodes": [outer],
            "links": [],
            "version": 0.4,
            "definitions": {"subgraphs": [inner]},
            "extra": {},
        }

    def _inner(self, name: str) -> dict[str, Any]:
        links = self._every_link()
        flow = self._within(name, links)
        return {
            "id": _id(name),
            "version": 1,
            "state": {"lastGroupId": 0, "lastNodeId": len(self.nodes), "lastLinkId": len(links), "lastRerouteId": 0},
            "revision": 0,
            "config": {},
            "name": name,
            "inputNode": {"id": _INPUT, "bounding": [-300, 0, *_BOX]},
            "outputNode": {"id": _OUTPUT, "bounding": [6 * WIDTH, 0, *_BOX]},
            "inputs": [self._end(name, links, slot) for slot in range(len(self.given))],
            "outputs": [self._result(name, links, slot) for slot in range(len(self.results))],
            "widgets": [],
            "nodes": flow,
            "groups": [],
            "links": links,
            "extra": {},
            "category": "Image/Face",
            "description": self.description,
        }

    def _every_link(self) -> list[dict[str, Any]]:
        """Links between the nodes, from the inputs and to the outputs."""
        ends: list[tuple[int, int, int, int, str]] = []
        for node in self.nodes:
            for slot, socket in enumerate(self._slots(node.kind)):
                value = node.inputs.get(socket.name)
                if isinstance(value, Output):
                    ends.append((value.node, value.slot, node.number, slot, self._kind(value)))
        ends += [(value.node, value.slot, _OUTPUT, n, self._kind(value)) for n, (_, value) in enumerate(self.results)]
        names = ("origin_id", "origin_slot", "target_id", "target_slot", "type")
        return [{"id": number, **dict(zip(names, end, strict=True))} for number, end in enumerate(ends, 1)]

    def _slots(self, kind: str) -> list[Socket]:
        return [*self.specs[kind].sockets, *self.specs[kind].widgets]

    def _kind(self, value: Output) -> str:
        if value.node == _INPUT:
            return self.given[value.slot].socket.kind
        return self.specs[self.nodes[value.node - 1].kind].outputs[value.slot].kind

    def _within(self, name: str, links: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The nodes, laid out as a workflow's, with the links of this graph."""
        plain = Flow(self.specs, self.defaults)
        for node in self.nodes:
            inner = {key: value for key, value in node.inputs.items() if getattr(value, "node", 0) != _INPUT}
            plain.add(node.kind, node.title, **{key.replace(".", "__"): value for key, value in inner.items()})
        nodes = plain.workflow(name)["nodes"]
        for node in nodes:
            for slot, given in enumerate(node["inputs"]):
                into = [one["id"] for one in links if (one["target_id"], one["target_slot"]) == (node["id"], slot)]
                given["link"] = into[0] if into else None
            for slot, given in enumerate(node["outputs"]):
                out = [one["id"] for one in links if (one["origin_id"], one["origin_slot"]) == (node["id"], slot)]
                given["links"] = out or None
        return nodes

    def _end(self, name: str, links: list[dict[str, Any]], slot: int) -> dict[str, Any]:
        socket = self.given[slot].socket
        ids = [one["id"] for one in links if (one["origin_id"], one["origin_slot"]) == (_INPUT, slot)]
        return _outside(name, "in", socket, ids, (-180, 20 + 20 * slot))

    def _result(self, name: str, links: list[dict[str, Any]], slot: int) -> dict[str, Any]:
        own, value = self.results[slot]
        ids = [one["id"] for one in links if (one["target_id"], one["target_slot"]) == (_OUTPUT, slot)]
        return _outside(name, "out", Socket(own, self._kind(value)), ids, (6 * WIDTH + 20, 20 + 20 * slot))


def _outer_input(given: Given) -> dict[str, Any]:
    made = {"name": given.socket.name, "type": given.socket.kind, "link": None}
    return {**made, "widget": {"name": given.socket.name}} if given.is_setting else made


def _outside(name: str, side: str, socket: Socket, links: list[int], place: tuple[int, int]) -> dict[str, Any]:
    made: Mapping[str, Any] = {"id": _id(f"{name}/{side}/{socket.name}"), "name": socket.name, "type": socket.kind}
    return {**made, "linkIds": links, "pos": list(place)}


def _id(text: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"multifaceswap/subgraphs/{text}"))

"""Writes `locales/en/nodeDefs.json` from the nodes' schemas: `python scripts/make_texts.py`.

Other languages are written by hand after it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from node_specs import ROOT, schemas

FILE = ROOT / "locales" / "en" / "nodeDefs.json"


def texts() -> dict[str, Any]:
    """What ComfyUI's page shows of every node, by node id."""
    return {node_id: of(schema) for node_id, schema in schemas().items()}


def of(schema: Any) -> dict[str, Any]:
    """The texts of one node."""
    return {
        "display_name": schema.display_name,
        "description": schema.description,
        "inputs": _sockets([given.id for given in schema.inputs], schema.inputs),
        "outputs": _sockets([str(slot) for slot in range(len(schema.outputs))], schema.outputs),
    }


def _sockets(keys: Sequence[str], sockets: Sequence[Any]) -> dict[str, Any]:
    pairs = zip(keys, sockets, strict=True)
    return {key: {"name": socket.display_name or socket.id, "tooltip": socket.tooltip} for key, socket in pairs}


def main() -> None:
    """Write them."""
    FILE.write_text(json.dumps(texts(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

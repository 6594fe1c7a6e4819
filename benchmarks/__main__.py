"""`python -m benchmarks`: a table, and the same as JSON."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from .running import machine, measured, table

_RESULTS = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.json"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    groups = ("paste", "restore", "detect", "swap", "start", "clip")
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"some of {', '.join(groups)} (default: all)")
    parser.add_argument("--json", type=Path, default=_RESULTS, metavar="FILE", help="default: docs/benchmarks.json")
    arguments = parser.parse_args()
    chosen = arguments.groups or groups
    if not {*chosen} <= {*groups}:
        parser.error(f"expected some of {', '.join(groups)}")
    rows = list(measured(chosen))
    print(table(rows))
    text = json.dumps({"machine": machine(), "rows": [row.json() for row in rows]}, indent=2, ensure_ascii=False)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()

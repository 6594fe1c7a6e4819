"""What nodes say of their work: as an output, and in the node itself, where the page's script shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from time import perf_counter
from typing import Final

from ..app.told import took

SHOWN: Final = "mfs_report"
"""The name under which the page gets a node's report."""


class Telling:
    """A report in the making; it says last how long the work took."""

    def __init__(self, work: str) -> None:
        """`work` names the stage, e.g. `swapping`."""
        self._work, self._start = work, perf_counter()

    def text(self, *parts: Iterable[str]) -> str:
        """The lines of all parts, each once, and the time since this was made."""
        lines = dict.fromkeys(line for part in parts for line in part)
        return "\n".join([*lines, took(perf_counter() - self._start, self._work)])


def shown(report: str, more: Mapping[str, object] | None = None) -> dict[str, object]:
    """What the page gets: the report and, if given, what else the node shows."""
    return {**(more or {}), SHOWN: [report]}

"""What is certain before any target is seen: whether a pair can be made at all."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import FaceNotFoundError, SettingsError
from ..types import Face, FaceSet
from .index_list import IndexList, Missing, parse_indexes
from .pairing import NO_SOURCE, join_spans, numbered, pair_faces


def require_feasible(
    source_faces: FaceSet,
    reference_faces: FaceSet | None,
    input_faces_index: str,
    source_faces_index: str,
    pairing: str,
    missing: str,
) -> list[Face]:
    """The source faces, numbered, that some target may get; the lists are those of `map_indexes`, or of
    `match_identities` where there are reference faces. Raises where there is none.

    FaceNotFoundError: there is no source face, or no reference face, or with `missing` `error` one that every target
    needs isn't there. SettingsError: the lists name only faces that aren't there. IndexListError for a list that can't
    be read. Which numbers targets have, only the targets tell: `input_faces_index` is checked for references alone.
    """
    if not source_faces.count:
        raise FaceNotFoundError(f"{NO_SOURCE}: nothing can be swapped")
    if reference_faces is None:
        reached = _require_sources(source_faces.count, input_faces_index, source_faces_index, missing)
        return [numbered(face, number) for number, face in enumerate(source_faces.flat()) if number in reached]
    if not reference_faces.count:
        raise FaceNotFoundError("no reference face found: nobody can be recognised")
    lists = input_faces_index, source_faces_index, pairing, missing
    pairs, lines = pair_faces(reference_faces.flat(), source_faces, *lists, noun="reference")
    if not pairs:
        raise SettingsError(f"{'; '.join(lines)}: nothing can be swapped")
    return list({pair.source.index: pair.source for pair in pairs}.values())


def _require_sources(count: int, input_faces_index: str, source_faces_index: str, missing: str) -> set[int]:
    targets, sources = parse_indexes(input_faces_index), parse_indexes(source_faces_index)
    reached = list(_reached(targets, sources, count))
    spans = [entry.span for entry in reached if isinstance(entry, Missing)]
    lacking = f"source {join_spans(spans)} not found ({count} source face{'' if count == 1 else 's'})" if spans else ""
    # How many targets `*` names, and so whether a source is needed, is known in each picture only.
    if spans and missing == "error" and targets.spans is not None:
        raise FaceNotFoundError(f"{lacking}. Name other faces, or let missing 'skip' them.")
    if len(spans) == len(reached):
        raise SettingsError(f"source_faces_index {sources}: {lacking}, nothing can be swapped")
    return {entry for entry in reached if isinstance(entry, int)}


def _reached(targets: IndexList, sources: IndexList, count: int) -> Iterator[int | Missing]:
    """The entries of `sources` whose turn comes, where there are `count` source faces."""
    left = None if targets.spans is None else targets.length(0)
    for entry in sources.resolve(count):
        if left is not None:
            if left <= 0:
                return
            left -= entry.span.length if isinstance(entry, Missing) else 1
        yield entry

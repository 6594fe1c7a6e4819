"""Who becomes whom by looks: target faces that look like a reference face take that reference's source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ..errors import FaceNotFoundError
from ..protocols import Embedder
from ..types import Face, FaceSet, FloatArray, IndexMap, Pair
from .identity import distances
from .index_list import Span
from .pairing import join_spans, numbered, pair_faces, unpaired


class Match(NamedTuple):
    """One target face that looks like a reference face."""

    target: int
    """Its place in its picture."""
    reference: int
    distance: float


def match_identities(
    target_faces: FaceSet,
    reference_faces: FaceSet,
    source_faces: FaceSet,
    input_faces_index: str = "*",
    source_faces_index: str = "*",
    pairing: str = "pairwise",
    missing: str = "skip",
    *,
    embedder: Embedder,
    threshold: float | None = None,
) -> IndexMap:
    """Pair target faces with the sources of the reference faces that they look like.

    The lists pair references with sources as `map_indexes` pairs targets with sources; references are numbered through
    all reference pictures. In each target picture a face and a reference go together if their embeddings, which are
    `embedder`'s, are less than `threshold` apart (None: the embedder's own); the nearest go together first, each face
    and each reference once, of equal distances the lower reference, then the lower face. References without a source
    take part too, so that their faces go to nobody else.

    `missing`: `error` raises FaceNotFoundError where a reference with a source isn't found in a picture. The report
    gives the distances. Raises SettingsError where faces have no embeddings or such of another model, IndexListError.
    """
    threshold = embedder.same_person if threshold is None else threshold
    references = [numbered(face, number) for number, face in enumerate(reference_faces.flat())]
    pairs, lines = pair_faces(
        references, source_faces, input_faces_index, source_faces_index, pairing, missing, noun="reference"
    )
    partners = {pair.target.index: pair.source for pair in pairs}
    tables = [distances(faces, references, embedder) for faces in target_faces]
    matches = [assign(table, threshold) for table in tables]
    if missing == "error":
        _require_found(matches, partners)
    frames = tuple(
        tuple(
            Pair(numbered(faces[match.target], match.target), partners[match.reference])
            for match in found
            if match.reference in partners
        )
        for faces, found in zip(target_faces, matches, strict=True)
    )
    report = (f"matched by identity: {embedder.metric} distance, threshold {threshold:g}", *lines)
    report += tuple(line for number in sorted(partners) for line in _told(number, partners[number], matches, tables))
    report += tuple(_also_alike(matches, tables, partners, threshold))
    others = unpaired(target_faces, frames)
    return IndexMap(frames, report, target_faces.size, source_faces.size, len(source_faces), others)


def assign(table: FloatArray, threshold: float) -> list[Match]:
    """The matches of one picture's (faces, references) distances, by target."""
    order = sorted(
        (float(distance), reference, target)
        for (target, reference), distance in np.ndenumerate(table)
        if distance < threshold
    )
    found: dict[int, Match] = {}
    taken: set[int] = set()
    for distance, reference, target in order:
        if target not in found and reference not in taken:
            found[target] = Match(target, reference, distance)
            taken.add(reference)
    return [found[target] for target in sorted(found)]


def _require_found(matches: Sequence[Sequence[Match]], partners: dict[int, Face]) -> None:
    for frame, found in enumerate(matches):
        lost = sorted(partners.keys() - {match.reference for match in found})
        if lost:
            raise nobody_like(lost, f"frame {frame}")


def nobody_like(references: Sequence[int], where: str) -> FaceNotFoundError:
    """The error for references that were asked for and not found in some frame or frames."""
    return FaceNotFoundError(
        f"{where}: nobody looks like reference {', '.join(map(str, references))}. Raise the threshold, name other "
        "references, or let missing 'skip' them."
    )


def _told(reference: int, source: Face, matches: Sequence[Sequence[Match]], tables: Sequence[FloatArray]) -> list[str]:
    """Where one reference was found and how near, and where it wasn't and how far the nearest face was."""
    found = [(frame, match) for frame, some in enumerate(matches) for match in some if match.reference == reference]
    lines: list[str] = []
    if found:
        targets = sorted({match.target for _, match in found})
        who = f"target {targets[0]}" if len(targets) == 1 else "targets " + ", ".join(map(str, targets))
        apart = [match.distance for _, match in found]
        near = shown_range(min(apart), max(apart))
        where = join_spans(Span(frame, frame) for frame, _ in found)
        lines.append(
            f"reference {reference} → source {source.index}: {who} in {_frames(found)} {where}, distance {near}"
        )
    seen = {frame for frame, _ in found}
    lost = [frame for frame in range(len(matches)) if frame not in seen]
    if lost:
        near = [float(tables[frame][:, reference].min()) for frame in lost if len(tables[frame])]
        nearest = f", nearest face {min(near):.2f} away" if near else ""
        where = join_spans(Span(frame, frame) for frame in lost)
        lines.append(f"reference {reference} not found in {_frames(lost)} {where}{nearest}")
    return lines


def _also_alike(
    matches: Sequence[Sequence[Match]], tables: Sequence[FloatArray], partners: dict[int, Face], threshold: float
) -> Iterator[str]:
    """A line for each reference with a source that further faces look like: the same person twice in a picture, such as
    in a mirror, or somebody alike."""
    seen: dict[int, list[tuple[int, Match]]] = {}
    for frame, (found, table) in enumerate(zip(matches, tables, strict=True)):
        taken = {match.target for match in found}
        for target, row in enumerate(table):
            if target not in taken and len(row) and row.min() < threshold:
                nearest = Match(target, int(row.argmin()), float(row.min()))
                seen.setdefault(nearest.reference, []).append((frame, nearest))
    for reference in sorted(seen.keys() & partners.keys()):
        near = [match.distance for _, match in seen[reference]]
        targets = sorted({match.target for _, match in seen[reference]})
        who = f"target {targets[0]} looks" if len(targets) == 1 else f"targets {', '.join(map(str, targets))} look"
        numbers = sorted({frame for frame, _ in seen[reference]})
        where = f"{_frames(numbers)} {join_spans(Span(frame, frame) for frame in numbers)}"
        yield (
            f"reference {reference}: {who} like it too in {where}, {shown_range(min(near), max(near))} away: each "
            "person is swapped once a picture"
        )


def _frames(items: Sequence[object]) -> str:
    return "frame" if len(items) == 1 else "frames"


def shown_range(low: float, high: float) -> str:
    """Distances as reports give them."""
    return f"{low:.2f}" if f"{low:.2f}" == f"{high:.2f}" else f"{low:.2f} to {high:.2f}"

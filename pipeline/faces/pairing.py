"""Who becomes whom: index lists and found faces become pairs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from ..errors import FaceNotFoundError, IndexListError, SettingsError, require_choice
from ..types import Face, FaceSet, IndexMap, Pair
from .index_list import IndexList, Missing, Span, parse_indexes

PAIRINGS: Final = ("pairwise", "round-robin")
MISSING: Final = ("skip", "error")
NO_SOURCE: Final = "no source face found"
_RUNS_SHOWN: Final = 8
"""A report line names at most that many runs of pictures."""


def map_indexes(
    target_faces: FaceSet,
    source_faces: FaceSet,
    input_faces_index: str = "0",
    source_faces_index: str = "0",
    pairing: str = "pairwise",
    missing: str = "skip",
) -> IndexMap:
    """Pair target faces with source faces.

    Targets are numbered afresh in each target picture, by their place in `target_faces`; sources through all source
    pictures (`source_faces.flat()`). Both lists are read by `parse_indexes`.

    `pairwise`: the i-th target entry gets the i-th source entry; a single source serves all targets; two written lists
    of other unequal lengths are an error. `*` is as long as there are faces, which changes from picture to picture: so
    where one list is `*`, the pairs that exist are made (a `*` that finds one source serves all targets), a target
    beyond the last source counts as a missing face, and sources beyond the last target are only reported.
    `round-robin`: the sources start over when they are used up; what is beyond the last target isn't used.

    `skip`: a pair whose target or source isn't there is left out and reported; the other pairs never shift. Where two
    entries turn out to be the same face (`0,-1` in a picture with one face) the first one counts. `error`: any of these
    raises FaceNotFoundError. A picture without faces is an error only if faces were asked for by number.
    The report counts pictures and faces from 0.

    Raises IndexListError for a list that can't be read and SettingsError for a target listed twice, unequal lengths or
    an unknown choice.
    """
    require_choice("pairing", pairing, PAIRINGS)
    require_choice("missing", missing, MISSING)
    plan = _plan(input_faces_index, source_faces_index, pairing)
    donors = [numbered(face, number) for number, face in enumerate(source_faces.flat())]
    matches = [_match(plan, faces, donors) for faces in target_faces]
    if missing == "error":
        _require_complete(matches)
    report = _report(matches) if donors else (f"{NO_SOURCE}: nothing is swapped",)
    pairs = tuple(tuple(match.pairs) for match in matches)
    others = unpaired(target_faces, pairs)
    return IndexMap(pairs, report, target_faces.size, source_faces.size, len(source_faces), others)


def unpaired(faces: FaceSet, frames: Sequence[Sequence[Pair]]) -> tuple[tuple[Face, ...], ...]:
    """The faces of each picture that are the target of none of its pairs; these count from 0 as the faces do."""

    def left(found: Sequence[Face], pairs: Sequence[Pair]) -> tuple[Face, ...]:
        taken = {pair.target.index for pair in pairs}
        return tuple(face for number, face in enumerate(found) if number not in taken)

    return tuple(
        (*left(found, pairs), *faces.others_of(number))
        for number, (found, pairs) in enumerate(zip(faces, frames, strict=True))
    )


def source_of(
    target: int, targets: int, sources: int, input_faces_index: str, source_faces_index: str, pairing: str
) -> int | None:
    """The number of the source face that `map_indexes` gives to one target face; None where it gives none.

    `target` counts from 0 among `targets` faces, the result among `sources`. Only the lists are read: the time doesn't
    grow with the faces. Raises what `map_indexes` raises for the lists and the pairing.
    """
    require_choice("pairing", pairing, PAIRINGS)
    plan = _plan(input_faces_index, source_faces_index, pairing)
    position = plan.targets.position(target, targets)
    source = None if position is None else _source_at(plan, position, sources)
    return source if isinstance(source, int) else None


def pair_faces(
    faces: Sequence[Face],
    source_faces: FaceSet,
    input_faces_index: str,
    source_faces_index: str,
    pairing: str,
    missing: str,
    *,
    noun: str,
) -> tuple[list[Pair], list[str]]:
    """Pair one list of faces with source faces as `map_indexes` does; report lines call the former by `noun`.

    Raises SettingsError, IndexListError, and FaceNotFoundError where `missing` is `error`.
    """
    require_choice("pairing", pairing, PAIRINGS)
    require_choice("missing", missing, MISSING)
    donors = [numbered(face, number) for number, face in enumerate(source_faces.flat())]
    match = _match(_plan(input_faces_index, source_faces_index, pairing), faces, donors, noun)
    lines = match.lines()
    if missing == "error" and match.gaps:
        raise FaceNotFoundError(f"{'; '.join(lines)}. Name other faces, or let missing 'skip' them.")
    return match.pairs, lines if donors else [f"{NO_SOURCE}: nothing is swapped"]


class _Plan(NamedTuple):
    """What was asked for."""

    targets: IndexList
    sources: IndexList
    round_robin: bool


def _plan(input_faces_index: str, source_faces_index: str, pairing: str) -> _Plan:
    targets = _list("input_faces_index", input_faces_index)
    plan = _Plan(targets, _list("source_faces_index", source_faces_index), pairing == "round-robin")
    plan.targets.require_distinct("input_faces_index")
    written = plan.targets.spans is not None and plan.sources.spans is not None
    wanted, given = plan.targets.length(0), plan.sources.length(0)
    if written and not plan.round_robin and given not in (1, wanted):
        raise SettingsError(
            f"input_faces_index {plan.targets} names {wanted} face(s), source_faces_index {plan.sources} {given}: "
            "pairing 'pairwise' takes as many sources as targets, or one source for all; 'round-robin' repeats them"
        )
    return plan


def _list(setting: str, text: str) -> IndexList:
    try:
        return parse_indexes(text)
    except IndexListError as error:
        raise IndexListError(text, error.position, f"{setting}: {error.reason}") from error


def numbered(face: Face, number: int) -> Face:
    """The face under this number."""
    return face if face.index == number else replace(face, index=number)


@dataclass(frozen=True, slots=True)
class _Match:
    """What became of the plan in one frame; filled entry by entry."""

    pairs: list[Pair] = field(default_factory=list[Pair])
    gaps: dict[str, list[Span]] = field(default_factory=dict[str, list[Span]])
    """Reason, with {} for the face numbers, to these numbers."""
    notes: list[str] = field(default_factory=list[str])
    """What is worth a line but is nobody's missing face."""

    def miss(self, reason: str, number: int | Span) -> None:
        span = Span(number, number) if isinstance(number, int) else number
        self.gaps.setdefault(reason, []).append(span)

    def lines(self) -> list[str]:
        return [reason.format(join_spans(spans)) for reason, spans in self.gaps.items()] + self.notes


def _match(plan: _Plan, faces: Sequence[Face], donors: Sequence[Face], noun: str = "target") -> _Match:
    match = _Match(notes=_notes(plan, len(faces), len(donors), noun))
    found, sources = f"({_count(len(faces), 'face')})", f"({_count(len(donors), 'source face')})"
    done: set[int] = set()
    for position, target in _entries(plan.targets, len(faces)):
        source = _source_at(plan, position, len(donors))
        if isinstance(target, Missing):
            match.miss(f"{noun} {{}} not found {found}", target.span)
        elif target in done:
            match.miss(f"{noun} {{}} is listed twice {found}, its first entry counts", target)
        elif source is None:
            match.miss(f"no source left for {noun} {{}} {sources}", target)
        elif isinstance(source, Missing):
            match.miss(f"source {source.span} not found {sources}, wanted for {noun} {{}}", target)
        else:
            match.pairs.append(Pair(numbered(faces[target], target), donors[source]))
        if isinstance(target, int):
            done.add(target)
    return match


def _entries(indexes: IndexList, count: int) -> Iterator[tuple[int, int | Missing]]:
    """Every entry with its position in the list as written."""
    position = 0
    for entry in indexes.resolve(count):
        yield position, entry
        position += entry.span.length if isinstance(entry, Missing) else 1


def _source_at(plan: _Plan, position: int, count: int) -> int | Missing | None:
    """The source for the target at `position`; None where the list of sources is at its end."""
    length = plan.sources.length(count)
    if length == 1 or (length and plan.round_robin):
        position %= length
    return plan.sources.pick(position, count) if position < length else None


def _notes(plan: _Plan, faces: int, donors: int, noun: str) -> list[str]:
    if not faces:
        return ["no face found"] if plan.targets.spans is None else []
    targets, sources = plan.targets.length(faces), plan.sources.length(donors)
    unused = 0 if plan.round_robin or sources == 1 else sources - targets
    return [f"{unused} of {sources} sources not used ({_count(targets, noun)})"] if unused > 0 else []


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def _require_complete(matches: Sequence[_Match]) -> None:
    for number, match in enumerate(matches):
        if match.gaps:
            lines = "; ".join(match.lines())
            raise FaceNotFoundError(f"frame {number}: {lines}. Name other faces, or let missing 'skip' them.")


def _report(matches: Sequence[_Match]) -> tuple[str, ...]:
    """A line for each thing to tell, with all the frames it holds for."""
    frames: dict[str, list[Span]] = {}
    for number, match in enumerate(matches):
        for line in match.lines():
            frames.setdefault(line, []).append(Span(number, number))
    return tuple(f"frame{'s' if len(spans) > 1 else ''} {join_spans(spans)}: {line}" for line, spans in frames.items())


def join_spans(spans: Iterable[Span]) -> str:
    """Numbers as runs: `0-9, 12, 20-21`, and how many more where there are many runs."""
    runs = _runs(spans)
    shown = ", ".join(map(str, runs[:_RUNS_SHOWN]))
    hidden = sum(run.length for run in runs[_RUNS_SHOWN:])
    return f"{shown} and {hidden} more" if hidden else shown


def _runs(spans: Iterable[Span]) -> list[Span]:
    """The spans in order, neighbouring ones joined; numbers counted from the end stay by themselves."""
    runs: list[Span] = []
    for span in sorted(spans):
        if runs and runs[-1].first >= 0 and span.first == runs[-1].last + 1:
            runs[-1] = Span(runs[-1].first, span.last)
        else:
            runs.append(span)
    return runs

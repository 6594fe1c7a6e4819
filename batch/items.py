"""What is to be done: an item a target, from files, folders and manifests."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import NamedTuple, TypeGuard, cast

from ..app.faces.folders import PREFIX
from ..app.names import free_name, inner_name
from ..pipeline.errors import ImageError, SettingsError
from ..pipeline.quotes import excerpt, listed, named, quoted
from .places import Place

RECORDS = ".multifaceswap"
"""Folder in the output folder, in which it is kept what is done."""
_TABLES = (".csv",)
_LINES = (".jsonl", ".ndjson")
_TARGET, _SOURCE, _OUTPUT = "target", "source", "output"


@dataclass(frozen=True, slots=True)
class Item:
    """One target."""

    name: str
    """Of its result in the output folder, with forward slashes."""
    target: str
    """Path or URL."""
    sources: tuple[str, ...] = ()
    """Paths or URLs, a folder for the person that its pictures show; none for those that all items share."""
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    """Settings of its own, by the names of the command's options."""

    def json(self) -> str:
        """The item as text, for `of_json`."""
        return json.dumps(asdict(self))

    @classmethod
    def of_json(cls, text: str) -> Item:
        values = json.loads(text)
        return cls(values["name"], values["target"], tuple(values["sources"]), values["options"])


ResultName = Callable[[str, Mapping[str, str]], str]
"""The name of a result, from that of its target and the item's own settings."""


class Found(NamedTuple):
    """What files, folders and manifests come to."""

    items: list[Item]
    passed_over: list[str]
    """Names of files in the folders that aren't targets, with forward slashes."""


class _Row(NamedTuple):
    """An item before its result has a name of its own."""

    item: Item
    is_named: bool
    """Whether the name was asked for."""


def items_of(given: Sequence[str], is_wanted: Callable[[str], bool], result_name: ResultName) -> Found:
    """The items that files, folders (with all folders in them) and manifests name, in their order.

    `is_wanted` tells which files of a folder are targets; `result_name` gives a result's name; where two have one,
    numbers tell them apart. Manifests end in .csv, .jsonl or .ndjson: a row a target, with the column or key `target`,
    and if wanted `source` (several with semicolons, or a list), `output` and any option; paths in it are relative to
    its own folder. Raises SettingsError for a manifest that can't be understood and where it gives two results one
    name, ImageError where there is nothing to do, OSError for a manifest that can't be read.
    """
    if "" in given:
        raise ImageError("a target's name is empty: expected a picture, clip, folder, URL or manifest")
    passed_over: list[str] = []
    rows = [row for address in given for row in _rows_at(Place(address), is_wanted, result_name, passed_over)]
    if not rows:
        raise ImageError(f"{listed(map(named, given))}: there is no picture or clip here")
    return Found(_with_names_of_their_own(rows), passed_over)


def _with_names_of_their_own(rows: Sequence[_Row]) -> list[Item]:
    taken = _asked_for([row.item for row in rows if row.is_named])
    items: list[Item] = []
    for item, is_named in rows:
        name = item.name if is_named else free_name(item.name, taken)
        taken.add(name.casefold())
        items.append(replace(item, name=name))
    return items


def _asked_for(items: Sequence[Item]) -> set[str]:
    names: dict[str, str] = {}
    for item in items:
        other = names.get(item.name.casefold())
        if other is not None:
            raise SettingsError(
                f"{named(other)} and {named(item.target)} would both become {named(item.name)}: give the results "
                f"names of their own in the manifest's column `{_OUTPUT}`"
            )
        names[item.name.casefold()] = item.target
    return set(names)


def _rows_at(
    place: Place, is_wanted: Callable[[str], bool], result_name: ResultName, passed_over: list[str]
) -> Iterator[_Row]:
    if place.name.lower().endswith((*_TABLES, *_LINES)):
        yield from (_listed(where, row, place, result_name) for where, row in _rows(place))
    elif place.is_folder():
        for name in place.inside():
            if is_wanted(name):
                yield _Row(Item(result_name(name, {}), place.at(name).address), is_named=False)
            else:
                passed_over.append(name)
    else:
        yield _Row(Item(result_name(place.name, {}), place.address), is_named=False)


def _rows(place: Place) -> Iterator[tuple[str, object]]:
    """Each row with what messages call it."""
    try:
        text = place.read().decode("utf-8-sig")
    except ValueError as error:
        raise SettingsError(f"{named(place.address)}: can't be read as a manifest: {excerpt(error)}") from error
    yield from _of_table(place, text) if place.name.lower().endswith(_TABLES) else _of_lines(place, text)


def _of_table(place: Place, text: str) -> Iterator[tuple[str, object]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        for number, row in enumerate(reader, 1):
            yield f"{named(place.address)}, row {number}", row
    except (ValueError, csv.Error) as error:
        where = f"{named(place.address)}, line {reader.reader.line_num}"
        raise SettingsError(f"{where}: can't be read as a manifest: {excerpt(error)}") from error


def _of_lines(place: Place, text: str) -> Iterator[tuple[str, object]]:
    # JSON's texts may hold other line ends than this one as they are.
    for number, line in enumerate(text.split("\n"), 1):
        where = f"{named(place.address)}, line {number}"
        try:
            if line.strip():
                yield where, json.loads(line)
        except (ValueError, RecursionError) as error:
            raise SettingsError(f"{where}: can't be read as a manifest: {excerpt(error)}") from error


def _listed(where: str, row: object, place: Place, result_name: ResultName) -> _Row:
    if not _is_named(row) or not row.get(_TARGET):
        raise SettingsError(f"{where}: expected a `{_TARGET}` and named values, got {quoted(row)}")
    target = place.parent.at(_address(where, _TARGET, row[_TARGET]))
    sources = tuple(_source(place, source) for source in _several(where, row.get(_SOURCE)))
    options = dict(_options(where, row))
    asked = row.get(_OUTPUT)
    name = _inner(where, asked) if asked else result_name(target.name, options)
    return _Row(Item(name, target.address, sources, options), is_named=bool(asked))


def _source(place: Place, source: str) -> str:
    """A source as a manifest gives it: beside it, but for a saved face, which is known by its name."""
    return source if source.startswith(PREFIX) else place.parent.at(source).address


def _inner(where: str, output: object) -> str:
    """The name of a result as a row asks for it."""
    try:
        name = inner_name(_address(where, _OUTPUT, output))
    except SettingsError:
        raise
    except ValueError as error:
        raise SettingsError(f"{where}: `{_OUTPUT}` {error}, got {quoted(output)}") from error
    if name.casefold().split("/")[0] == RECORDS:
        raise SettingsError(f"{where}: `{_OUTPUT}` must not be in {RECORDS}, where it is kept what is done")
    return name


def _options(where: str, row: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for key, value in row.items():
        if key in (_TARGET, _SOURCE, _OUTPUT) or value in (None, ""):
            continue
        if not isinstance(value, str | int | float):
            raise SettingsError(f"{where}: expected a text or number for `{excerpt(key)}`, got {quoted(value)}")
        yield key.replace("_", "-"), str(value)


def _is_named(row: object) -> TypeGuard[dict[str, object]]:
    return isinstance(row, dict) and all(isinstance(key, str) for key in cast("dict[object, object]", row))


def _several(where: str, value: object) -> list[str]:
    listed: list[object] = [*value.split(";")] if isinstance(value, str) else _as_list(value)
    addresses = [_address(where, _SOURCE, one).strip() for one in listed if one]
    return [address for address in addresses if address]


def _as_list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else [value]


def _address(where: str, key: str, value: object) -> str:
    """A path or URL as a row gives it."""
    if isinstance(value, str) and "\0" not in value:
        with suppress(UnicodeEncodeError):
            value.encode("utf-8", "surrogateescape")  # as POSIX writes names that aren't in its encoding
            return value
    raise SettingsError(f"{where}: expected a path in `{key}`, got {quoted(value)}")

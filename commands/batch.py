"""`multifaceswap batch`: swaps in many pictures and clips, here or on many machines; what is done stays done."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from .. import __version__
from ..app import report, settings
from ..app.donor_files import FileDonors, PersonFiles, read_donors
from ..app.effects import Case
from ..app.jobs import Job, swap_job
from ..app.names import result_name
from ..app.outputs import require_outputs
from ..app.report import Json
from ..app.session import Session
from ..app.settings import Scope, Value, licence_of
from ..batch import (
    Cluster,
    Entry,
    Item,
    Place,
    Worker,
    files_of,
    items_of,
    owned_folder,
    run_locally,
    run_on_ray,
    tally,
)
from ..marking.places import Signing
from ..media.clips import is_clip
from ..media.pictures import FORMATS, is_mentioned, is_picture, passed_over_note
from ..pipeline.errors import ImageError, ModelError, NotFiniteError, SettingsError
from ..pipeline.quotes import excerpt, named, nearest
from . import console
from .batch_refusals import local, refused_items
from .files import add_paths, require_free
from .options import add_number, add_settings, add_signing, signing_of, values_of
from .sources import Source, add_sources, faces_and_pictures, flat, grouped, resolved, sources_of
from .swap import require_models

_SCOPES: tuple[Scope, ...] = ("picture", "clip", "file")
_CLUSTER = {"workers": 0, "cpus": 2.0, "gpus": 0.0}
"""What there is to say about --ray's workers, and its defaults."""
"""What the settings of a batch belong to."""


def add_arguments(parser: ArgumentParser) -> None:
    _add_files(parser)
    _add_machines(parser)
    add_signing(parser)
    add_settings(parser, *_SCOPES, "session")


def run(arguments: Namespace) -> int:
    found, passed_over = items_of(
        arguments.target, _is_wanted, lambda name, options: result_name(name, _format_asked(options, arguments))
    )
    items, unknown = _resolved(found, arguments)
    if note := passed_over_note([name for name in passed_over if is_mentioned(name)]):
        console.note(note)
    worker, swaps = _worker(arguments)
    usable = _left(items, unknown)
    _require_usable(usable, worker, arguments)
    entries = [*unknown, *_refused(usable, arguments)]
    left = _left(items, entries)
    with owned_folder(arguments.output):
        shared = any(not item.sources and not item.options for item in left)
        failed = _require_donors(swaps) if shared else ()
        for line in failed:
            console.fail(line)
        _work(items, left, entries, worker, arguments)
    console.say(f"{tally(entries)}: {named(_report(arguments).address)}")
    errors = [None if entry["error"] is None else str(entry["error"]) for entry in entries]
    return console.exit_code([*errors, *failed])


def _resolved(found: Sequence[Item], arguments: Namespace) -> tuple[list[Item], list[Entry]]:
    """The items with the files of their saved faces, and what is said of those whose faces aren't there."""
    items, entries = list[Item](), list[Entry]()
    for item in found:
        try:
            sources = tuple(map(resolved, item.sources))
            flat(map(grouped, sources))  # a folder may hold no picture
            items.append(replace(item, sources=sources))
        except (SettingsError, ImageError) as error:
            items.append(item)
            entries.append({**files_of(item, arguments.output), "error": str(error), "fatal": False})
            _tell(entries[-1])
    return items, entries


def _work(
    items: Sequence[Item], left: Sequence[Item], entries: list[Entry], worker: Worker, arguments: Namespace
) -> None:
    """Do the items that are left, and add their entries to the others."""
    try:
        with console.counted(_entries(left, worker, arguments), "item", len(left)) as bar:
            for entry in bar:
                entries.append(entry)
                _tell(entry)
    finally:
        _write_report(arguments, items, entries)


def _entries(items: Sequence[Item], worker: Worker, arguments: Namespace) -> Iterator[Entry]:
    if arguments.ray is None:
        return run_locally(items, worker)
    sizes = {name: getattr(arguments, name) for name in _CLUSTER}
    return run_on_ray(items, worker, Cluster(arguments.ray or None, **sizes))


def _tell(entry: Entry) -> None:
    if entry["error"] is None:
        return
    if entry["fatal"]:
        raise ModelError(entry["error"])
    target, error = named(str(entry["target"])), str(entry["error"])
    console.fail(error if target in error else f"{target}: {error}")


def _is_wanted(name: str) -> bool:
    return is_picture(name) or is_clip(name)


def _format_asked(options: Mapping[str, str], arguments: Namespace) -> str | None:
    """The format that an item's pictures are asked for in; None where its name says it."""
    asked = options.get("image-format", arguments.image_format)
    return asked if asked in FORMATS else None


def _worker(arguments: Namespace) -> tuple[Worker, OpenSwaps]:
    sources = tuple(sources_of(arguments.source)) if arguments.source else ()
    references = tuple(faces_and_pictures(arguments.reference or ()))
    values = values_of(arguments, *_SCOPES)
    signing = signing_of(arguments)
    # Workers elsewhere don't share this machine's environment.
    open_work = OpenSwaps(arguments.device, licence_of(arguments.licence), values, sources, references, signing)
    signer = signing.credentials() if values["mark"] else None
    depends_on = {**values, "source": arguments.source, "reference": arguments.reference, "multifaceswap": __version__}
    depends_on |= {"signer": signer and signer.fingerprint}
    inputs = (*flat(sources), *references)
    return Worker(open_work, arguments.output, depends_on, inputs, arguments.retries), open_work


def _require_usable(items: Sequence[Item], worker: Worker, arguments: Namespace) -> None:
    """SettingsError before any work where an item can't be done, or its result would replace what is read."""
    if arguments.ray is None and any(getattr(arguments, name) != default for name, default in _CLUSTER.items()):
        raise SettingsError(f"{', '.join(f'--{name}' for name in _CLUSTER)} are for --ray, which isn't given")
    for item in items:
        if not item.sources and not arguments.source:
            raise SettingsError(
                f"{named(item.target)}: there is no source: say --source or --person, or give its row a `source`"
            )
    _require_models(items, arguments)
    results = [Place(arguments.output).at(item.name) for item in items]
    read_by_items = [address for item in items for address in (item.target, *flat(map(grouped, item.sources)))]
    inputs = [Place(address) for address in (*read_by_items, *worker.inputs)]
    if (report := _report(arguments)) in results:
        raise SettingsError(f"{named(report.address)} is the batch's own report: give the result another name")
    replaced = {place.address for place in inputs if place.is_remote} & {place.address for place in results}
    if replaced:
        raise SettingsError(f"{named(min(replaced))} is an input and would be overwritten: choose another output")
    outputs, read = ([Path(place.address) for place in some if not place.is_remote] for some in (results, inputs))
    require_free(outputs, read)


def _refused(items: Sequence[Item], arguments: Namespace) -> list[Entry]:
    """What is said before any work of items whose results can't be written. Raises ImageError where none can, nor the
    report."""
    require_outputs(local([_report(arguments)]))
    return refused_items(items, arguments.output, [_format_asked(item.options, arguments) for item in items])


def _left(items: Sequence[Item], entries: Sequence[Entry]) -> list[Item]:
    """The items without an entry."""
    known = {str(entry["name"]) for entry in entries}
    return [item for item in items if item.name not in known]


def _require_donors(swaps: OpenSwaps) -> tuple[str, ...]:
    """A line for each file of the people among the sources that items share that can't be read. Raises before any work
    where these sources can give nobody a face."""
    # A source that can't be read now may be there when an item tries again: the items say so themselves.
    with Session(device=swaps.device, licence=swaps.licence) as session, suppress(ImageError, OSError):
        return swaps.donors(session).failed
    return ()


def _require_models(items: Sequence[Item], arguments: Namespace) -> None:
    """Raise before any work where an item's settings can't be used, or a model is missing that it needs."""
    values, several = values_of(arguments, *_SCOPES), dict[tuple[tuple[str, str], ...], list[Path]]()
    for item in items:
        several.setdefault(tuple(sorted(item.options.items())), []).append(Path(item.target))
    with Session(device=arguments.device, licence=arguments.licence, signing=signing_of(arguments)) as session:
        for options, targets in several.items():
            try:
                own = _with_options(values, dict(options))
                session.credentials(own)
                require_models(session, targets, own, Case(references=bool(arguments.reference)))
            except SettingsError as error:
                # What the command itself says is no row's.
                if not options:
                    raise
                raise SettingsError(f"{named(targets[0])}: {error}") from error


def _with_options(values: Mapping[str, Value], options: Mapping[str, str]) -> dict[str, Value]:
    """Settings with an item's own, which are texts by the names of options. Raises SettingsError."""
    rows, values = settings.of(*_SCOPES), dict(values)
    known = {name.replace("_", "-"): row for row in rows.values() for name in (row.name, *row.old_names)}
    for option, text in options.items():
        if option not in known:
            hint = nearest(option, rows)
            raise SettingsError(
                f"manifest: {excerpt(option[:80])} is not a setting, expected one that `batch --help` names{hint}"
            )
        values[known[option].name] = known[option].parse(text)
    return values


@dataclass(frozen=True, slots=True)
class OpenSwaps:
    """Opens what swaps, in the process that works."""

    device: str
    licence: str
    settings: Mapping[str, Value]
    sources: tuple[Source, ...]
    references: tuple[str, ...]
    signing: Signing

    def __call__(self) -> _Swaps:
        return _Swaps(self)

    def donors(
        self, session: Session, sources: tuple[str, ...] = (), options: tuple[tuple[str, str], ...] = ()
    ) -> FileDonors:
        """The faces of an item's own sources, or of the shared ones, by settings with an item's own options."""
        given = tuple(map(grouped, sources)) or self.sources
        names = [*flat(given), *self.references]
        with ExitStack() as stack:
            files = {name: stack.enter_context(Place(name).fetched()) for name in dict.fromkeys(names)}
            values = _with_options(self.settings, dict(options))
            return read_donors(
                session,
                [_fetched(source, files) for source in given],
                [files[name] for name in self.references],
                values,
                names,
            )


def _fetched(source: Source, files: Mapping[str, Path]) -> Path | PersonFiles:
    """A source with its files as they lie on this machine."""
    if isinstance(source, PersonFiles):
        return source._replace(files=tuple(files[str(file)] for file in source.files))
    return files[source]


class _Swaps:
    """Swaps one item after another; models, and the sources' faces, are kept from one to the next."""

    def __init__(self, opened: OpenSwaps) -> None:
        self._opened = opened
        self._session = Session(device=opened.device, licence=opened.licence, signing=opened.signing)
        self._donors = lru_cache(maxsize=4)(self._read)

    def __call__(self, item: Item, target: Path, output: Path) -> Mapping[str, Json]:
        values = _with_options(self._opened.settings, item.options)
        donors = self._donors(item.sources, tuple(item.options.items()))
        done = swap_job(self._session, Job(target, output), donors, values)
        if done.error is not None:
            raise NotFiniteError(done.error)
        return {**done.details, "report": list(done.notes)}

    def _read(self, sources: tuple[str, ...], options: tuple[tuple[str, str], ...]) -> FileDonors:
        return self._opened.donors(self._session, sources, options)


def _report(arguments: Namespace) -> Place:
    return Place(arguments.report) if arguments.report else Place(arguments.output).at("report.json")


def _write_report(arguments: Namespace, items: Sequence[Item], entries: Sequence[Entry]) -> None:
    """The entries in the order of the items, whichever was done first."""
    order = {item.name: number for number, item in enumerate(items)}
    given = {name: value for name, value in vars(arguments).items() if name != "run"}
    listed = sorted(entries, key=lambda entry: order[str(entry["name"])])
    _report(arguments).write(report.document(given, listed, tally=tally(entries)._asdict()))


def _add_files(parser: ArgumentParser) -> None:
    text = (
        "pictures, clips, folders with all folders in them, URLs such as s3://bucket/folder, and manifests: .csv with "
        "a column `target`, and if wanted `source`, `output` and any option of a swap, or .jsonl with such keys"
    )
    add_paths(parser, "--target", text, metavar="PATH")
    add_sources(parser, "pictures that give faces, for all targets that name none", "PATH")
    text = "pictures or saved faces of people to look for in the targets"
    add_paths(parser, "--reference", text, required=False, metavar="PATH")
    text = (
        "folder or URL; what is done there is kept. One batch at a time writes to a folder; object storage such as "
        "s3:// has no locks: start no second batch there"
    )
    parser.add_argument("--output", required=True, metavar="FOLDER", help=text)
    parser.add_argument("--report", metavar="FILE.json", help="default: report.json in --output")


def _add_machines(parser: ArgumentParser) -> None:
    add_number(parser, "--retries", 0, 100, 2, "how often an item that fails is tried again", whole=True)
    text = "work on Ray: on the cluster at ADDRESS, else on that of RAY_ADDRESS, else on one started here"
    parser.add_argument("--ray", nargs="?", const="", metavar="ADDRESS", help=text)
    text = "with --ray: how many work at once, 0 for as many as fit"
    add_number(parser, "--workers", 0, 100_000, _CLUSTER["workers"], text, whole=True)
    add_number(parser, "--cpus", 0.01, 1024, _CLUSTER["cpus"], "with --ray: cores a worker")
    add_number(parser, "--gpus", 0, 16, _CLUSTER["gpus"], "with --ray: GPUs a worker, or a part of one")

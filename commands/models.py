"""`multifaceswap models`: which model files are there, whether they are intact, and fetching them."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from tqdm import tqdm

from ..app.settings import SETTINGS, licence_of
from ..media.environment import variables
from ..models import catalog, store
from ..models.download import download
from ..models.licences import is_permissive
from ..models.pool import require_opening
from ..models.published import known
from ..models.spec import Model, ModelFile
from ..models.store import Folders
from ..models.verify import proof, verify, wrong_size
from ..pipeline.errors import (
    BusyError,
    DamagedModelError,
    MissingModelError,
    ModelError,
    MultiFaceSwapError,
    SettingsError,
)
from ..pipeline.quotes import listed, nearest
from . import console

OFFLINE = "MULTIFACESWAP_OFFLINE"
"""Environment variable: nothing is fetched where it is set to anything but 0."""


class _Actions(Protocol):
    """What argparse gives for subcommands."""

    def add_parser(self, name: str, *, help: str, description: str, allow_abbrev: bool) -> ArgumentParser: ...


def add_arguments(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    every = _action(actions, "list", _list, "say which models there are and which of their files were found")
    row = SETTINGS["session"]["licence"]
    every.add_argument("--licence", choices=row.choices, default=row.default, help=f"{row.text} Here: leave them out.")
    get = _action(actions, "get", _get, "fetch the files of models and verify them; what a failure left is continued")
    get.add_argument("--offline", action="store_true", help=f"only say what is missing (as {OFFLINE}=1 does)")
    check = _action(actions, "verify", _verify, "compare found files with the published ones; 1 if one differs")
    for subparser, count, text in ((get, "+", "as `models list` names them"), (check, "*", "(default: all)")):
        subparser.add_argument("names", nargs=count, metavar="MODEL", help=f"models, {text}")


def run(arguments: Namespace) -> int:
    folders = Folders({}, [Path(arguments.folder)]) if arguments.folder else Folders.default()
    return arguments.action(arguments, folders)


def _action(actions: _Actions, name: str, action: Callable[[Namespace, Folders], int], text: str) -> ArgumentParser:
    parser = actions.add_parser(name, help=text, description=text.capitalize(), allow_abbrev=False)
    described = (
        f"where models are kept, e.g. ComfyUI/models (default: {store.ENVIRONMENT}, else ~/.cache/multifaceswap)"
    )
    parser.add_argument("--folder", metavar="FOLDER", help=described)
    parser.set_defaults(action=action)
    return parser


def _list(arguments: Namespace, folders: Folders) -> int:
    models = [model for model in catalog.MODELS if licence_of(arguments.licence) == "any" or is_permissive(model)]
    rows = [("FOR", "MODEL", "FAMILY", "SIZE", "SPEED", "STATE")]
    for kind in catalog.KINDS:
        for model in (model for model in models if model.kind == kind):
            rows.append((kind, model.name, model.family, _whole_size(model), model.speed, _state(model, folders)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    for row in rows:
        console.say(" ".join([*(f"{text:{width}}" for text, width in zip(row, widths, strict=False)), row[-1]]))
    return 0


def _whole_size(model: Model) -> str:
    """Of all its files, those it shares with other models too; a lower bound where some aren't known."""
    known = [file.sizes[0] for file in model.files if file.sizes]
    more = "+" if len(known) < len(model.files) else ""
    return f"{max(round(sum(known) / 1e6), 1):,}{more} MB" if known else "?" if model.files else "-"


def _state(model: Model, folders: Folders) -> str:
    if model.built_in:
        return f"built in, {_licences(model)}"
    missing = [file for file in model.files if store.locate(file, folders) is None]
    if not missing:
        paths = [(file, store.locate(file, folders)) for file in model.files]
        wrong = [note for file, path in paths if path is not None for note in [wrong_size(path, file)] if note]
        return f"found, {_licences(model)}{', but ' if wrong else ''}{' '.join(wrong)}"
    return "missing: " + ", ".join(f"{file.name}{_size(file)}, {file.licence}" for file in missing)


def _licences(model: Model) -> str:
    return ", ".join(dict.fromkeys(file.licence for file in model.files if file.licence)) or "no file"


def _size(file: ModelFile) -> str:
    return f" ({file.sizes[0] / 1e6:,.0f} MB)" if file.sizes else ""


def _get(arguments: Namespace, folders: Folders) -> int:
    models = _chosen(arguments.names)
    offline = arguments.offline or variables().get(OFFLINE, "0") not in ("", "0")
    files = {file: model for model in models for file in model.files}
    failed = 0
    for file, model in files.items():
        try:
            console.say(_provide(file, model, folders, offline))
        except (ModelError, BusyError, OSError) as error:
            console.fail(console.message(error))
            failed += 1
    return 0 if not failed else 1 if failed < len(files) else 2


def _provide(file: ModelFile, model: Model, folders: Folders, offline: bool) -> str:
    """Make sure that a file is there; says what was done."""
    found = store.locate(file, folders)
    if found is not None:
        try:
            note = verify(found, file)
        except DamagedModelError as error:
            console.note(str(error))
        else:
            return f"{found} is already there{'; ' + note if note else ''}"
    if offline or file.built_in:
        raise MissingModelError(store.missing_text(model, file, folders))
    target = found or store.home(file, folders)
    console.say(f"{file.name}{_size(file)} from {file.urls[0]} to {target}\nLicence: {file.licence}")
    return _fetched(file, target)


def _fetched(file: ModelFile, target: Path) -> str:
    with tqdm(unit="B", unit_scale=True, desc=file.name, file=sys.stderr) as bar:

        def progress(done: int, total: int | None) -> None:
            bar.total = total
            bar.update(done - bar.n)

        download(file, target, progress)
    return f"{target} is complete{' and verified' if file.sha256 else f': {proof(target, file)}'}"


def _verify(arguments: Namespace, folders: Folders) -> int:
    models = _chosen(arguments.names) if arguments.names else catalog.MODELS
    files = {file: model for model in reversed(models) for file in model.files}
    intact: list[bool] = []
    missing = 0
    for file, model in files.items():
        path = store.locate(file, folders)
        if path is not None:
            intact.append(_verified(path, file, model, folders))
        elif arguments.names:
            console.fail(store.missing_text(model, file, folders))
            missing += 1
    return 2 if not intact else 0 if all(intact) and not missing else 1


def _verified(path: Path, file: ModelFile, model: Model, folders: Folders) -> bool:
    """Whether a file is the published one. Another, and one of which no hash is known, is opened, to see whether it
    would do."""
    try:
        note = verify(path, file)
        if (note or not known(file).is_proven) and all(store.locate(other, folders) for other in model.files):
            require_opening(model, folders)
    except (MultiFaceSwapError, OSError) as error:
        console.fail(console.message(error, path))
        return False
    console.say(f"{path}: {f'opens; {note}' if note else proof(path, file)}")
    return not note


def _chosen(names: Sequence[str]) -> list[Model]:
    known = list(dict.fromkeys(model.name for model in catalog.MODELS))
    unknown = [name for name in names if name not in known]
    if unknown:
        hint = nearest(unknown[0], known)
        shown = listed(one[:60] for one in unknown[:3])
        raise SettingsError(f"model: expected names as `multifaceswap models list` gives them{hint}, got {shown}")
    return [model for model in catalog.MODELS if model.name in names]

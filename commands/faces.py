"""`multifaceswap faces`: people saved under names, to give their faces again without their pictures."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from ..app.donor_files import PersonFiles, read_person_files
from ..app.faces.folders import VARIABLE, FaceFolders
from ..app.faces.keeping import read_saved
from ..app.faces.person import checked_consent
from ..app.session import Session
from ..models.store import Folders
from ..pipeline.errors import ImageError, MultiFaceSwapError, SettingsError
from ..pipeline.quotes import named
from . import console
from .options import add_settings, values_of
from .sources import faces_and_pictures


class _Actions(Protocol):
    """What argparse gives for subcommands."""

    def add_parser(self, name: str, *, help: str, description: str, allow_abbrev: bool) -> ArgumentParser: ...


def add_arguments(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    text = "save the person whom pictures show, as views with identities; faces of others are left out"
    save = _action(actions, "save", _save, text)
    save.add_argument("name", metavar="NAME", help="letters, digits, spaces and . _ -; from then on face:NAME")
    save.add_argument("files", nargs="+", metavar="FILE", help="pictures, folders and saved faces of that person")
    text = "keep identities and shapes alone, no pictures: for engines that take an identity"
    save.add_argument("--embeddings-only", action="store_true", help=text)
    save.add_argument("--consent", default="", metavar="TEXT", help="a note of the person's consent, which show prints")
    save.add_argument("--overwrite", action="store_true", help="replace the face that has the name")
    add_settings(save, "detect", "merge", "session", without=("identity",))
    _action(
        actions, "list", _list, f"list all saved faces, ReActor's too (folder: {VARIABLE}, else models or user data)"
    )
    show = _action(actions, "show", _show, "say what a saved face holds, and its note of consent")
    delete = _action(actions, "delete", _delete, "delete a saved face")
    for one in (show, delete):
        one.add_argument("name", metavar="NAME")


def run(arguments: Namespace) -> int:
    return arguments.action(arguments)


def _action(actions: _Actions, name: str, action: Callable[[Namespace], int], text: str) -> ArgumentParser:
    parser = actions.add_parser(name, help=text, description=text[0].upper() + text[1:], allow_abbrev=False)
    parser.set_defaults(action=action)
    return parser


def _folders() -> FaceFolders:
    return FaceFolders.of(Folders.default())


def _save(arguments: Namespace) -> int:
    path = _folders().path(arguments.name)
    if path.exists() and not arguments.overwrite:
        raise SettingsError(f"{named(path)} is there already: choose another name or say --overwrite")
    checked_consent(arguments.consent)
    person = PersonFiles(path.stem, tuple(faces_and_pictures(arguments.files)))
    finding, merging = values_of(arguments, "detect"), values_of(arguments, "merge")
    with Session(device=arguments.device, licence=arguments.licence) as session:
        found = read_person_files(session, person, finding, merging)
        for line in found.failed:
            console.fail(line)
        for line in found.notes:
            console.note(line)
        how = {"embeddings_only": arguments.embeddings_only, "overwrite": arguments.overwrite}
        try:
            about = session.save_face(path.stem, found.faces, found.pictures, consent=arguments.consent, **how)
        except OSError as error:
            raise ImageError(console.message(error, path)) from error
    for line in about.notes:
        console.note(line)
    console.say(f"face:{about.name}: {about.kind}, {about.size:,} bytes: {named(path)}")
    return console.exit_code(found.failed, written=True)


def _list(_arguments: Namespace) -> int:
    folders = _folders()
    errors = [_listed(name, folders.find(name)) for name in folders.names()]
    if not errors:
        console.note(f"no face is saved in {named(folders.own)}")
    return console.exit_code(errors, written=True)


def _listed(name: str, path: Path) -> str | None:
    try:
        about = read_saved(path).about
    except (MultiFaceSwapError, OSError) as error:
        text = console.message(error, path)
        console.fail(text)
        return text
    console.say(f"{name}: {about.kind}{'' if about.origin == 'MultiFaceSwap' else f' ({about.origin})'}")
    return None


def _show(arguments: Namespace) -> int:
    path = _folders().find(arguments.name)
    console.say(named(path))
    for line in read_saved(path).about.lines():
        console.say(f"  {line}")
    return 0


def _delete(arguments: Namespace) -> int:
    console.say(f"deleted: {named(_folders().delete(arguments.name))}")
    return 0

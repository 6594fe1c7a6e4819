"""`multifaceswap mark`: what files say of how they were made, and a certificate to sign with."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from ..app.marked import Marking, look
from ..app.session import Session
from ..marking.places import VARIABLE, Signing, set_up, signing_folder
from ..pipeline.errors import ImageError, MultiFaceSwapError
from ..pipeline.quotes import named
from . import console


class _Actions(Protocol):
    """What argparse gives for subcommands."""

    def add_parser(self, name: str, *, help: str, description: str, allow_abbrev: bool) -> ArgumentParser: ...


def add_arguments(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    text = "say what XMP and Content Credentials (C2PA) of files say, and whose faces carry the watermark; 1 where a "
    text += "signature is broken"
    check = _action(actions, "check", _check, text)
    check.add_argument("files", nargs="+", metavar="FILE", help="pictures and clips")
    check.add_argument("--json", action="store_true", help="print JSON")
    text = "make a certificate and a private key; from then on results are signed with them"
    init = _action(actions, "init", _init, text)
    init.add_argument("--name", default="MultiFaceSwap user", help="who signs, for all to read (default: %(default)s)")
    text = f"where both go (default: {VARIABLE}, else the user's own folder for settings)"
    init.add_argument("--folder", metavar="FOLDER", help=text)
    init.add_argument("--force", action="store_true", help="replace those that are there")


def run(arguments: Namespace) -> int:
    return arguments.action(arguments)


def _action(actions: _Actions, name: str, action: Callable[[Namespace], int], text: str) -> ArgumentParser:
    parser = actions.add_parser(name, help=text, description=text[0].upper() + text[1:], allow_abbrev=False)
    parser.set_defaults(action=action)
    return parser


def _check(arguments: Namespace) -> int:
    with Session(device="cpu") as session:
        found = [_look(Path(name), session) for name in arguments.files]
    if arguments.json:
        console.say(json.dumps([one.as_json() for one in found], indent=2))
    else:
        for one in found:
            console.say(named(one.file))
            for line in one.lines():
                console.say(f"  {line}")
    return console.exit_code([one.error for one in found], written=any(one.was_read for one in found))


def _look(path: Path, session: Session) -> Marking:
    try:
        return look(path, session)
    except (MultiFaceSwapError, OSError) as error:
        text = console.message(error, path)
        console.fail(text)
        return Marking(str(path), error=text, was_read=False)


def _init(arguments: Namespace) -> int:
    folder = Path(arguments.folder) if arguments.folder else signing_folder()
    try:
        certificate, key = set_up(folder, arguments.name, replace=arguments.force)
    except OSError as error:
        raise ImageError(console.message(error, folder)) from error
    Signing(certificate, key).credentials()
    console.say(f"{certificate}\n{key}")
    console.note(f"{named(key)} is secret: whoever has it signs in your name")
    if folder != signing_folder():
        console.note(f"results are signed where {VARIABLE} names this folder, or by --certificate and --private-key")
    return 0

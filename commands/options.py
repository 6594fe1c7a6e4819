"""Options of commands, made from the table of settings, and back to settings."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from ..app import settings
from ..app.settings import Scope, Setting, Value
from ..marking.places import Signing
from ..pipeline.errors import SettingsError

_WORDS = {
    "choice": "NAME",
    "model": "NAME",
    "device": "NAME",
    "indexes": "LIST",
    "parts": "LIST",
    "padding": "PERCENTS",
    "ages": "YEARS",
    "moment": "TIME",
    "number": "NUMBER",
    "integer": "NUMBER",
}


def add_settings(parser: ArgumentParser, *scopes: Scope, without: Collection[str] = ()) -> None:
    """An option for every setting of these scopes."""
    for name, setting in settings.of(*scopes).items():
        if name not in without:
            _add(parser, setting)


def values_of(arguments: Namespace, *scopes: Scope) -> dict[str, Value]:
    """The settings of these scopes as they were given; those without an option have their default.

    Raises SettingsError, and IndexListError for an index list.
    """
    given = vars(arguments)
    return settings.checked({name: given[name] for name in settings.of(*scopes) if name in given}, *scopes)


def add_signing(parser: ArgumentParser) -> None:
    """Options for what signs results."""
    text = "sign results with this certificate and its chain, PEM (default: what `mark init` made, if it did)"
    parser.add_argument("--certificate", metavar="FILE", help=text)
    parser.add_argument("--private-key", metavar="FILE", help="the key of --certificate, PEM without a passphrase")


def signing_of(arguments: Namespace) -> Signing:
    """What signs, as it was given. Raises SettingsError where something is to sign and nothing is to be marked."""
    certificate, key = (Path(name) if name else None for name in (arguments.certificate, arguments.private_key))
    if (certificate or key) and not arguments.mark:
        raise SettingsError("--certificate and --private-key sign marks, and --no-mark writes none")
    return Signing(certificate, key)


def add_choice(parser: ArgumentParser, name: str, choices: Sequence[str], default: str, text: str) -> None:
    """An option that lists its choices in the help and in errors."""
    listed = f"{text}: {', '.join(choices)} (default: %(default)s)"
    parser.add_argument(name, choices=choices, default=default, metavar="NAME", help=listed)


def add_number(
    parser: ArgumentParser, name: str, low: float, high: float, default: float, text: str, *, whole: bool = False
) -> None:
    """An option for a number within low to high."""
    default = int(default) if whole else default
    setting = Setting(name.lstrip("-"), "integer" if whole else "number", default, text, (), low=low, high=high)
    listed = f"{text}, {low:,.10g} to {high:,.10g} (default: %(default)s)"
    parser.add_argument(name, type=_parsed(setting), default=default, metavar="NUMBER", help=listed)


def _add(parser: ArgumentParser, setting: Setting) -> None:
    option = setting.name.replace("_", "-")
    text = setting.text.replace("%", "%%")
    if setting.kind == "switch":
        action, flag = ("store_false", f"--no-{option}") if setting.default else ("store_true", f"--{option}")
        start = "Switch off: " if setting.default else ""
        parser.add_argument(flag, dest=setting.name, action=action, help=start + text)
        return
    flags = [f"--{name.replace('_', '-')}" for name in (setting.name, *setting.old_names)]
    listed = f"{text} {_range(setting)}(default: %(default)s)"
    parser.add_argument(
        *flags,
        dest=setting.name,
        # Index lists are read when work is planned: their error has several lines.
        type=str if setting.kind == "indexes" else _parsed(setting),
        default=setting.default,
        metavar=_WORDS.get(setting.kind, "NAME"),
        help=listed,
    )


def _range(setting: Setting) -> str:
    if setting.kind in ("number", "integer"):
        return f"{setting.low:,.10g} to {setting.high:,.10g} "
    if setting.kind not in ("choice", "model"):
        return ""
    others = ", or any restorer's file in facerestore_models" if setting.model == "restorer" else ""
    return f"{', '.join(setting.known)}{others} "


def _parsed(setting: Setting) -> Callable[[str], Value]:
    def convert(text: str) -> Value:
        try:
            return setting.parse(text)
        except SettingsError as error:
            raise ArgumentTypeError(str(error).removeprefix(f"{setting.name}: ")) from error

    return convert

"""The API key: used in one header, redacted wherever it is repeated, and never shown."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn
from urllib.parse import quote

from platformdirs import user_state_path

from ...media.environment import variables
from ...media.files import open_file
from ...pipeline.errors import SettingsError
from .errors import MissingKeyError

if TYPE_CHECKING:
    from requests import PreparedRequest

KEY_VARIABLE = "SEGMIND_API_KEY"
STATE_VARIABLE = "MULTIFACESWAP_STATE"
KEY_FILE = "segmind_api_key.txt"
"""Holds the key and nothing else."""
USER_FOLDER = "multifaceswap"
"""What the pack asks ComfyUI's `folder_paths.get_system_user_directory` for."""
_VALID = re.compile(r"[!-~]{1,512}")
_MAX_FILE_BYTES = 4096
_LONG, _VARIED = 16, 6
"""Letters, and different ones, of a key that stands nowhere by chance: neither in the base64 text of a picture nor in
the API's own words."""
_PICTURES = (b"\x89PNG", b"\xff\xd8", b"RIFF")
"""How the files that the API sends begin."""


class ApiKey:
    """A key that shows itself nowhere and puts itself into requests, as their `auth`. SettingsError where it can't be
    a key."""

    __slots__ = ("_value",)

    def __init__(self, text: str) -> None:
        value = text.strip()
        if not _VALID.fullmatch(value):
            raise SettingsError("the Segmind API key: expected letters and digits without spaces, got something else")
        self._value = value

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["x-api-key"] = self._value
        return request

    def __repr__(self) -> str:
        return "ApiKey(hidden)"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("an API key can't be copied or saved")

    def fingerprint(self) -> str:
        """Tells keys apart without holding them."""
        return hashlib.sha256(b"multifaceswap:" + self._value.encode()).hexdigest()

    def redacted(self, text: str) -> str:
        """A text for people with an asterisk for every letter of the key, plain or as part of a URL."""
        for form in self._forms():
            text = text.replace(form, "*" * len(form))
        return text

    def hidden_in(self, data: bytes) -> bytes:
        """What a server sent, with asterisks as in `redacted`. Pictures stay as they are, and so does all that the key
        may be in by chance: short ones and those of few different letters."""
        if data.startswith(_PICTURES) or len(self._value) < _LONG or len(set(self._value)) < _VARIED:
            return data
        for form in self._forms():
            data = data.replace(form.encode(), b"*" * len(form))
        return data

    def _forms(self) -> set[str]:
        return {self._value, quote(self._value, safe="")}


class FoundKey(NamedTuple):
    """A key and where it is from."""

    key: ApiKey
    origin: str
    """For people: names the variable or the file."""


def find_key(folders: Iterable[Path] | None = None, environment: Mapping[str, str] | None = None) -> FoundKey | None:
    """The key of SEGMIND_API_KEY, else of `segmind_api_key.txt` in the first folder that has one; None without.

    `folders` are `key_folders()` unless given. SettingsError where what is found can't be a key.
    """
    environment = variables() if environment is None else environment
    if environment.get(KEY_VARIABLE, "").strip():
        return FoundKey(ApiKey(environment[KEY_VARIABLE]), "the environment")
    for folder in key_folders(environment) if folders is None else folders:
        text = _content(folder / KEY_FILE)
        if text:
            return FoundKey(ApiKey(text), f"the file {folder / KEY_FILE}")
    return None


def require_key(folders: Iterable[Path] | None = None, environment: Mapping[str, str] | None = None) -> ApiKey:
    """As `find_key`; MissingKeyError where there is none."""
    places = [*(key_folders(environment) if folders is None else folders)]
    found = find_key(places, environment)
    if found is None:
        listed = ", ".join(str(folder / KEY_FILE) for folder in places)
        raise MissingKeyError(f"neither in {KEY_VARIABLE} nor in {listed}" if listed else f"{KEY_VARIABLE} is not set")
    return found.key


def key_folders(environment: Mapping[str, str] | None = None) -> list[Path]:
    """Where the key's file is looked for outside ComfyUI: its system user folder if this is a custom node, the state
    folder."""
    package = Path(__file__).parents[2]
    hosted = package.parent.name == "custom_nodes"
    user = [package.parents[1] / "user" / f"__{USER_FOLDER}"] if hosted else []
    return [*user, state_folder(environment)]


def state_folder(environment: Mapping[str, str] | None = None) -> Path:
    """MULTIFACESWAP_STATE, else the platform's folder for what programs remember. It need not exist."""
    environment = variables() if environment is None else environment
    chosen = environment.get(STATE_VARIABLE)
    return Path(chosen) if chosen else user_state_path("multifaceswap", appauthor=False)


def _content(path: Path) -> str:
    try:
        with open_file(path) as file:
            return file.read(_MAX_FILE_BYTES).decode("utf-8-sig", errors="replace").strip()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}") from error

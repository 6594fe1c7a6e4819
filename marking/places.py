"""Where the certificate and the private key lie that sign, and how new ones get there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, NamedTuple

from platformdirs import user_config_path

from ..media.atomic import write_atomic
from ..media.environment import variables
from ..media.files import read_file
from ..pipeline.errors import SettingsError
from ..pipeline.quotes import named, reason
from .certificates import Credentials, has_packages, loaded, made
from .signing import require_usable

VARIABLE: Final = "MULTIFACESWAP_SIGNING"
"""Environment variable: the folder of both."""
CERTIFICATE: Final = "certificate.pem"
PRIVATE_KEY: Final = "private_key.pem"
_MOST: Final = 1 << 20
_OWNER_ONLY: Final = 0o600


class Signing(NamedTuple):
    """The files to sign with; where none are named, those of the folder."""

    certificate: Path | None = None
    private_key: Path | None = None
    required: bool = True
    """Whether it is an error where the packages that sign aren't installed; else nothing is signed then."""

    def credentials(self) -> Credentials | None:
        """What signs, tried out; None where nothing is set up.

        Raises SettingsError where something is, and can't sign: a file is missing or damaged, they don't fit together,
        the certificate has expired or isn't what C2PA asks for; MissingPackageError.
        """
        paths = self._paths()
        if paths is None:
            return None
        if not self.required and not has_packages():
            return None
        found = loaded(*(_content(path) for path in paths))
        require_usable(found)
        return found

    def _paths(self) -> tuple[Path, Path] | None:
        if self.certificate and self.private_key:
            return self.certificate, self.private_key
        if self.certificate or self.private_key:
            raise SettingsError("to sign, a certificate and its private key are needed: only one of them was named")
        certificate, key = signing_folder() / CERTIFICATE, signing_folder() / PRIVATE_KEY
        is_set_up = certificate.exists() or key.exists() or variables().get(VARIABLE)
        return (certificate, key) if is_set_up else None


def signing_folder() -> Path:
    """That of the environment variable, else the user's own for settings."""
    given = variables().get(VARIABLE)
    return Path(given) if given else user_config_path("multifaceswap", appauthor=False) / "signing"


def set_up(folder: Path, name: str, *, replace: bool = False) -> tuple[Path, Path]:
    """Make a certificate and a private key, which only its owner may read; their paths.

    Raises SettingsError where one of them is there already and isn't to be replaced, OSError, and MissingPackageError.
    """
    certificate, key = folder / CERTIFICATE, folder / PRIVATE_KEY
    for path in (certificate, key):
        if not replace and os.path.lexists(path):
            raise SettingsError(
                f"{named(path)} is there already, and files were signed by it: say --force to replace it"
            )
    new = made(name)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_atomic(key, new.private_key, mode=_OWNER_ONLY, durable=True)
    write_atomic(certificate, new.certificate, durable=True)
    return certificate, key


def _content(path: Path) -> bytes:
    try:
        return read_file(path, _MOST)
    except OSError as error:
        raise SettingsError(f"{named(path)}: can't be read: {reason(error)}") from error

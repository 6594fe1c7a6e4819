"""Content Credentials (C2PA): a signature over a finished file. Nothing here opens a connection."""

from __future__ import annotations

import json
import logging
from io import BufferedIOBase, BytesIO
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

from .. import __version__
from ..pipeline.errors import ImageError, SettingsError
from ..pipeline.quotes import excerpt, named
from .certificates import Credentials
from .statement import SYSTEM, WITH_AI, Statement

if TYPE_CHECKING:
    from c2pa import Builder, Context, Signer

_log = logging.getLogger(__name__)
Stream = BinaryIO | BufferedIOBase
_ANY: Final = "application/octet-stream"
_TRIED_WITH: Final = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\10\0\0\0\0:~\x9bU\0\0\0\nIDATx\xdac`\0\0\0\2\0\1H\xaf\xa4q\0\0\0\0IEND"
    b"\xaeB`\x82"
)
"""A PNG of one pixel."""
_ASKED_FOR: Final = (
    "it asks for one that isn't an authority's, with the key usage digitalSignature, an extended key usage such as "
    "emailProtection, an authority key identifier, and for RSA 2048 bits or more"
)
_SETTINGS: Final = {
    # Thumbnails would show the faces as they were.
    "builder": {"thumbnail": {"enabled": False}},
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
}


class Ingredient(NamedTuple):
    """What a result was made of."""

    title: str
    media_type: str
    stream: Stream
    """Seekable; read from its start."""


def sign(
    credentials: Credentials,
    statement: Statement,
    title: str,
    media_type: str,
    stream: Stream,
    signed: Stream,
    parent: Ingredient | None = None,
) -> None:
    """Write a file's bytes, with its Content Credentials, into the empty stream `signed`.

    `parent` is the target; its own credentials go along, and where they can't be read a warning is logged. Without one,
    the file says that it was created. Raises ImageError.
    """
    import c2pa

    builder = _builder(statement, title, parent is not None)
    try:
        if parent is not None:
            _add(builder, parent)
        builder.sign(_signer(credentials), media_type, stream, signed)
    except c2pa.C2paError as error:
        raise ImageError(f"it can't be signed: {excerpt(error)}") from error


def require_usable(credentials: Credentials) -> None:
    """Raise SettingsError where C2PA takes no signature of these credentials: one is made and read again."""
    from .checking import read_credentials

    signed = BytesIO()
    try:
        sign(credentials, Statement(WITH_AI), "trial", "image/png", BytesIO(_TRIED_WITH), signed)
    except ImageError as error:
        raise SettingsError(f"the certificate: C2PA takes no signature of it: {error}; {_ASKED_FOR}") from error
    found = read_credentials(signed, "image/png")
    if found is None or found.broken:
        reason = ", ".join(found.problems) if found else "nothing was signed"
        raise SettingsError(f"the certificate: C2PA takes no signature of it: {reason}")


def context() -> Context:
    """C2PA's, without thumbnails and connections."""
    import c2pa

    return c2pa.Context(c2pa.Settings.from_json(json.dumps(_SETTINGS)))


def _builder(statement: Statement, title: str, edits: bool) -> Builder:
    import c2pa

    agent = {"name": SYSTEM, "version": __version__}
    builder = c2pa.Builder(json.dumps({"claim_generator_info": [agent], "title": title}), context())
    if edits:
        builder.set_intent(c2pa.C2paBuilderIntent.EDIT)
    done = {"action": "c2pa.edited" if edits else "c2pa.created", "digitalSourceType": statement.uri}
    builder.add_action(json.dumps({**done, "softwareAgent": agent}))
    return builder


def _signer(credentials: Credentials) -> Signer:
    import c2pa

    # No authority is asked for the time: that would be a connection.
    algorithm = credentials.algorithm.encode()
    info = c2pa.C2paSignerInfo(algorithm, credentials.certificates, credentials.private_key, None)
    return c2pa.Signer.from_info(info)


def _add(builder: Builder, parent: Ingredient) -> None:
    """Add what a result was made of; where its credentials can't be read, without them."""
    import c2pa

    described = json.dumps({"title": parent.title, "relationship": "parentOf"})
    try:
        parent.stream.seek(0)
        builder.add_ingredient(described, parent.media_type, parent.stream)
    except c2pa.C2paError as error:
        parent.stream.seek(0)
        builder.add_ingredient(described, _ANY, parent.stream)
        _log.warning("%s: its own Content Credentials can't be read: %s", named(parent.title), excerpt(error))

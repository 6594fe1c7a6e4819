"""What a file says of how it was made, read again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from io import BufferedIOBase
from typing import BinaryIO, Final, NamedTuple, TypedDict

from ..pipeline.quotes import excerpt
from .certificates import require_packages

_MADE_BY: Final = ("c2pa.created", "c2pa.edited", "c2pa.opened")
_UNTRUSTED: Final = "signingCredential.untrusted"
_SHOWN: Final = 5
_LABEL: Final = b"jumdc2pa" + bytes.fromhex("00110010800000aa00389b71")
"""What each store of manifests begins with, in all kinds of files (C2PA Technical Specification 2.2, 11.1.4.2)."""
_AT_ONCE: Final = 1 << 20


class _Actions(TypedDict):
    actions: Sequence[Mapping[str, object]]


class _Assertion(TypedDict):
    label: str
    data: _Actions
    """Of actions; others hold something else."""


class _Signature(TypedDict, total=False):
    common_name: str
    issuer: str


class _Codes(TypedDict, total=False):
    failure: Sequence[Mapping[str, str]]


class _Results(TypedDict, total=False):
    activeManifest: _Codes


class _Ingredient(TypedDict, total=False):
    title: str
    validation_results: _Results


class _Manifest(TypedDict, total=False):
    signature_info: _Signature
    assertions: Sequence[_Assertion]
    ingredients: Sequence[_Ingredient]


class _Store(TypedDict, total=False):
    """What C2PA's reader gives."""

    active_manifest: str
    manifests: Mapping[str, _Manifest]
    validation_status: Sequence[Mapping[str, str]]


class FoundCredentials(NamedTuple):
    """A file's Content Credentials."""

    state: str
    """C2PA's word: Trusted, Valid (the signature fits, the signer is on no list of trust) or Invalid."""
    signer: str
    source_types: tuple[str, ...]
    """What was done says it is."""
    ingredients: tuple[str, ...]
    broken_ingredients: tuple[str, ...]
    """Those that were changed after they had been signed."""
    problems: tuple[str, ...]
    """C2PA's codes of what is wrong, and words on them."""

    @property
    def broken(self) -> bool:
        return self.state == "Invalid"


def carries_credentials(stream: BinaryIO | BufferedIOBase) -> bool:
    """Whether a file holds Content Credentials, of whatever worth; without the packages that read them."""
    stream.seek(0)
    end = b""
    while more := stream.read(_AT_ONCE):
        if _LABEL in end + more:
            return True
        end = more[-len(_LABEL) :]
    return False


def read_credentials(stream: BinaryIO | BufferedIOBase, media_type: str) -> FoundCredentials | None:
    """The Content Credentials of a file; None where there are none, or its kind holds none. Nothing is fetched.

    Raises MissingPackageError.
    """
    require_packages()
    import c2pa

    from .signing import context

    stream.seek(0)
    try:
        with c2pa.Reader(media_type, stream, context=context()) as reader:
            return _found(json.loads(reader.json()), str(reader.get_validation_state()))
    except (c2pa.C2paError.ManifestNotFound, c2pa.C2paError.NotSupported):
        return None
    except c2pa.C2paError as error:
        return FoundCredentials("Invalid", "", (), (), (), (excerpt(error),))


def _found(store: _Store, state: str) -> FoundCredentials:
    manifest = store.get("manifests", {}).get(store.get("active_manifest", ""), _Manifest())
    signer = manifest.get("signature_info", _Signature())
    types = (str(action["digitalSourceType"]) for action in _actions(manifest) if "digitalSourceType" in action)
    problems = [
        f"{one.get('code')}: {excerpt(one.get('explanation', ''))}"
        for one in store.get("validation_status", ())
        if one.get("code") != _UNTRUSTED
    ]
    return FoundCredentials(
        state,
        excerpt(signer.get("common_name") or signer.get("issuer") or ""),
        tuple(dict.fromkeys(map(excerpt, types))),
        tuple(map(_title, manifest.get("ingredients", ()))),
        tuple(_title(one) for one in manifest.get("ingredients", ()) if _is_broken(one)),
        tuple(problems[:_SHOWN]),
    )


def _title(ingredient: _Ingredient) -> str:
    return excerpt(ingredient.get("title", ""))


def _is_broken(ingredient: _Ingredient) -> bool:
    found = ingredient.get("validation_results", _Results()).get("activeManifest", _Codes())
    return any(one.get("code") != _UNTRUSTED for one in found.get("failure", ()))


def _actions(manifest: _Manifest) -> Iterator[Mapping[str, object]]:
    for assertion in manifest.get("assertions", ()):
        if assertion["label"].startswith("c2pa.actions"):
            yield from (one for one in assertion["data"]["actions"] if one.get("action") in _MADE_BY)

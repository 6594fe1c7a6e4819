"""Certificates and private keys that sign: looked at before the work, and made. Keys are never shown or logged."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, NamedTuple

from ..pipeline.errors import MissingPackageError, SettingsError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
    from cryptography.x509 import Certificate

_PACKAGES: Final = ("c2pa", "cryptography")
_CURVES: Final = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
_LASTS: Final = timedelta(days=3650)
_EARLIER: Final = timedelta(hours=1)
"""Clocks differ."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What signs."""

    certificates: bytes = field(repr=False)
    """PEM, the one that signs first."""
    private_key: bytes = field(repr=False)
    algorithm: str
    """By C2PA's name, e.g. es256."""
    name: str
    """Whose certificate it is."""
    fingerprint: str
    """SHA-256 of the certificate."""


class Made(NamedTuple):
    """A new certificate and its key, both PEM."""

    certificate: bytes
    private_key: bytes


def has_packages() -> bool:
    """Whether what signs is installed."""
    return all(find_spec(name) for name in _PACKAGES)


def require_packages() -> None:
    """Raise MissingPackageError where what signs isn't installed."""
    try:
        for name in _PACKAGES:
            import_module(name)
    except ImportError as error:
        raise MissingPackageError(
            f"signatures need c2pa-python and cryptography, which can't be imported ({error}): "
            "pip install 'multifaceswap[marking]'"
        ) from error


def loaded(certificates: bytes, private_key: bytes) -> Credentials:
    """The credentials of two PEM files, which fit together and are valid now.

    Raises SettingsError, which says what is wrong and nothing of the key, and MissingPackageError.
    """
    require_packages()
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

    try:
        chain = x509.load_pem_x509_certificates(certificates)
    except ValueError as error:
        raise SettingsError("the certificate: expected a PEM file with certificates") from error
    try:
        key = load_pem_private_key(private_key, None)
    except (ValueError, TypeError) as error:
        reason = "it is encrypted" if isinstance(error, TypeError) else "something else came"
        raise SettingsError(f"the private key: expected a PEM file without a passphrase, {reason}") from None
    certificate, algorithm = chain[0], _algorithm(key)
    if key.public_key() != certificate.public_key():
        raise SettingsError("the private key isn't that of the certificate")
    _require_valid(certificate)
    fingerprint = certificate.fingerprint(SHA256()).hex()
    # C2PA takes neither other forms of keys, as openssl writes them, nor anything beside keys and certificates.
    encoded = b"".join(one.public_bytes(Encoding.PEM) for one in chain)
    return Credentials(encoded, _encoded(key), algorithm, _name(certificate), fingerprint)


def made(name: str) -> Made:
    """A new key, EC P-256, and a certificate that it signs itself for what C2PA asks. Raises MissingPackageError."""
    require_packages()
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding

    key = ec.generate_private_key(ec.SECP256R1())
    return Made(_certificate(key, name).public_bytes(Encoding.PEM), _encoded(key))


def _encoded(key: PrivateKeyTypes) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _certificate(key: EllipticCurvePrivateKey, name: str) -> Certificate:
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    try:
        named = x509.Name([x509.NameAttribute(kind, name) for kind in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME)])
    except ValueError as error:
        raise SettingsError("the name: expected 1 to 64 characters") from error
    now, public = datetime.now(timezone.utc), key.public_key()
    nothing_else = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign"),
        False,
    )
    usage = x509.KeyUsage(digital_signature=True, **nothing_else, encipher_only=False, decipher_only=False)
    builder = x509.CertificateBuilder(named, named, public, x509.random_serial_number(), now - _EARLIER, now + _LASTS)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(usage, critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
    return builder.sign(key, SHA256())


def _require_valid(certificate: Certificate) -> None:
    now = datetime.now(timezone.utc)
    if now > certificate.not_valid_after_utc:
        raise SettingsError(f"the certificate expired on {certificate.not_valid_after_utc:%Y-%m-%d}")
    if now < certificate.not_valid_before_utc:
        raise SettingsError(f"the certificate is valid from {certificate.not_valid_before_utc:%Y-%m-%d} on")


def _algorithm(key: object) -> str:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        return _CURVES[key.curve.name]
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519"
    if isinstance(key, rsa.RSAPrivateKey):
        return "ps256"
    raise SettingsError("the private key: expected one of EC P-256, P-384 or P-521, Ed25519 or RSA")


def _name(certificate: Certificate) -> str:
    from cryptography.x509.oid import NameOID

    kinds = (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME)
    found = (one for kind in kinds for one in certificate.subject.get_attributes_for_oid(kind))
    return next((str(one.value) for one in found), "")

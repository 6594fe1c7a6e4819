"""Certificates and keys that other tools made."""

from __future__ import annotations

import pytest
from multifaceswap.marking import certificates
from multifaceswap.marking.places import Signing, set_up
from multifaceswap.pipeline.errors import SettingsError

pytest.importorskip("c2pa")
pytest.importorskip("cryptography")


@pytest.fixture
def credentials(tmp_path):
    return Signing(*set_up(tmp_path / "signing", "Ada Lovelace")).credentials()


def own(key, tmp_path, form, *, names_authority=True):
    """Files of a certificate and its key, as other tools write them."""
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption

    made = x509.load_pem_x509_certificate(certificates.made("Ada").certificate)
    builder = x509.CertificateBuilder(made.subject, made.subject, key.public_key(), 1)
    builder = builder.not_valid_before(made.not_valid_before_utc).not_valid_after(made.not_valid_after_utc)
    for one in made.extensions:
        if not isinstance(one.value, x509.SubjectKeyIdentifier | x509.AuthorityKeyIdentifier):
            builder = builder.add_extension(one.value, one.critical)
    if names_authority:
        builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), False)
    paths = tmp_path / "own.pem", tmp_path / "own.key"
    paths[0].write_bytes(builder.sign(key, SHA256()).public_bytes(Encoding.PEM))
    paths[1].write_bytes(key.private_bytes(Encoding.PEM, form, NoEncryption()))
    return paths


@pytest.mark.parametrize("kind", ["p256", "p384", "rsa"])
@pytest.mark.parametrize("before", [b"", b"Bag Attributes\n    friendlyName: Ada\n", "certificate"])
def test_keys_as_openssl_writes_them_sign(tmp_path, kind, before):
    """SEC1 and PKCS#1, behind the words that PKCS#12 leaves or with the certificate in the same file."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import PrivateFormat

    key = (
        rsa.generate_private_key(65537, 2048)
        if kind == "rsa"
        else ec.generate_private_key({"p256": ec.SECP256R1(), "p384": ec.SECP384R1()}[kind])
    )
    certificate, private = own(key, tmp_path, PrivateFormat.TraditionalOpenSSL)
    assert b"BEGIN PRIVATE KEY" not in private.read_bytes()
    private.write_bytes((certificate.read_bytes() if before == "certificate" else before) + private.read_bytes())
    found = Signing(certificate, private).credentials()
    assert found.algorithm == {"p256": "es256", "p384": "es384", "rsa": "ps256"}[kind]


def test_a_key_beside_the_certificate_does_not_go_into_the_file(tmp_path, credentials):
    both = tmp_path / "both.pem"
    both.write_bytes(credentials.private_key + credentials.certificates)
    found = Signing(both, both).credentials()
    assert b"PRIVATE KEY" not in found.certificates and found.fingerprint == credentials.fingerprint


def test_what_c2pa_asks_for_is_said(tmp_path):
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import PrivateFormat

    paths = own(ec.generate_private_key(ec.SECP256R1()), tmp_path, PrivateFormat.PKCS8, names_authority=False)
    with pytest.raises(SettingsError, match=r"certificate is invalid; it asks for .* authority key identifier"):
        Signing(*paths).credentials()

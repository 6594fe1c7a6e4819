"""Content Credentials: signed with one's own certificate, read again by C2PA's reader, broken where bytes change."""

from __future__ import annotations

import json
import os
import socket
import stat
from datetime import datetime, timedelta, timezone
from io import BytesIO

import numpy as np
import pytest
from multifaceswap.app.marks import Marker
from multifaceswap.marking import certificates
from multifaceswap.marking.checking import read_credentials
from multifaceswap.marking.places import Signing, set_up
from multifaceswap.marking.signing import Ingredient, sign
from multifaceswap.marking.statement import WITH_AI, Statement
from multifaceswap.media.pictures import read_metadata, write_picture
from multifaceswap.pipeline.errors import MissingPackageError, SettingsError
from PIL import Image

c2pa = pytest.importorskip("c2pa")
pytest.importorskip("cryptography")
PICTURE = np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8)
TYPES = {"a.jpg": "image/jpeg", "a.png": "image/png", "a.webp": "image/webp", "a.avif": "image/avif"}
URI = "http://cv.iptc.org/newscodes/digitalsourcetype/"


@pytest.fixture
def files(tmp_path):
    return set_up(tmp_path / "signing", "Ada Lovelace")


@pytest.fixture
def credentials(files):
    return Signing(*files).credentials()


@pytest.fixture(autouse=True)
def no_connections(monkeypatch):
    def refuse(*_arguments, **_options):
        raise AssertionError("a connection was asked for")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)


def signed(source, target, credentials):
    marked = Marker(Statement(WITH_AI), credentials).picture(read_metadata(source), target.name, source)
    write_picture(target, PICTURE, metadata=marked.metadata, finish=marked.finish)
    return target


def store(path):
    with path.open("rb") as file, c2pa.Reader(TYPES[f"a{path.suffix}"], file) as reader:
        return json.loads(reader.json()), reader.get_validation_state()


def check(path, data=None):
    return read_credentials(BytesIO(path.read_bytes() if data is None else bytes(data)), TYPES[f"a{path.suffix}"])


@pytest.fixture
def source(tmp_path):
    Image.fromarray(PICTURE).save(tmp_path / "source.jpg")
    return tmp_path / "source.jpg"


@pytest.mark.parametrize("name", TYPES)
def test_what_is_signed_is_valid_and_holds_no_picture_of_the_target(tmp_path, source, credentials, name):
    path = signed(source, tmp_path / name, credentials)
    found, state = store(path)
    assert state == "Valid"
    manifest = found["manifests"][found["active_manifest"]]
    assert manifest["signature_info"]["common_name"] == "Ada Lovelace"
    (actions,) = (one["data"]["actions"] for one in manifest["assertions"] if one["label"].startswith("c2pa.actions"))
    opened, edited = actions
    assert (opened["action"], edited["action"]) == ("c2pa.opened", "c2pa.edited")
    assert edited["digitalSourceType"] == URI + WITH_AI
    assert edited["softwareAgent"]["name"] == "ComfyUI-MultiFaceSwap"
    (parent,) = manifest["ingredients"]
    assert (parent["title"], parent["relationship"]) == ("source.jpg", "parentOf")
    assert "thumbnail" not in json.dumps(found)
    write_picture(tmp_path / f"plain{path.suffix}", PICTURE)
    plain = tmp_path / f"plain{path.suffix}"
    assert path.stat().st_size - plain.stat().st_size < 6000
    assert (np.asarray(Image.open(path)) == np.asarray(Image.open(plain))).all()
    assert check(path).state == "Valid" and check(path).source_types == (URI + WITH_AI,)


@pytest.mark.parametrize("name", TYPES)
def test_a_byte_that_changes_is_told(tmp_path, source, credentials, name):
    path = signed(source, tmp_path / name, credentials)
    data = bytearray(path.read_bytes())
    data[len(data) * 3 // 4] ^= 1
    found = check(path, data)
    assert found.broken and found.problems


def test_coding_anew_loses_the_signature(tmp_path, source, credentials):
    path = signed(source, tmp_path / "a.jpg", credentials)
    with Image.open(path) as image:
        xmp = image.info["xmp"]
        image.save(tmp_path / "again.jpg", quality=60, xmp=xmp)
    assert check(tmp_path / "again.jpg") is None
    assert WITH_AI.encode() in (tmp_path / "again.jpg").read_bytes()


@pytest.mark.parametrize("name", TYPES)
def test_credentials_of_the_target_are_kept(tmp_path, source, credentials, name):
    first = signed(source, tmp_path / name, credentials)
    found, state = store(signed(first, tmp_path / f"second{first.suffix}", credentials))
    assert state == "Valid" and len(found["manifests"]) == 2
    (parent,) = found["manifests"][found["active_manifest"]]["ingredients"]
    assert parent["active_manifest"] in found["manifests"]


@pytest.mark.parametrize("kind", ["BMP", "TGA", "GIF", "JPEG2000", "TIFF"])
def test_targets_of_every_kind_are_named(tmp_path, credentials, kind):
    path = tmp_path / f"s.{ {'JPEG2000': 'jp2', 'TIFF': 'tif'}.get(kind, kind.lower()) }"
    Image.fromarray(PICTURE).save(path, kind)
    found, state = store(signed(path, tmp_path / "a.png", credentials))
    assert state == "Valid"
    assert found["manifests"][found["active_manifest"]]["ingredients"][0]["title"] == path.name


def test_credentials_that_cannot_be_read_are_told(source, credentials, caplog):
    made, cut = BytesIO(), BytesIO(source.read_bytes()[:40])
    parent = Ingredient("cut.jpg", "image/jpeg", cut)
    sign(credentials, Statement(WITH_AI), "a.jpg", "image/jpeg", BytesIO(source.read_bytes()), made, parent)
    found = check(source, made.getvalue())
    assert (found.state, found.ingredients) == ("Valid", ("cut.jpg",))
    assert "cut.jpg: its own Content Credentials can't be read" in caplog.text


def test_a_target_of_another_kind_than_its_name_is_named(tmp_path, credentials):
    Image.fromarray(PICTURE).save(tmp_path / "s.png", "JPEG")
    assert store(signed(tmp_path / "s.png", tmp_path / "a.png", credentials))[1] == "Valid"


def test_a_target_whose_credentials_are_broken_is_one_all_the_same(tmp_path, source, credentials):
    first = signed(source, tmp_path / "a.jpg", credentials)
    data = bytearray(first.read_bytes())
    data[-300] ^= 1
    first.write_bytes(data)
    assert check(signed(first, tmp_path / "b.jpg", credentials)).state == "Valid"


def test_the_files_of_a_new_certificate(files, tmp_path):
    certificate, key = files
    assert stat.S_IMODE(os.stat(key).st_mode) == 0o600 or os.name == "nt"
    before = certificate.read_bytes(), key.read_bytes()
    with pytest.raises(SettingsError, match="is there already"):
        set_up(certificate.parent, "Other")
    assert (certificate.read_bytes(), key.read_bytes()) == before
    set_up(certificate.parent, "Other", replace=True)
    assert Signing(certificate, key).credentials().name == "Other"


def test_a_key_shows_itself_nowhere(files, credentials):
    lines = files[1].read_text().splitlines()[1:-1]
    assert not any(line in repr(credentials) for line in lines)


def _other(tmp_path):
    return set_up(tmp_path / "other", "Other")


def _expired(monkeypatch, tmp_path):
    monkeypatch.setattr(certificates, "_LASTS", timedelta(minutes=-1))
    return set_up(tmp_path / "expired", "Old")


def test_what_cannot_sign_is_said_before_anything_is_signed(files, tmp_path, monkeypatch):
    certificate, key = files
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN PRIVATE KEY-----\nSECRETSECRET\n-----END PRIVATE KEY-----\n")
    cases = {
        "isn't that of the certificate": (certificate, _other(tmp_path)[1]),
        "expired on": _expired(monkeypatch, tmp_path),
        "expected a PEM file without a passphrase": (certificate, broken),
        "expected a PEM file with certificates": (broken, key),
        "can't be read": (certificate, tmp_path / "none.pem"),
        "only one of them was named": (certificate, None),
    }
    for said, pair in cases.items():
        with pytest.raises(SettingsError, match=said) as error:
            Signing(*pair).credentials()
        assert "SECRET" not in str(error.value)


def test_an_encrypted_key_is_told(files, tmp_path):
    from cryptography.hazmat.primitives import serialization

    certificate, key = files
    private = serialization.load_pem_private_key(key.read_bytes(), None)
    locked = serialization.BestAvailableEncryption(b"word")
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked
    key.write_bytes(private.private_bytes(*form))
    with pytest.raises(SettingsError, match="it is encrypted"):
        Signing(certificate, key).credentials()


def test_a_certificate_for_something_else_is_refused(tmp_path):
    """As web servers have them: C2PA takes no signature of those."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "web")])
    now = datetime.now(timezone.utc)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(9))
    pem = serialization.Encoding.PEM
    (tmp_path / "c.pem").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(pem))
    form = pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (tmp_path / "k.pem").write_bytes(key.private_bytes(*form))
    with pytest.raises(SettingsError, match="C2PA takes no signature of it"):
        Signing(tmp_path / "c.pem", tmp_path / "k.pem").credentials()


def test_the_folder_of_the_environment(files, monkeypatch, tmp_path):
    monkeypatch.setenv("MULTIFACESWAP_SIGNING", str(files[0].parent))
    assert Signing().credentials().name == "Ada Lovelace"
    files[0].unlink()
    with pytest.raises(SettingsError, match="can't be read"):
        Signing().credentials()
    monkeypatch.setenv("MULTIFACESWAP_SIGNING", str(tmp_path / "nowhere"))
    with pytest.raises(SettingsError, match="can't be read"):
        Signing().credentials()


def test_without_the_packages(files, monkeypatch):
    monkeypatch.setattr(certificates, "_PACKAGES", ("no_such_package",))
    with pytest.raises(MissingPackageError, match=r"multifaceswap\[marking\]"):
        Signing(*files).credentials()
    assert Signing(*files, required=False).credentials() is None

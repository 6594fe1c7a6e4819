"""What ComfyUI's registry is told: its limits, and that every address leads to a file that there is."""

from __future__ import annotations

import struct
from pathlib import Path
from xml.etree import ElementTree

import pytest

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

name_repository = pytest.importorskip("name_repository", reason="needs tomlkit", exc_type=ImportError)
ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
HOME = "https://example.org/owner/name"


def _named(repository: str = HOME) -> dict:
    return tomllib.loads(name_repository.named(TEXT, repository, "abc"))


def test_the_source_names_no_place_and_what_is_published_names_its_own():
    before, after = tomllib.loads(TEXT), _named()
    assert "urls" not in before["project"] and not {"Icon", "Banner"} & {*before["tool"]["comfy"]}
    assert after["project"].pop("urls")["Repository"] == HOME
    assert (after["tool"]["comfy"].pop("Icon"), after["tool"]["comfy"].pop("Banner")) == (
        f"{HOME}/raw/abc/docs/registry/icon.svg",
        f"{HOME}/raw/abc/docs/registry/banner.jpg",
    )
    assert after == before


def test_every_address_leads_to_a_file_of_the_project():
    after = _named(f"{HOME}/")
    addresses = [*after["project"]["urls"].values(), after["tool"]["comfy"]["Icon"], after["tool"]["comfy"]["Banner"]]
    files = [address.split("/abc/")[1] for address in addresses if "/abc/" in address]
    assert len(files) == 4 and all((ROOT / file).is_file() for file in files)


@pytest.mark.parametrize("repository", ["http://example.org/owner/name", "owner/name", "https:///name", ""])
def test_what_is_no_address_is_refused(repository):
    with pytest.raises(ValueError, match=r"expected an address such as https://"):
        name_repository.named(TEXT, repository, "abc")


def test_the_icon_and_the_banner_have_the_shapes_that_the_registry_shows():
    icon = ElementTree.parse(ROOT / "docs" / "registry" / "icon.svg").getroot()
    assert icon.get("width") == icon.get("height") == "400"
    assert not [part for part in icon.iter() if part.tag.rpartition("}")[2] in ("script", "image", "use")]
    data = (ROOT / "docs" / "registry" / "banner.jpg").read_bytes()
    at = data.index(b"\xff\xc0")
    height, width = struct.unpack_from(">HH", data, at + 5)
    assert width * 9 == height * 21


def test_what_the_registry_requires_is_there():
    project = tomllib.loads(TEXT)
    comfy = project["tool"]["comfy"]
    assert project["project"]["version"].count(".") == 2 and (ROOT / project["project"]["license"]["file"]).is_file()
    assert comfy["PublisherId"] and comfy["DisplayName"] and comfy["requires-comfyui"] == ">=0.8.0"
    assert comfy["includes"] == []
    kinds = {line.split(" :: ")[0] for line in project["project"]["classifiers"]}
    assert {"Operating System", "Environment"} <= kinds

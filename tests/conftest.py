"""Loads the checkout itself as the package `multifaceswap`, whatever is installed, so that tests test this code."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"


# Run by its path: some tests run this file on its own.
runpy.run_path(str(ROOT / "scripts" / "checkout.py"))["load_checkout"]()


@pytest.fixture(scope="session", autouse=True)
def own_folders(tmp_path_factory):
    """Nothing is read from or left in the user's folders for what is cached, and for saved faces."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MULTIFACESWAP_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("MULTIFACESWAP_FACES", str(tmp_path_factory.mktemp("saved") / "faces"))
        yield


@pytest.fixture(scope="session")
def session():
    """One session of the shipped models for all tests, on the CPU."""
    from multifaceswap import Session

    return Session(device="cpu")


@pytest.fixture(scope="session")
def pool(session):
    """Its models."""
    return session.models


def _example(name):
    from multifaceswap.media.pictures import read_picture

    picture = read_picture(EXAMPLES / name)[..., :3]
    picture.flags.writeable = False
    return picture


@pytest.fixture(scope="session")
def astronaut():
    """(512, 512, 3) uint8: one face, 95 pixels wide."""
    return _example("astronaut.png")


@pytest.fixture(scope="session")
def hopper():
    """(600, 512, 3) uint8: one face, 185 pixels wide, with glasses."""
    return _example("grace_hopper.jpg")


@pytest.fixture(scope="session")
def group():
    """(640, 2063, 3) uint8: four faces of the same two people, mirrored, tilted, recoloured, of several sizes."""
    return _example("group.jpg")

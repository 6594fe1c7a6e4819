from __future__ import annotations

import threading

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")
pytest.importorskip("sqlalchemy")
pytest.importorskip("prometheus_client")

from multifaceswap.serve.values import Image, Outcome
from serverworld import serving


@pytest.fixture(scope="session")
def site(session, tmp_path_factory):
    """A server with the engines of the shipped models, for all tests that leave it as it is."""
    with serving(tmp_path_factory.mktemp("site"), session) as site:
        yield site


@pytest.fixture
def started(session, tmp_path):
    """Starts servers of the test's own, over one folder."""
    with_exit = []

    def start(work=None, **config):
        manager = serving(tmp_path / "data", session, work, **config)
        with_exit.append(manager)
        return manager.__enter__()

    yield start
    for manager in reversed(with_exit):
        manager.__exit__(None, None, None)


class Copying:
    """Work that takes no engine: the target comes back. It waits while it is held; the warm-up never does."""

    def __init__(self):
        self.free = threading.Event()
        self.free.set()
        self.done = []
        self.begun = threading.Event()

    def __call__(self, claimed):
        if claimed.id != "warm-up":
            self.begun.set()
            assert self.free.wait(30)
            self.done.append(claimed.id)
        return Outcome(Image(claimed.target, "image/png"), "", 0.5, {"licence": "copying: none"}, 2)


@pytest.fixture
def copying():
    work = Copying()
    yield work
    work.free.set()

"""What all tests of the hosted engine share."""

from __future__ import annotations

import numpy as np
import pytest
from multifaceswap.hosted.segmind.client import SegmindClient
from multifaceswap.hosted.segmind.journal import Journal
from multifaceswap.hosted.segmind.key import ApiKey
from multifaceswap.hosted.segmind.transport import TransportLimits
from multifaceswap.media.retry import Retries
from segmind_api import KEY, FakeClock, Faults, serving


@pytest.fixture
def api():
    with serving() as api:
        yield api


@pytest.fixture
def faults():
    return Faults


@pytest.fixture
def key():
    return KEY


@pytest.fixture
def fake_clock():
    return FakeClock()


@pytest.fixture
def make_client(api, tmp_path):
    """Makes clients over one journal, as a process does and its successor."""
    made = []

    def make(key=KEY, clock=None, journal=None, limits=None, tries=3, base_url=None):
        client = SegmindClient(
            ApiKey(key),
            base_url or api.base_url,
            journal or Journal(tmp_path / "journal", clock),
            limits=limits or TransportLimits(connect=2, read=2),
            retries=Retries(tries, first=0.01, longest=0.02),
            clock=clock,
        )
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(make_client):
    return make_client()


@pytest.fixture
def swap(client):
    """Swaps with a client and quick polls."""

    def swap(source=None, target=None, settings=None, *, by=None, **options):
        pixels = np.full((6, 8, 3), 200, np.uint8)
        source = np.zeros((4, 4, 3), np.uint8) if source is None else source
        target = pixels if target is None else target
        return (by or client).swap(source, target, settings, **{"poll_interval": 0.01, "timeout": 10, **options})

    return swap

"""The hosted API's official SDK, against a server of this machine."""

from __future__ import annotations

import io

import pytest

pytest.importorskip("segmind")
import numpy as np
import requests
import segmind
from PIL import Image
from segmind.exceptions import SegmindError
from serverworld import GREY, HOPPER, MODEL, PICTURES, opened


@pytest.fixture
def sdk():
    made = []

    def connect(site):
        made.append(segmind.SegmindClient("any-key", base_url=f"{site.url}/v1"))
        return made[-1]

    yield connect
    for client in made:
        client._client.close()


def picture_of(body):
    return np.asarray(Image.open(io.BytesIO(requests.get(body["output"], timeout=30).content)))


def test_run_sync_and_run_and_wait_give_the_same_picture(site, sdk):
    client = sdk(site)
    synchronous = opened(client.run_sync(MODEL, **PICTURES, image_format="png").content)
    body = client.run(MODEL, **PICTURES, image_format="png")
    waited = client.submit_async(MODEL, **PICTURES, image_format="png").wait(timeout=30, interval=0.05)
    np.testing.assert_array_equal(picture_of(body), synchronous)
    np.testing.assert_array_equal(picture_of(waited), synchronous)
    assert waited["metrics"]["inference_time"] > 0


def test_submitted_request_says_how_it_stands(started, copying, sdk):
    client = sdk(started(copying))
    copying.free.clear()
    first = client.submit_async(MODEL, source_img=GREY, target_img=GREY)
    assert copying.begun.wait(10)
    second = client.submit_async(MODEL, source_img=GREY, target_img=GREY)
    assert [one.status()["status"] for one in (first, second)] == ["PROCESSING", "QUEUED"]
    copying.free.set()
    assert second.wait(timeout=10, interval=0.05)["status"] == "COMPLETED"
    assert first.status()["status"] == "COMPLETED"


def test_failed_job_raises_with_the_servers_words(site, sdk):
    request = sdk(site).submit_async(MODEL, source_img=GREY, target_img=HOPPER)
    with pytest.raises(SegmindError, match="source"):
        request.wait(timeout=20, interval=0.05)
    with pytest.raises(SegmindError, match="source"):
        sdk(site).run_sync(MODEL, source_img=GREY, target_img=HOPPER)


def test_refused_settings_raise_with_the_servers_words(site, sdk):
    for call in (sdk(site).run_sync, sdk(site).submit_async, sdk(site).run):
        with pytest.raises(SegmindError, match="interpolation: expected one of Nearest"):
            call(MODEL, **PICTURES, interpolation="Cubic")


def test_timeout_is_the_sdks_own_and_loses_nothing(started, copying, sdk):
    client = sdk(started(copying))
    copying.free.clear()
    request = client.submit_async(MODEL, source_img=GREY, target_img=GREY)
    with pytest.raises(SegmindError, match="did not complete"):
        request.wait(timeout=0.3, interval=0.05)
    copying.free.set()
    assert request.wait(timeout=10, interval=0.05)["status"] == "COMPLETED"


def test_unknown_id_raises(site, sdk):
    request = sdk(site).submit_async(MODEL, source_img=GREY, target_img=GREY)
    request.request_id, request.status_url = "nobody", f"{site.url}/v2/requests/nobody/status"
    request.response_url = f"{site.url}/v2/requests/nobody"
    with pytest.raises(SegmindError, match="no such request"):
        request.wait(timeout=5, interval=0.05)

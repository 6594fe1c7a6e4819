"""The official SDK against the same server: both succeed and both fail in the same cases."""

from __future__ import annotations

import base64
import binascii
import io
import json

import pytest

pytest.importorskip("segmind")
import httpx
import numpy as np
import segmind
from multifaceswap.hosted.segmind.settings import SegmindSettings
from multifaceswap.pipeline.errors import RemoteError
from PIL import Image
from segmind.exceptions import SegmindError
from segmind.files import Files

MODEL = "faceswap-v3-multifaceswap"
SETTINGS = SegmindSettings(image_format="png")
PIXELS = np.full((6, 8, 3), 200, np.uint8)
STATUSES = [400, 401, 402, 403, 404, 406, 422, 429, 500, 502, 503, 504]
_FAILURES = (SegmindError, httpx.HTTPError, OSError, ValueError, LookupError, binascii.Error)


@pytest.fixture
def sdk(api, key, monkeypatch):
    monkeypatch.setattr(Files, "STORAGE_BASE_URL", api.root)
    client = segmind.SegmindClient(key, base_url=api.base_url, timeout=2)
    yield client
    client._client.close()


def by_sdk(sdk, mode, settings, tmp_path, limit=10):
    """The picture that a script with the SDK gets, or None where it fails."""
    for name in ("source", "target"):
        Image.fromarray(PIXELS).save(tmp_path / f"{name}.png")
    try:
        source, target = sdk.files.upload([tmp_path / "source.png", tmp_path / "target.png"])["file_urls"]
        payload = {"source_img": source, "target_img": target, **settings.values()}
        if mode == "synchronous":
            return opened(sdk.run_sync(MODEL, **payload).content, settings)
        body = sdk.submit_async(MODEL, **payload).wait(timeout=limit, interval=0.01)
        (output,) = body["output"] if isinstance(body["output"], list) else [body["output"]]
        return opened(output.encode() if settings.base64 else httpx.get(output).content, settings)
    except _FAILURES:
        return None


def opened(data, settings):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data, validate=True) if settings.base64 else data)))


def by_client(swap, mode, settings, limit=10):
    try:
        return swap(PIXELS, PIXELS, settings, mode=mode, timeout=limit).picture
    except RemoteError:
        return None


def both(api, sdk, swap, mode, tmp_path, limit=10):
    """Whether each of them gets the picture; never another one."""
    pictures = [by_sdk(sdk, mode, SETTINGS, tmp_path, limit), by_client(swap, mode, SETTINGS, limit)]
    assert all((picture == 55).all() for picture in pictures if picture is not None)
    return [picture is not None for picture in pictures]


@pytest.mark.parametrize("mode", ["asynchronous", "synchronous"])
@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize("image_format", ["png", "webp"])
def test_both_succeed_in_every_form(api, sdk, swap, tmp_path, mode, as_text, image_format):
    settings = SegmindSettings(image_format=image_format, image_quality=100, base64=as_text)
    pictures = [by_sdk(sdk, mode, settings, tmp_path), by_client(swap, mode, settings)]
    assert pictures[0] is not None
    np.testing.assert_array_equal(*pictures)


def test_both_send_the_same_requests(api, sdk, swap, tmp_path):
    sent = []
    for ask in (
        lambda: by_sdk(sdk, "asynchronous", SETTINGS, tmp_path),
        lambda: by_client(swap, "asynchronous", SETTINGS),
    ):
        api.calls.clear()
        api.assets.clear()
        api.jobs.clear()
        assert ask() is not None
        sent.append([(call.method, call.path) for call in api.calls if "upload" not in call.path])
        submit = next(call for call in api.calls if call.path == f"/v2/{MODEL}")
        sent[-1].append(json.loads(submit.body).keys())
        assert submit.headers["content-type"] == "application/json"
    assert sent[0] == sent[1]


@pytest.mark.parametrize("output", [lambda url: url, lambda url: [url]], ids=["text", "list"])
@pytest.mark.parametrize("polls", [[], ["QUEUED", "PROCESSING"], ["SOMETHING_NEW", "QUEUED"]])
def test_both_wait_for_the_result(api, sdk, swap, tmp_path, output, polls):
    api.output, api.polls = output, polls
    assert both(api, sdk, swap, "asynchronous", tmp_path) == [True, True]


@pytest.mark.parametrize("state", ["COMPLETED", "PROCESSING"])
@pytest.mark.parametrize("code", [200, 201, 202])
def test_both_take_any_success_of_the_status_call(api, sdk, swap, tmp_path, faults, state, code):
    api.polls = []
    api.fault("status", faults.status(code, {"status": state}), None, faults.status(code, {"status": state}))
    assert both(api, sdk, swap, "asynchronous", tmp_path) == [True, True]


def test_both_go_by_the_body_of_a_finished_job_and_not_by_its_status(api, sdk, swap, tmp_path, faults):
    api.fault("status", faults.status(422, {"status": "COMPLETED"}), always=True)
    assert both(api, sdk, swap, "asynchronous", tmp_path) == [True, True]


@pytest.mark.parametrize("code", STATUSES)
@pytest.mark.parametrize(
    ("route", "mode"),
    [("upload-asset", "asynchronous"), ("submit", "asynchronous"), ("status", "asynchronous"),
     ("result", "asynchronous"), ("sync", "synchronous")],
)  # fmt: skip
def test_both_fail_at_every_error_status(api, sdk, swap, tmp_path, faults, route, mode, code):
    api.fault(route, faults.status(code), always=True)
    assert both(api, sdk, swap, mode, tmp_path, 0.5) == [False, False]


FAULTS = {
    "failed": ("status", lambda f: f.status(422, {"status": "FAILED", "error": "no face"})),
    "failed under 200": ("status", lambda f: f.status(200, {"status": "FAILED", "error": "no face"})),
    "failed result": ("result", lambda f: f.status(422, {"status": "FAILED", "error": "no face"})),
    "expired": ("status", lambda f: f.status(404, {"error": "request not found"})),
    "result expired": ("result", lambda f: f.status(404, {"error": "request not found"})),
    "unreadable status": ("status", lambda f: f.html()),
    "status redirected": ("status", lambda f: f.status(302, b"", location="/v2/elsewhere")),
    "empty result": ("result", lambda f: f.status(200, {"status": "COMPLETED"})),
    "unreadable result": ("result", lambda f: f.html()),
    "result cut": ("result", lambda f: f.cut(b'{"status": "COMPLETED"}' + b" " * 500)),
    "media gone": ("media", lambda f: f.status(404, b"gone", "text/plain")),
    "media page": ("media", lambda f: f.html()),
    "media cut": ("media", lambda f: f.cut(b"x" * 1000)),
    "submit page": ("submit", lambda f: f.html()),
    "submit empty": ("submit", lambda f: f.status(200, {})),
    "submit reset": ("submit", lambda f: f.reset),
    "submit reset late": ("submit", lambda f: f.accepted_then_reset),
    "submit redirected": ("submit", lambda f: f.status(307, b"", location="/v2/elsewhere")),
    "upload page": ("upload-asset", lambda f: f.html()),
    "upload empty": ("upload-asset", lambda f: f.status(200, {"message": "ok"})),
    "upload reset": ("upload-asset", lambda f: f.reset),
    "page": ("sync", lambda f: f.html()),
    "cut": ("sync", lambda f: f.cut(b"\x89PNG" * 500)),
    "empty": ("sync", lambda f: f.status(200, b"")),
    "json": ("sync", lambda f: f.status(200, {"error": "no face"})),
    "failed at once": ("sync", lambda f: f.status(422, {"status": "FAILED", "error": "no face"})),
    "reset": ("sync", lambda f: f.reset),
    "redirected": ("sync", lambda f: f.status(302, b"", location="/elsewhere")),
}


@pytest.mark.parametrize("name", FAULTS)
def test_both_fail_at_every_fault(api, sdk, swap, tmp_path, faults, name):
    route, fault = FAULTS[name]
    api.fault(route, fault(faults), always=True)
    mode = "synchronous" if route == "sync" else "asynchronous"
    assert both(api, sdk, swap, mode, tmp_path, 0.5) == [False, False]


def test_both_give_up_on_a_job_that_never_ends(api, sdk, swap, tmp_path):
    api.polls = ["QUEUED"] * 100_000
    assert both(api, sdk, swap, "asynchronous", tmp_path, 0.3) == [False, False]


def test_both_are_refused_with_a_wrong_key(api, tmp_path, make_client, swap, monkeypatch):
    monkeypatch.setattr(Files, "STORAGE_BASE_URL", api.root)
    sdk = segmind.SegmindClient("SG_wrong", base_url=api.base_url, timeout=2)
    assert by_sdk(sdk, "synchronous", SETTINGS, tmp_path) is None
    sdk._client.close()
    with pytest.raises(RemoteError):
        swap(by=make_client(key="SG_wrong"))

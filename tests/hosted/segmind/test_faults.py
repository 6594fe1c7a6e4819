"""Every documented error, and everything that can break on the way."""

from __future__ import annotations

import socket
import struct
import threading
import time
import zlib
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import numpy as np
import pytest
from multifaceswap.hosted.segmind import errors
from multifaceswap.hosted.segmind.settings import SegmindSettings
from multifaceswap.hosted.segmind.transport import TransportLimits
from multifaceswap.pipeline.errors import CancelledError, RemoteError

STATUSES = [
    (400, errors.BadRequestError),
    (401, errors.UnauthorizedError),
    (402, errors.InsufficientCreditsError),
    (403, errors.ForbiddenError),
    (404, errors.NotFoundError),
    (405, errors.BadRequestError),
    (406, errors.InsufficientCreditsError),
    (410, errors.NotFoundError),
    (413, errors.BadRequestError),
    (422, errors.BadRequestError),
    (429, errors.RateLimitedError),
    (500, errors.ServerError),
    (502, errors.BadGatewayError),
    (503, errors.UnavailableError),
    (504, errors.GatewayTimeoutError),
    (520, errors.ServerError),
]
ROUTES = [("upload-asset", "asynchronous"), ("submit", "asynchronous"), ("status", "asynchronous"),
          ("result", "asynchronous"), ("sync", "synchronous")]  # fmt: skip


@pytest.mark.parametrize(("route", "mode"), ROUTES)
@pytest.mark.parametrize(("code", "kind"), STATUSES)
def test_every_status_is_its_own_error_on_every_call(api, swap, faults, route, mode, code, kind):
    api.fault(route, faults.status(code), always=True)
    with pytest.raises(RemoteError) as caught:
        swap(mode=mode)
    error = caught.value
    # Of a request that was accepted 422 says that it failed, even if nothing but an error comes with it.
    assert type(error) is (errors.JobFailedError if code == 422 and route in ("status", "result") else kind)
    assert (error.status, error.detail) == (code, f"detail of {code}")
    assert error.request_id == ("req-0" if route in ("status", "result") else None)
    assert error.advice in str(error) and f"(HTTP {code}): detail of {code}" in str(error)


@pytest.mark.parametrize(
    ("body", "kind", "detail"),
    [
        ({"error": {"message": "too small", "code": 7}}, "application/json", '{"message": "too small", "code": 7}'),
        ({"message": "try later"}, "application/json", "try later"),
        ({"other": 1}, "application/json", ""),
        ([1, 2], "application/json", ""),
        (b"", "text/plain", ""),
        (b"<html><h1>Bad\n thing</h1></html>", "text/html", "Bad thing"),
        (b"{not json", "application/json", ""),
        (b"\xff\xfe\x00", "application/octet-stream", ""),
        ({"error": "x" * 2000}, "application/json", "x" * 199 + "…"),
    ],
)
def test_detail_is_found_or_empty_whatever_the_body(api, swap, faults, body, kind, detail):
    api.fault("submit", faults.status(400, body, kind))
    with pytest.raises(errors.BadRequestError) as caught:
        swap()
    assert caught.value.detail == detail


def test_failed_under_422_is_a_failed_job_and_no_bad_request(api, swap):
    api.polls = ["QUEUED", "FAILED"]
    with pytest.raises(errors.JobFailedError) as caught:
        swap()
    assert type(caught.value) is errors.JobFailedError
    assert (caught.value.status, caught.value.request_id) == (422, "req-0")
    assert caught.value.detail == "no face found in source_img"


def test_failed_on_the_result_call_alike(api, swap, faults):
    api.fault("result", faults.status(422, {"status": "FAILED", "error": "worker died"}))
    with pytest.raises(errors.JobFailedError, match=r"worker died \[request req-0\]"):
        swap()


def test_failed_synchronous_call_alike(api, swap, faults):
    api.fault("sync", faults.status(422, {"status": "FAILED", "error": "no face"}))
    with pytest.raises(errors.JobFailedError, match="no face"):
        swap(mode="synchronous")


@pytest.mark.parametrize("detail", ["NSFW content detected", "blocked by the content policy", "Safety checker"])
def test_blocked_content_says_so(api, swap, faults, detail):
    api.fault("status", faults.status(422, {"status": "FAILED", "error": detail}))
    with pytest.raises(errors.ContentBlockedError) as caught:
        swap()
    assert "content rules refuse these pictures" in str(caught.value) and detail in str(caught.value)


@pytest.mark.parametrize("code", [429, 502, 503, 504])
@pytest.mark.parametrize("route", ["upload-asset", "status", "result", "media"])
def test_passing_failures_are_repeated_where_it_costs_nothing(api, swap, faults, route, code):
    api.fault(route, faults.status(code), faults.status(code))
    assert swap(settings=SegmindSettings(image_format="png")).picture[0, 0, 0] == 55
    assert api.count("submit") == 1


@pytest.mark.parametrize("route", ["upload-asset", "status", "result", "media"])
def test_broken_connections_are_repeated_where_it_costs_nothing(api, swap, faults, route):
    api.fault(route, faults.reset, faults.cut(b"x" * 1000))
    swap()
    assert api.count("submit") == 1


@pytest.mark.parametrize("code", [400, 401, 403, 404, 500])
def test_lasting_failures_are_not_repeated(api, swap, faults, code):
    api.fault("upload-asset", faults.status(code), always=True)
    with pytest.raises(errors.SegmindError):
        swap()
    assert api.count("upload-asset") == 1


def test_tries_come_to_an_end(api, swap, faults):
    api.fault("status", faults.status(503), always=True)
    with pytest.raises(errors.UnavailableError):
        swap()
    assert api.count("status") == 3


@pytest.mark.parametrize(("route", "mode"), [("submit", "asynchronous"), ("sync", "synchronous")])
def test_paid_call_is_sent_again_after_429_alone(api, swap, faults, route, mode):
    api.fault(route, faults.status(429, retry_after="0"))
    swap(mode=mode)
    assert api.count(route) == 2


@pytest.mark.parametrize("wait", ["7", "date"])
def test_retry_after_is_waited_for(api, make_client, swap, faults, fake_clock, wait):
    then = datetime(2001, 2, 3, 4, 5, 6, tzinfo=timezone.utc)
    dates = {"Date": format_datetime(then, usegmt=True)}
    later = format_datetime(then + timedelta(seconds=7), usegmt=True)

    def limited(handler, _):
        handler.date_time_string = lambda: dates["Date"]
        handler.reply(429, {"error": "slow down"}, retry_after="7" if wait == "7" else later)

    api.fault("submit", limited)
    swap(by=make_client(clock=fake_clock.clock()), timeout=60)
    assert 7 <= fake_clock.slept < 8
    assert api.count("submit") == 2


def test_retry_after_beyond_the_time_limit_is_an_error_at_once(api, make_client, swap, faults, fake_clock):
    api.fault("status", faults.status(429, retry_after="120"))
    with pytest.raises(errors.RateLimitedError, match=r"detail of 429; it asks to wait 120 s \[request req-0\]\. Wait"):
        swap(by=make_client(clock=fake_clock.clock()), timeout=60)
    assert fake_clock.slept == 0


def test_unreadable_status_is_asked_again(api, swap, faults):
    api.fault("status", faults.html(), faults.status(200, [1]), faults.status(200, {"status": 3}))
    swap()


def test_status_that_stays_unreadable_is_an_error(api, swap, faults):
    api.fault("status", faults.html(), always=True)
    with pytest.raises(errors.ResultError, match=r"doesn't say how far the request is: Sign in.*\[request req-0\]"):
        swap()


@pytest.mark.parametrize("body", [{"error": "worker lost"}, {"status": "ERROR", "error": {"message": "worker lost"}}])
def test_status_that_only_says_an_error_ends_the_wait(api, make_client, swap, faults, fake_clock, body):
    api.fault("status", faults.status(200, body), always=True)
    with pytest.raises(errors.ResultError, match=r"worker lost.*\[request req-0\].*picked up"):
        swap(by=make_client(clock=fake_clock.clock()))
    assert api.count("status") == 5


@pytest.mark.parametrize("route", ["status", "result"])
@pytest.mark.parametrize("body", [{"error": "no face"}, {"status": None, "error": "no face"}, {"status": "failed",
                                  "error": "no face"}, {"status": "COMPLETING", "error": ["no face"]}])  # fmt: skip
def test_an_error_under_422_ends_the_job_and_the_next_run_is_a_new_one(api, swap, faults, route, body):
    api.fault(route, faults.status(422, body))
    with pytest.raises(errors.JobFailedError, match=r"no face.*The same run again is a new request"):
        swap()
    swap()
    assert api.paid() == 2


def test_unknown_states_are_waited_out(api, swap):
    api.polls = ["STARTING", "QUEUED", "WARMING_UP"]
    swap()


@pytest.mark.parametrize(
    ("route", "mode"), [("media", "asynchronous"), ("sync", "synchronous")], ids=["fetched", "synchronous"]
)
@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b"<!DOCTYPE html><html>Sign in</html>", "image/png", "a web page and not a picture"),
        (b"", "image/png", "it is empty"),
        (b"GIF89a" + b"\0" * 50, "image/gif", "not a whole JPEG, PNG or WebP picture"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "image/png", "not a whole JPEG, PNG or WebP picture"),
    ],
    ids=["html", "empty", "gif", "broken"],
)
def test_what_is_no_picture_is_refused_whatever_it_calls_itself(api, swap, faults, route, mode, body, kind, words):
    api.fault(route, faults.status(200, body, kind))
    with pytest.raises(errors.ResultError, match=words):
        swap(mode=mode)


@pytest.mark.parametrize("side", [11_000, 20_000])
def test_picture_of_too_many_pixels_is_refused_before_it_is_decoded(api, swap, faults, side):
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    huge = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 60_001)) + chunk(b"IEND", b"")
    api.fault("media", faults.status(200, huge))
    with pytest.raises(errors.ResultError, match="larger than 100 megapixels"):
        swap()


@pytest.mark.parametrize("body", [{"status": "COMPLETED"}, {"status": "COMPLETED", "output": []}, {"output": "%%%"}])
def test_result_without_a_picture_is_an_error(api, swap, faults, body):
    api.fault("result", faults.status(200, body))
    with pytest.raises(errors.ResultError, match=r"\[request req-0\]"):
        swap()


def test_submit_without_a_request_id_is_an_error(api, swap, faults):
    api.fault("submit", faults.status(200, {"status": "ok"}))
    with pytest.raises(errors.ResultError, match="no request_id"):
        swap()


@pytest.mark.parametrize("body", [{"message": "ok"}, {"file_urls": []}, {"file_urls": ["ftp://x/y"]}, {"file_urls": 3}])
def test_upload_without_an_address_is_an_error(api, swap, faults, body):
    api.fault("upload-asset", faults.status(200, body))
    with pytest.raises(errors.ResultError, match="gave no address"):
        swap()


@pytest.mark.parametrize("route", ["status", "media"])
def test_body_without_end_is_cut_off(api, make_client, swap, faults, route):
    api.fault(route, faults.endless)
    client = make_client(limits=TransportLimits(connect=2, read=2, text_bytes=100_000, picture_bytes=100_000))
    with pytest.raises(errors.ResultError, match="larger than the limit of 100000 bytes"):
        swap(by=client)


def test_body_announced_too_large_is_not_read(api, make_client, swap, faults):
    api.fault("media", lambda handler, _: handler.reply(200, b"x", length=10**12))
    with pytest.raises(errors.ResultError, match="1000000000000 bytes are announced"):
        swap()


@pytest.mark.parametrize("fault", ["stall", "stalled_body"])
def test_silence_ends_a_try(api, make_client, swap, faults, fault):
    api.fault("status", getattr(faults, fault))
    swap(by=make_client(limits=TransportLimits(connect=2, read=0.2)))
    assert api.count("status") == 4


@pytest.mark.parametrize("fault", ["stall", "stalled_body", "trickle"])
def test_time_limit_ends_any_wait_and_names_the_request(api, swap, faults, fault):
    api.fault("status", getattr(faults, fault), always=True)
    with pytest.raises((errors.TimeLimitError, errors.ConnectionLostError)) as caught:
        swap(timeout=0.5)
    assert caught.value.request_id == "req-0"
    assert "picked up and not paid for twice" in str(caught.value)


def test_job_that_never_ends_meets_the_time_limit(api, make_client, swap, fake_clock):
    api.polls = ["QUEUED"] * 100_000
    with pytest.raises(errors.TimeLimitError, match=r"not done within 60 s \[request req-0\]"):
        swap(by=make_client(clock=fake_clock.clock()), timeout=60, poll_interval=1.0)
    assert api.count("status") == 60


@pytest.mark.parametrize(
    ("route", "mode"),
    [("upload-asset", "asynchronous"), ("submit", "asynchronous"), ("status", "asynchronous"),
     ("result", "asynchronous"), ("media", "asynchronous"), ("sync", "synchronous")],
)  # fmt: skip
def test_cancel_is_heeded_in_any_wait(api, swap, faults, route, mode):
    stop = threading.Event()

    def stall(handler, body):
        stop.set()
        faults.stall(handler, body)

    api.fault(route, stall, always=True)
    began = time.monotonic()
    with pytest.raises(CancelledError):
        swap(mode=mode, cancelled=stop.is_set, timeout=30)
    # The server keeps silent for 30 s: only the stop button can have ended this.
    assert time.monotonic() - began < 15


def test_cancel_is_heeded_between_polls(api, make_client, swap, fake_clock):
    api.polls = ["QUEUED"] * 1000
    client = make_client(clock=fake_clock.clock())
    with pytest.raises(CancelledError):
        swap(by=client, cancelled=lambda: fake_clock.slept > 100, timeout=600, poll_interval=600)
    assert fake_clock.slept < 101


def test_refused_connection_is_tried_again_even_for_a_paid_call(api, make_client, swap, tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    client = make_client(base_url=f"http://127.0.0.1:{port}/v1")
    for transport in ("upload", "data-uri"):
        with pytest.raises(errors.ConnectionLostError) as caught:
            swap(by=client, transport=transport)
        assert type(caught.value) is errors.ConnectionLostError and caught.value.unsent
    assert not list((tmp_path / "journal").glob("*.json"))


def test_wall_clock_that_jumps_changes_nothing_under_way(api, make_client, swap, fake_clock):
    api.polls = ["QUEUED"] * 6

    def jump(stage):
        fake_clock.wall_offset += {"queued": 86_400 * 30}.get(stage, -86_400 * 400)

    result = swap(by=make_client(clock=fake_clock.clock()), progress=jump, settings=SegmindSettings(image_format="png"))
    assert np.all(result.picture == 55)

"""However a submit ends, the same inputs are submitted once, unless the answer is one that certainly cost nothing."""

from __future__ import annotations

import base64
import contextlib
import io
import itertools
import json
import os
import socket
import struct
import subprocess
import sys
import textwrap
import threading
from collections import Counter
from http import HTTPStatus
from pathlib import Path

import numpy as np
import pytest
from multifaceswap.hosted.segmind import errors, runner
from multifaceswap.hosted.segmind.journal import Journal
from multifaceswap.hosted.segmind.payment import COSTS_NOTHING
from multifaceswap.hosted.segmind.settings import SegmindSettings
from multifaceswap.hosted.segmind.transport import TransportLimits
from multifaceswap.pipeline.errors import CancelledError
from segmind_api import Job, encode

CONFTEST = Path(__file__).resolve().parents[2] / "conftest.py"
PNG = SegmindSettings(image_format="png")
PIXELS = np.full((6, 8, 3), 200, np.uint8)
MODES = [("submit", "asynchronous"), ("sync", "synchronous")]
STATUSES = sorted({*HTTPStatus, *range(100, 600, 9), *range(518, 531), 419, 440, 444, 460, 495, 499, 598, 599})
FREE = {400, 401, 402, 403, 404, 406, 413, 415, 422, 429}


@pytest.fixture
def run(make_client):
    """Runs one swap as a process of its own would, and gives its picture or its error. `job` tells jobs apart."""

    def run(job=0, mode="asynchronous", target=PIXELS, by=None, **options):
        client = by or make_client(tries=1, **options)
        calls = {"mode": mode, "transport": "data-uri", "run_again": job, "timeout": 10, "poll_interval": 0.01}
        try:
            result = client.swap(target, target, PNG, **calls)
        except errors.SegmindError as error:
            return error
        client.delivered(result)
        return result.picture

    return run


def test_table_of_what_costs_nothing():
    assert COSTS_NOTHING == FREE


@pytest.mark.parametrize(("route", "mode"), MODES)
def test_every_status_but_those_that_cost_nothing_is_submitted_once(api, run, make_client, faults, route, mode):
    client = make_client(tries=1)
    for code in STATUSES:
        api.fault(route, faults.status(code, {"error": "no"}, connection="close"))
        before = api.paid()
        first = run(code, mode, by=client)
        api.fault(route, faults.status(code, {"error": "no"}, connection="close"))
        second = run(code, mode, by=client)
        api.faults.clear()
        assert isinstance(first, errors.SegmindError) and isinstance(second, errors.SegmindError), code
        assert api.paid() - before == (2 if code in FREE else 1), code
        assert ("Nothing was charged." in str(first)) is (code in FREE), str(first)
        assert ("may have been charged" in str(first)) is (code not in FREE), str(first)
        assert "picked up" not in str(first) + str(second)


@pytest.mark.parametrize(("route", "mode"), MODES)
@pytest.mark.parametrize("code", [302, 408, 500, 504, 524])
def test_an_error_that_names_the_request_is_asked_for_it(api, run, faults, route, mode, code):
    """The id was accepted: the next run polls it instead of giving up."""
    api.fault(route, faults.status(code, {"error": "slow", "request_id": "req-0"}))
    first = run(0, mode)
    assert isinstance(first, errors.SegmindError)
    assert first.request_id == "req-0"
    assert "picked up" in str(first)
    second = run(0, mode)
    assert api.paid() == 1
    assert "/requests/req-0" in " ".join(call.path for call in api.calls), second


@pytest.mark.parametrize(("route", "mode"), MODES)
@pytest.mark.parametrize(
    "body",
    [{"request_id": ""}, {"request_id": None}, {"request_id": " \t"}, {"request_id": True}, {"request_id": {"id": 1}},
     {"request_id": 1.5}, b'{"request_id": ' + b"9" * 500 + b"}", [], ""],
    ids=lambda body: str(body)[:40],
)  # fmt: skip
@pytest.mark.parametrize("code", [200, 201, 202, 206, 500, 503])
def test_answers_that_say_nothing_usable_are_submitted_once(api, run, faults, route, mode, body, code):
    api.fault(route, faults.status(code, body), always=True)
    for _ in range(3):
        assert "may have been charged" in str(run(0, mode))
    assert api.paid() == 1


@pytest.mark.parametrize(("route", "mode"), MODES)
@pytest.mark.parametrize("body", [{"status": "FAILED", "error": "no face"}, {"status": "failed", "error": "no face"}])
@pytest.mark.parametrize("code", [200, 201, 202, 206])
def test_failed_is_a_failed_job_under_any_status_that_is_none_of_an_error(api, run, faults, route, mode, body, code):
    """As when a poll says so: there is nothing to pick up, and what was charged isn't documented."""
    api.fault(route, faults.status(code, body))
    first = run(0, mode)
    assert type(first) is errors.JobFailedError
    assert "no face" in str(first) and str(first).endswith("The same run again is a new request.")
    assert "charged" not in str(first) and "kept" not in str(first)
    assert np.array_equal(run(0, mode), 255 - PIXELS) and api.paid() == 2


@pytest.mark.parametrize(("route", "mode"), MODES)
@pytest.mark.parametrize("code", [500, 503])
def test_failed_from_a_server_that_failed_itself_is_in_doubt(api, run, faults, route, mode, code):
    api.fault(route, faults.status(code, {"status": "FAILED", "error": "x"}), always=True)
    for _ in range(2):
        assert "may have been charged" in str(run(0, mode))
    assert api.paid() == 1


def test_failed_beside_a_picture_is_kept(api, run, faults):
    api.fault("sync", faults.status(200, {"status": "FAILED", "output": base64.b64encode(encode(PIXELS)).decode()}))
    assert "is kept in" in str(run(0, "synchronous"))
    assert "is kept in" in str(run(0, "synchronous")) and api.paid() == 1


@pytest.mark.parametrize(
    "body",
    [b'{"request_id": 5}', b'{"request_id": 0}', b'{"request_id": ' + b"9" * 30 + b"}", b'{"request_id": "abc"}garbage',
     b'{"request_id": "abc"}{"request_id": "other"}', b'{"request_id": "abc"}\r\n\0\0', b'{"request_id": "abc"}]',
     b'\xef\xbb\xbf  {"request_id": "abc"}\xff\xfe', b'{"request_id": "abc"}\n{"status": "QUEUED"}\n'],
)  # fmt: skip
def test_an_id_that_is_there_is_used_however_it_is_written(api, run, faults, body):
    name = next(one for one in ("abc", "9" * 30, "5", "0") if one.encode() in body)
    api.jobs[name] = Job({"base64": False}, encode(PIXELS), ["QUEUED"])
    api.fault("submit", faults.status(200, body))
    assert np.array_equal(run(0), PIXELS)
    assert np.array_equal(run(0), PIXELS) and api.paid() == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [({"request_id": {"id": 1}}, "gives no request_id, but {'id': 1}"), ({"request_id": ["a"]}, "but ['a']"),
     ({"request_id": ""}, "gives no request_id"), ({"error": "over\nthere"}, "gives no request_id: over there")],
)  # fmt: skip
def test_an_answer_without_an_id_is_told_in_one_line(api, run, faults, body, words):
    api.fault("submit", faults.status(200, body))
    error = str(run(0))
    assert words in error and "\n" not in error and "may have been charged" in error


def ended(framing, body, kind="application/octet-stream"):
    """Answers that were cut right behind their whole body."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: " + kind.encode() + b"\r\n"
    chunk = head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body) + body
    return {
        "a length too great": head + b"Content-Length: %d\r\n\r\n" % (len(body) + 7) + body,
        "no last chunk": chunk + b"\r\n",
        "half a last chunk": chunk + b"\r\n0",
        "no end of the chunk": chunk,
        "a broken chunk behind": chunk + b"\r\nzz\r\n",
        "a chunk that is promised": chunk + b"\r\nff\r\n",
    }[framing]


FRAMINGS = ["a length too great", "no last chunk", "half a last chunk", "no end of the chunk", "a broken chunk behind",
            "a chunk that is promised"]  # fmt: skip


@pytest.mark.parametrize("reset", [True, False], ids=["reset", "closed"])
@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize(
    "body",
    [encode(PIXELS), encode(PIXELS, "WEBP"), encode(PIXELS, "JPEG"), base64.b64encode(encode(PIXELS)),
     json.dumps({"output": [base64.b64encode(encode(PIXELS)).decode()]}).encode()],
    ids=["png", "webp", "jpeg", "base64", "json"],
)  # fmt: skip
def test_a_whole_picture_is_used_however_its_connection_ends(run, framing, reset, body):
    server = RawServer(10**6, ended(framing, body), reset)
    with server as base:
        pictures = [run(0, "synchronous", base_url=base) for _ in range(2)]
    assert server.submits == 1
    for picture in pictures:
        assert isinstance(picture, np.ndarray) and abs(picture.astype(int) - PIXELS).max() <= 3, picture


@pytest.mark.parametrize("framing", FRAMINGS)
def test_a_whole_id_is_used_however_its_connection_ends(run, framing):
    server = RawServer(10**6, ended(framing, b'{"request_id": "r", "status": "COMPLETED"}', "application/json"))
    with server as base:
        errors_ = [run(0, base_url=base, limits=TransportLimits(connect=2, read=0.3)) for _ in range(2)]
    assert server.submits == 1
    # The same is answered to every question, so that no picture comes of it.
    assert all(error.request_id == "r" and "picked up" in str(error) for error in errors_)


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("mode", ["asynchronous", "synchronous"])
def test_a_refusal_costs_nothing_however_its_connection_ends(run, framing, mode):
    answer = ended(framing, b'{"error": "no cre').replace(b"200 OK", b"402 Payment Required")
    server = RawServer(10**6, answer)
    with server as base:
        answers = [run(0, mode, base_url=base) for _ in range(2)]
    assert server.submits == 2
    assert all("Nothing was charged." in str(answer) for answer in answers)


@pytest.mark.parametrize("route", ["status", "result", "media", "upload-asset"])
@pytest.mark.parametrize("missing", [0, 1])
def test_whole_answers_are_not_asked_for_twice(api, swap, route, missing):
    def impolite(handler, body):
        handler.close_connection = True
        whole, handler.wfile = handler.wfile, io.BytesIO()
        getattr(handler, route.replace("-", "_"))(*([] if route == "media" else [body]))
        head, _, content = handler.wfile.getvalue().partition(b"\r\n\r\n")
        head = head.replace(b"Content-Length: ", b"Content-Length: 1")
        whole.write(head + b"\r\n\r\n" + content[: len(content) // (1 + missing)])
        handler.wfile = whole

    api.polls = []
    api.fault(route, impolite)
    assert (swap(settings=PNG).picture == 55).all()
    assert api.count(route) == {"upload-asset": 2}.get(route, 1) + missing


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\n{}",
     b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n{}",
     b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}", b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 500 + b"\r\n{}",
     b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000 + b"\r\n\r\n{}", b"HTTP/1.1 -20 OK\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n",
     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n", b"\0\xff\r\n\r\n", b"{}",
     b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nno gzip", b"HTTP/1.1 100 Continue\r\n\r\n" * 3],
    ids=lambda answer: str(answer[:60]),
)  # fmt: skip
@pytest.mark.parametrize("mode", ["asynchronous", "synchronous"])
def test_answers_that_are_no_http_are_submitted_once(run, mode, answer):
    server = RawServer(10**6, answer)
    with server as base:
        answers = [run(0, mode, base_url=base) for _ in range(2)]
    assert server.submits == 1
    assert all("may have been charged" in str(answer) for answer in answers)


@pytest.mark.parametrize("route", ["submit", "status"])
def test_messages_quote_little_of_what_came_and_nothing_that_acts_on_a_terminal(api, run, faults, route):
    words = "\x1b[31m\x07" + "x" * 100_000
    if route == "status":
        api.fault("submit", faults.status(200, {"request_id": words}))
    api.fault(route, faults.status(500, {"error": words}))
    error = str(run(0))
    assert len(error) < 1000 and error.isprintable() and "[31m" in error


class RawServer:
    """Counts submits; reads so many bytes of each, once they are there, sends some of an answer, and hangs up."""

    def __init__(self, request_bytes, answer=b"", reset=False):
        self.request_bytes = request_bytes
        self.answer = answer
        self.reset = reset
        self.submits = 0

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}/v1"

    def __exit__(self, *_):
        # Closing alone wouldn't wake the thread.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                self.meet(connection)

    def meet(self, connection):
        connection.settimeout(5)
        self.submits += connection.recv(1, socket.MSG_PEEK) == b"P"
        read = b""
        while len(read) < self.request_bytes and not is_whole(read):
            if not (more := connection.recv(min(65536, self.request_bytes - len(read)))):
                break
            read += more
        connection.sendall(self.answer)
        if self.reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def is_whole(request):
    head, _, body = request.partition(b"\r\n\r\n")
    length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
    return bool(length) and len(body) >= int(length)


@pytest.mark.parametrize("mode", ["asynchronous", "synchronous"])
@pytest.mark.parametrize("reset", [True, False], ids=["reset", "closed"])
@pytest.mark.parametrize("request_bytes", [0, 1, 60, 400, 700, 10**6], ids=lambda count: f"after {count}")
def test_connection_that_breaks_before_an_answer_is_submitted_once(run, mode, reset, request_bytes):
    server = RawServer(request_bytes, reset=reset)
    with server as base:
        answers = [run(0, mode, base_url=base) for _ in range(3)]
    assert server.submits == 1
    assert all(isinstance(answer, errors.UncertainSubmitError) for answer in answers)
    assert all("may have been charged" in str(answer) for answer in answers)


@pytest.mark.parametrize("mode", ["asynchronous", "synchronous"])
@pytest.mark.parametrize("framing", ["length", "chunks", "close"])
def test_answer_that_breaks_anywhere_is_submitted_once(run, mode, framing):
    body = encode(PIXELS) if mode == "synchronous" else b'{"request_id": "r"}'
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"
    framed = {
        "length": head + b"Content-Length: %d\r\n\r\n" % len(body) + body,
        "chunks": head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n",
        "close": head + b"\r\n" + body,
    }[framing]
    whole = framed.index(body) + len(body)
    for end in {*range(0, whole, 7), *range(whole - 6, whole)}:
        server = RawServer(10**6, framed[:end])
        with server as base:
            answers = [run(0, mode, base_url=base) for _ in range(2)]
        assert server.submits == 1, framed[:end]
        for answer in answers:
            # Of a picture the end may be missing, if its pixels aren't.
            came = isinstance(answer, np.ndarray) and end > whole - 20 and np.array_equal(answer, PIXELS)
            assert came or "may have been charged" in str(answer), framed[:end]


@pytest.mark.parametrize("mode", ["asynchronous", "synchronous"])
def test_what_was_never_sent_costs_nothing(run, tmp_path, mode):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        refused = f"http://127.0.0.1:{closed.getsockname()[1]}/v1"
        plain = RawServer(1, b"HTTP/1.1 400 Bad Request\r\n\r\n")
        with plain as base:
            for url in (refused, "https://nowhere.invalid/v1", base.replace("http:", "https:"), "https://..a/v1"):
                error = run(0, mode, base_url=url)
                assert type(error) is errors.ConnectionLostError, url
                assert error.unsent and "Nothing was charged." in str(error), url
    assert not list((tmp_path / "journal").glob("*.json"))


KILLING = """
    import itertools, os, runpy, sys
    from pathlib import Path
    conftest, key, base, folder, mode = sys.argv[1:]
    runpy.run_path(conftest)
    import numpy as np
    from multifaceswap.hosted.segmind.client import SegmindClient
    from multifaceswap.hosted.segmind.journal import Journal
    from multifaceswap.hosted.segmind.key import ApiKey
    from multifaceswap.hosted.segmind.settings import SegmindSettings

    # Between two of these nothing changes that outlasts the process.
    SENDING, FILING = ("socket.connect", "http.client.send"), ("open", "os.rename", "os.remove", "os.mkdir")

    def swap(job):
        steps = itertools.count(1)

        def die(event, arguments):
            if event in SENDING or (event in FILING and str(arguments[0]).startswith(folder)):
                if next(steps) == job:
                    os._exit(9)

        sys.addaudithook(die)
        client = SegmindClient(ApiKey(key), base, Journal(Path(folder) / str(job)))
        target = np.full((6, 8, 3), job, np.uint8)
        settings = SegmindSettings(image_format="png")
        result = client.swap(target, target, settings, mode=mode, transport="data-uri", poll_interval=0.01)
        client.delivered(result)
        os._exit(0)

    for job in range(1, 200):
        child = os.fork()
        if not child:
            swap(job)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
            break
    print(job)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the process that is killed at each step is forked for it")
@pytest.mark.parametrize(("route", "mode"), MODES)
def test_killed_at_every_step_is_submitted_once(api, run, key, tmp_path, route, mode):
    api.polls = []
    words = [sys.executable, "-c", textwrap.dedent(KILLING), CONFTEST, key, api.base_url, tmp_path / "journal", mode]
    killed = subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, text=True, check=True)
    jobs = range(1, int(killed.stdout) + 1)
    assert 20 < len(jobs) < 100
    outcomes = []
    for job in jobs:
        target = np.full((6, 8, 3), job, np.uint8)
        journal = Journal(tmp_path / "journal" / str(job))
        first, second = (run(0, mode, target=target, journal=journal) for _ in range(2))
        assert type(first) is type(second)
        outcomes.append(isinstance(first, np.ndarray))
        assert np.all(first == 255 - job) if outcomes[-1] else isinstance(first, errors.UncertainSubmitError)
    sent = Counter(each["target_img"] for each in payloads(api, route))
    assert set(sent.values()) == {1}
    # In doubt is only who was killed between the note that something will be sent and the note of what came.
    assert [done for done, _ in itertools.groupby(outcomes)] == [True, False, True]
    assert len(sent) + outcomes.count(False) >= len(jobs)


def payloads(api, route):
    """What came whole of the calls that cost money."""
    for call in api.calls:
        if call.path.startswith("/v1/" if route == "sync" else "/v2/faceswap"):
            with contextlib.suppress(ValueError):
                yield json.loads(call.body)


def test_two_processes_at_once_submit_once(api, key, tmp_path, faults):
    both = threading.Event()

    def slow(handler, body):
        assert both.wait(30)
        handler.sync(body)

    api.fault("sync", slow)
    script = textwrap.dedent(KILLING).partition("for job in range")[0] + "print(flush=True)\nswap(1000)"
    words = [sys.executable, "-c", script.replace("job, np.uint8", "9, np.uint8")]
    arguments = [CONFTEST, key, api.base_url, tmp_path / "journal", "synchronous"]
    started = [subprocess.Popen([*words, *map(str, arguments)], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for process in started:
        assert process.stdout.readline() == "\n"
    both.set()
    assert [process.communicate()[0] for process in started] == ["", ""]
    assert [process.returncode for process in started] == [0, 0]
    assert api.paid() == 1


HUGE = b"1" + b"0" * 5000
DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize(
    "beside",
    [b'"metrics": {"inference_time": ' + HUGE + b"}", b'"metrics": {"inference_time": 1e999}',
     b'"metrics": {"inference_time": -' + HUGE[:400] + b"}", b'"metrics": ' + DEEP, b'"metrics": {"a": ' + DEEP + b"}",
     b'"more": ' + DEEP.replace(b"[", b'{"a":').replace(b"]", b"}").replace(b":}", b":0}"), b'"text": "\xe9\xff"',
     b'"credits": ' + HUGE, b'"credits": "' + b"x" * 10**6 + b'"', b'"metrics": [NaN]', b'"metrics": "\\ud800"',
     b'"credits_left": "\\ud800"', b'"metrics": {"inference_time": true}', b'"error": {"a": [1]}',
     b'"date": "\x00\x01\x1b\t\n"'],
    ids=lambda text: str(text[:40]),
)  # fmt: skip
@pytest.mark.parametrize("route", ["submit", "status", "result", "sync"])
def test_nothing_beside_a_paid_picture_ends_its_job(api, run, faults, route, beside):
    values = {
        "submit": b'"request_id": "req-0"',
        "status": b'"status": "COMPLETED"',
        "result": b'"output": "' + base64.b64encode(encode(PIXELS)) + b'"',
        "sync": b'"output": "' + base64.b64encode(encode(PIXELS)) + b'"',
    }
    if route == "submit":
        api.jobs["req-0"] = Job({"base64": False}, encode(PIXELS), [])
    api.fault(route, faults.status(200, b"{" + beside + b", " + values[route] + b"}", retry_after="1" + "0" * 400))
    for _ in range(2):
        assert isinstance(run(0, "synchronous" if route == "sync" else "asynchronous"), np.ndarray)
    assert api.paid() == 1


@pytest.mark.parametrize(
    "headers",
    [{"Retry-After": "Mon, 01 Jan 2024 00:00:00 +" + "9" * 30}, {"Retry-After": "9" * 400}, {"Retry-After": "-1"},
     {"Date": "Mon, 01 Jan 2024 00:00:00 +" + "9" * 30, "Retry-After": "Mon, 01 Jan 2024 00:00:00 GMT"},
     {"Retry-After": "\xb2"}, {"X-Credits": "\xff" * 2000}, {"Content-Type": "\xff"}],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize(("route", "mode"), MODES)
def test_no_header_of_a_refusal_leaves_doubt(api, run, faults, route, mode, headers):
    names = {name.replace("-", "_"): value for name, value in headers.items() if name != "Content-Type"}
    api.fault(route, faults.status(429, {"error": "x"}, headers.get("Content-Type", "text/plain"), **names))
    error = run(0, mode)
    assert type(error) is errors.RateLimitedError and "Nothing was charged." in str(error)
    assert isinstance(run(0, mode), np.ndarray)


@pytest.mark.parametrize("mode", ["asynchronous", "synchronous"])
@pytest.mark.parametrize("stage", ["read_info", "decode_result", "read_id"])
def test_what_came_is_on_disk_before_anything_else_is_looked_at(api, run, tmp_path, monkeypatch, mode, stage):
    with monkeypatch.context() as patch:
        patch.setattr(runner, stage, lambda *_: (_ for _ in ()).throw(errors.ResultError("the end")))
        if (stage, mode) == ("read_id", "asynchronous"):
            return
        assert isinstance(run(0, mode), errors.ResultError)
    api.calls.clear()
    assert (run(0, mode) == 55).all()
    assert api.calls == []


def test_synchronous_answer_that_names_an_address_is_fetched_later_where_it_could_not_be(api, run, faults):
    api.jobs["x"] = Job({}, encode(PIXELS), [])
    api.fault("sync", faults.status(200, {"output": f"{api.root}/media/x"}), always=True)
    api.fault("media", faults.reset)
    assert "reads it there and sends nothing" in str(run(0, "synchronous"))
    for _ in range(2):
        assert (run(0, "synchronous") == PIXELS).all()
    assert (api.paid(), api.count("media")) == (1, 2)


def test_synchronous_answer_that_names_a_request_is_followed(api, run, faults):
    api.jobs["req-0"] = Job({"base64": False}, encode(PIXELS), [])
    api.fault("sync", faults.status(202, {"request_id": "req-0", "status": "QUEUED"}))
    for _ in range(2):
        assert (run(0, "synchronous") == PIXELS).all()
    assert api.paid() == 1


@pytest.mark.parametrize("body", [b"<html>sign in</html>", b"GIF89a", b'{"output": "%%%"}', b"\x89PNG\r\n\x1a\n"])
def test_synchronous_answer_that_is_no_picture_is_kept_for_the_hour(
    make_client, api, run, faults, fake_clock, tmp_path, body
):
    clock = fake_clock.clock()
    api.fault("sync", faults.status(200, body))
    for _ in range(3):
        error = run(0, "synchronous", clock=clock)
        assert type(error) is errors.ResultError
        place = Path(str(error).partition("is kept in ")[2].partition(". For an hour")[0])
        assert place.read_bytes() == body
    fake_clock.now += 3601
    assert (run(0, "synchronous", clock=clock) == 55).all()
    assert api.paid() == 2


@pytest.mark.parametrize("mode", ["asynchronous", "synchronous"])
def test_refusal_that_cannot_be_forgotten_stays_in_doubt_and_says_so(api, run, faults, tmp_path, mode):
    class Stuck(Journal):
        def forget(self, digest):
            raise errors.JournalError("read-only")

    api.fault("submit" if mode == "asynchronous" else "sync", faults.status(402))
    error = run(0, mode, journal=Stuck(tmp_path / "journal"))
    assert type(error) is errors.InsufficientCreditsError
    assert "may have been charged" in str(error) and "Nothing was charged" not in str(error)
    assert isinstance(run(0, mode), errors.UncertainSubmitError)


def test_failed_job_may_be_sent_anew_and_nobody_says_that_it_cost_nothing(api, run):
    api.polls = ["FAILED"]
    error = run(0)
    assert type(error) is errors.JobFailedError
    assert "The same run again is a new request." in str(error) and "charged" not in str(error)


@pytest.mark.parametrize(
    ("stage", "words"), [("uploading", "Nothing was charged."), ("queued", "picked up and not paid")]
)
def test_cancel_says_what_the_journal_holds(client, stage, words):
    reached = []
    with pytest.raises(CancelledError, match=f"^cancelled. .*{words}"):
        client.swap(PIXELS, PIXELS, PNG, cancelled=lambda: stage in reached, progress=reached.append)

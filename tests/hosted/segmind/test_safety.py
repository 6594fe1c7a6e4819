"""The key goes to the API alone and shows nowhere; results come from public addresses, as they are said to."""

from __future__ import annotations

import json
import logging
import socket
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from multifaceswap.hosted.segmind import errors
from multifaceswap.hosted.segmind.api import ApiCalls
from multifaceswap.hosted.segmind.deadline import Clock, Deadline
from multifaceswap.hosted.segmind.endpoint import Endpoint, peer_may_have_key
from multifaceswap.hosted.segmind.key import ApiKey
from multifaceswap.hosted.segmind.settings import SegmindSettings
from multifaceswap.hosted.segmind.transport import Transport, TransportLimits
from multifaceswap.media.retry import Retries
from multifaceswap.pipeline.errors import MultiFaceSwapError


@pytest.fixture
def elsewhere():
    """Another server on this machine, and the requests that reach it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.seen.append((self.path, dict(self.headers)))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_POST = do_GET

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.seen = []
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def deadline():
    return Deadline(5, lambda: False, Clock())


@pytest.fixture
def public_calls(key):
    """The calls of an API that is not on this machine."""
    calls = ApiCalls(ApiKey(key), Endpoint("https://api.example/v1"), TransportLimits(connect=2, read=2), Retries(1))
    yield calls
    calls.close()


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("route", "mode"),
    [("upload-asset", "asynchronous"), ("submit", "asynchronous"), ("status", "asynchronous"),
     ("result", "asynchronous"), ("sync", "synchronous")],
)  # fmt: skip
def test_redirects_of_the_api_are_not_followed(api, swap, faults, elsewhere, route, mode, code):
    api.fault(route, faults.status(code, b"", location=elsewhere.url), always=True)
    with pytest.raises(errors.RefusedAddressError) as caught:
        swap(mode=mode)
    assert caught.value.status == code
    assert elsewhere.seen == []


@pytest.mark.parametrize(
    "offered",
    ["{url}/v2/requests/req-0/status", "https://evil.example/", "http://127.0.0.1:1/", "ftp://x/", "//evil.example/x",
     "http://127.0.0.1@evil.example/", "", None, 5],
)  # fmt: skip
def test_poll_urls_of_other_hosts_are_not_asked(api, swap, elsewhere, offered):
    offered = offered.format(url=elsewhere.url) if isinstance(offered, str) else offered

    def submit(handler, body):
        api.add_job(json.loads(body))
        handler.reply(200, {"request_id": "req-0", "status_url": offered, "response_url": offered})

    api.fault("submit", submit)
    swap()
    assert elsewhere.seen == []
    assert [call.path for call in api.calls if "requests" in call.path] == [
        *["/v2/requests/req-0/status"] * 3,
        "/v2/requests/req-0",
    ]


def test_poll_urls_on_the_apis_own_host_are_used(api, swap):
    def submit(handler, body):
        api.add_job(json.loads(body))
        url = f"{api.root}/v2/requests/req-0"
        body = {"request_id": "other-name", "status_url": f"{url}/status?v=2", "response_url": f"{url}?v=2"}
        handler.reply(200, body)

    api.fault("submit", submit)
    api.fault("result", lambda handler, _: handler.reply(200, {"output": f"{api.root}/media/req-0"}))
    api.fault("status", lambda handler, _: handler.reply(200, {"status": "COMPLETED"}))
    swap()
    paths = [call.path for call in api.calls if "requests" in call.path]
    assert paths == ["/v2/requests/req-0/status?v=2", "/v2/requests/req-0?v=2"]


def test_strange_request_ids_stay_inside_their_url(api, swap):
    def submit(handler, body):
        handler.reply(200, {"request_id": "../../v1/x?y=#z", "status_url": "", "response_url": ""})

    api.fault("submit", submit)
    with pytest.raises(errors.NotFoundError):
        swap()
    assert api.calls[-1].path == "/v2/requests/..%2F..%2Fv1%2Fx%3Fy%3D%23z/status"


def test_results_are_fetched_without_the_key_and_over_redirects(api, swap, elsewhere, faults):
    api.fault("media", faults.status(302, b"", location="/media/req-0?signed=1"))
    swap()
    fetched = [call for call in api.calls if call.path.startswith("/media")]
    assert [call.path for call in fetched] == ["/media/req-0", "/media/req-0?signed=1"]
    assert all("x-api-key" not in call.headers and "authorization" not in call.headers for call in fetched)


def test_result_may_be_on_another_port_of_this_machine(api, swap, elsewhere):
    api.output = lambda url: f"{elsewhere.url}/picture"
    with pytest.raises(errors.ResultError, match="not a whole JPEG"):
        swap()
    ((path, headers),) = elsewhere.seen
    assert path == "/picture" and "x-api-key" not in {name.lower() for name in headers}


def test_redirects_without_end_are_refused(api, swap, faults):
    api.fault("media", faults.status(302, b"", location="/media/req-0"), always=True)
    with pytest.raises(errors.RefusedAddressError, match="too many redirects"):
        swap()
    assert api.count("media") == 4


@pytest.mark.parametrize(
    "location", ["http://10.0.0.1/x", "https://192.168.1.1/x", "file:///etc/passwd", "ftp://a/b", "http://["]
)
def test_redirects_to_private_addresses_are_refused(api, swap, faults, location):
    api.fault("media", faults.status(302, b"", location=location))
    with pytest.raises(errors.RefusedAddressError):
        swap()


@pytest.mark.parametrize("url", ["http://media.example/x", "https://127.0.0.1/x", "https://169.254.169.254/latest"])
def test_private_and_plain_result_urls_are_refused_before_connecting(public_calls, monkeypatch, url):
    monkeypatch.setattr(socket, "getaddrinfo", None)
    with pytest.raises(errors.RefusedAddressError):
        public_calls.media(url, deadline())


@pytest.mark.parametrize("name", ["media.example", "2130706433", "0x7f.0.0.1"])
def test_name_that_leads_to_a_private_address_is_refused_once_connected(public_calls, elsewhere, monkeypatch, name):
    """However a name is looked up, the address that was reached counts: looking it up twice could give two answers."""
    port = elsewhere.server_port
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest, **more: real("127.0.0.1", *rest, **more))
    monkeypatch.setattr("ssl.SSLContext.wrap_socket", lambda self, sock, **_: sock)
    with pytest.raises(errors.RefusedAddressError, match=r"leads to 127\.0\.0\.1"):
        public_calls.media(f"https://{name}:{port}/x", deadline())
    assert elsewhere.seen == []


def test_key_does_not_leave_this_machine_unencrypted(elsewhere, key):
    transport = Transport(
        lambda peer, scheme: peer_may_have_key("8.8.8.8", scheme),
        ApiKey(key),
        TransportLimits(),
        with_key=True,
        proxies=False,
    )
    with pytest.raises(errors.RefusedAddressError):
        transport.ask("GET", elsewhere.url, seconds=2, limit=100)
    transport.close()
    assert elsewhere.seen == []


def test_netrc_and_cookies_are_kept_out(api, swap, tmp_path, monkeypatch, faults):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    api.headers = {"Set-Cookie": "session=1; Path=/"}
    swap()
    assert all("authorization" not in call.headers and "cookie" not in call.headers for call in api.calls)


def test_proxies_of_the_environment_do_not_see_what_stays_on_this_machine(api, swap, elsewhere, monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, elsewhere.url)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    swap()
    assert elsewhere.seen == []


def traces(error):
    """All that an error shows: its words, its traceback, what led to it, and the locals that debuggers print."""
    seen, waiting, texts = set(), [error], []
    while waiting:
        current = waiting.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        texts += [str(current), repr(current), repr(vars(current)), *traceback.format_exception(current)]
        for frame, _ in traceback.walk_tb(current.__traceback__):
            if "test_safety" not in frame.f_code.co_filename:
                texts += [repr(value) for value in frame.f_locals.values()]
                texts += [repr(vars(value)) for value in frame.f_locals.values() if hasattr(value, "__dict__")]
        waiting += [current.__cause__, current.__context__]
    return texts


LEAKS = {
    "unauthorized": ("submit", lambda f, key: f.status(401, {"error": f"unknown key {key}"})),
    "text": ("submit", lambda f, key: f.status(500, f"<p>{key}</p>".encode(), "text/html")),
    "html": ("submit", lambda f, key: f.html()),
    "request id": ("submit", lambda f, key: f.status(200, {"request_id": key})),
    "no request id": ("submit", lambda f, key: f.status(200, {"error": key})),
    "redirect": ("submit", lambda f, key: f.status(302, b"", location=f"http://evil.example/{key}")),
    "reset": ("submit", lambda f, key: f.reset),
    "cut": ("submit", lambda f, key: f.cut(key.encode() * 50)),
    "upload reset": ("upload-asset", lambda f, key: f.reset),
    "upload": ("upload-asset", lambda f, key: f.status(200, {"error": key})),
    "upload refused": ("upload-asset", lambda f, key: f.status(400, {"error": key})),
    "failed": ("status", lambda f, key: f.status(422, {"status": "FAILED", "error": key})),
    "status": ("status", lambda f, key: f.status(503, {"error": key})),
    "stall": ("status", lambda f, key: f.stall),
    "too large": ("result", lambda f, key: lambda h, _: h.reply(200, b"x", length=10**12)),
    "output": ("result", lambda f, key: f.status(200, {"output": f"%%{key}"})),
    "output url": ("result", lambda f, key: f.status(200, {"output": f"http://10.0.0.1:8{key}/"})),
    "output host": ("result", lambda f, key: f.status(200, {"output": f"https://{key}.invalid/{key}"})),
    "media": ("media", lambda f, key: f.status(404, {"error": key})),
    "media text": ("media", lambda f, key: f.status(200, key.encode())),
}


@pytest.mark.parametrize("name", LEAKS)
def test_no_error_log_or_file_shows_the_key(api, make_client, swap, faults, key, caplog, tmp_path, name):
    caplog.set_level(logging.DEBUG)
    route, fault = LEAKS[name]
    api.fault(route, fault(faults, key), always=True)
    with pytest.raises(MultiFaceSwapError) as caught:
        swap(by=make_client(limits=TransportLimits(connect=1, read=0.1)), timeout=2)
    hidden = key.lower()
    assert not [text for text in traces(caught.value) if hidden in text.lower()]
    assert hidden not in caplog.text.lower()
    assert any(call.headers.get("x-api-key") == key for call in api.calls)
    assert not [path for path in (tmp_path / "journal").glob("*") if key.encode() in path.read_bytes()]


def test_no_result_shows_the_key(api, client, swap, key, caplog, tmp_path):
    caplog.set_level(logging.DEBUG)
    api.headers = {"X-Credits": f"3 of {key}"}
    api.metrics = {"inference_time": 1, "credits_used": key}
    result = swap(settings=SegmindSettings(image_format="png"))
    shown = [repr(client), repr(result), *result.report, result.credits, result.request_id, caplog.text]
    assert not [text for text in shown if key in text]
    assert key.encode() not in result.data
    assert result.credits == "x-credits 3 of *******************, credits_used *******************"

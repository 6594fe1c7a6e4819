"""Pictures from the web: from public addresses alone, in bounds, and nothing of them is told."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest
from multifaceswap.hosted.segmind.endpoint import peer_is_public
from multifaceswap.serve.errors import Refusal
from multifaceswap.serve.fetching import fetch
from serverworld import GREY, png, web

DATA = b"0123456789" * 100


def plain(handler, status=200, data=DATA, **headers):
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(data)


def test_private_addresses_are_fetched_from_only_where_that_is_allowed():
    with web(plain) as (address, asked):
        for url in (address, address.replace("127.0.0.1", "localhost")):
            with pytest.raises(Refusal, match=r"source_img: \S+ can't be reached at a public") as refused:
                fetch(f"{url}/secret-path", "source_img", 10_000)
            assert refused.value.status == 400 and "secret-path" not in str(refused.value)
        assert asked == []
        assert fetch(f"{address}/a.png", "source_img", 10_000, private=True) == DATA
        assert asked == ["/a.png"]


@pytest.mark.parametrize(
    ("address", "public"),
    [("8.8.8.8", True), ("10.0.0.1", False), ("192.168.1.1", False), ("169.254.169.254", False), ("127.0.0.1", False),
     ("::1", False), ("::ffff:10.0.0.1", False), ("fe80::1%eth0", False), ("64:ff9b::a00:1", False), ("0.0.0.0", False),
     ("100.64.0.1", False), ("2606:4700::1111", True), ("224.0.0.1", False), ("", False), ("x", False)],
)  # fmt: skip
def test_public_addresses(address, public):
    assert peer_is_public(address) is public


def test_redirects_are_followed_and_counted():
    def answer(handler):
        number = int(handler.path[1:])
        plain(handler, 302, b"", Location=f"/{number - 1}") if number else plain(handler)

    with web(answer) as (address, asked):
        assert fetch(f"{address}/3", "x", 10_000, private=True) == DATA
        with pytest.raises(Refusal, match="too many redirects"):
            fetch(f"{address}/4", "x", 10_000, private=True)
        assert len(asked) == 8


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://a.example/x", "gopher://a/", "http://a@b/"])
def test_redirects_lead_to_the_web_alone(location):
    answer = web(lambda handler: plain(handler, 301, b"", Location=location))
    with answer as (address, _), pytest.raises(Refusal, match="expected an http"):
        fetch(address, "x", 10_000, private=True)


def test_sizes_and_statuses():
    with web(lambda handler: plain(handler, 404 if "404" in handler.path else 200)) as (address, _):
        assert fetch(address, "x", 1000, private=True) == DATA
        with pytest.raises(Refusal, match="at most 999 bytes") as refused:
            fetch(address, "x", 999, private=True)
        assert refused.value.status == 413
        with pytest.raises(Refusal, match="answers with status 404"):
            fetch(f"{address}/404", "x", 999, private=True)
    with pytest.raises(Refusal, match="can't be reached"):
        fetch(address, "x", 999, private=True)


def test_server_fetches_what_requests_name(started, copying):
    picture = png(np.full((8, 9, 3), 7, np.uint8))
    with web(lambda handler: plain(handler, data=picture)) as (address, asked):
        site = started(copying)
        answer = site.submit(source_img=GREY, target_img=f"{address}/a.png")
        assert answer.status_code == 400 and "can't be reached at a public address" in answer.json()["error"]
        assert asked == []
    with web(lambda handler: plain(handler, data=picture)) as (address, asked):
        site = started(copying, allow_private=True)
        answer = site.run(source_img=GREY, target_img=f"{address}/a.png?x=1")
        assert (answer.status_code, answer.content, asked) == (200, picture, ["/a.png?x=1"])


@contextmanager
def listener():
    """A port that takes connections and says nothing to them; gives its address and socket."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}", server


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_what_is_private_gets_no_connection_and_looks_like_what_is_closed(scheme):
    with listener() as (address, server):
        with pytest.raises(Refusal) as open_port:
            fetch(f"{scheme}://{address}/x", "source_img", 1000)
        server.settimeout(0.2)
        with pytest.raises(TimeoutError):
            server.accept()
    with pytest.raises(Refusal) as closed_port:
        fetch(f"{scheme}://{address}/x", "source_img", 1000)
    assert str(open_port.value) == str(closed_port.value)


def test_connection_leads_to_the_very_address_that_was_looked_at(monkeypatch):
    """A name that is public at the first look-up and private at the next isn't asked."""
    found = [("8.8.8.8", 1), ("127.0.0.1", 1)]
    asked, reached = [], []

    def look_up(host, port, *args, **more):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", found[min(len(asked), 2) - 1])]

    def connect(self, address):
        reached.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(Refusal):
        fetch("http://a.example/x", "x", 1000)
    assert (asked, reached) == (["a.example"], [("8.8.8.8", 1)])


@contextmanager
def trickling():
    """A web server whose headers have no end, with a line often enough for each wait; also gives a semaphore of those
    who leave."""
    over, left = threading.Event(), threading.Semaphore(0)

    def answer(handler):
        try:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
            while not over.wait(0.05):
                handler.wfile.write(b"X-More: 1\r\n")
        except OSError:
            left.release()

    with web(answer) as (address, asked):
        yield address, asked, left
        over.set()


def test_headers_without_an_end_count_towards_the_time_and_are_left():
    with trickling() as (address, _, left):
        with pytest.raises(Refusal, match=r"doesn't send it within 0\.4 seconds"):
            fetch(address, "x", 1000, private=True, seconds=0.4)
        assert left.acquire(timeout=10)


def test_slow_headers_hold_neither_other_calls_nor_the_end(started, copying):
    site = started(copying, allow_private=True)
    with trickling() as (address, asked, left), ThreadPoolExecutor(20) as pool:
        slow = [pool.submit(site.submit, source_img=GREY, target_img=address) for _ in range(20)]
        while len(asked) < 20:
            time.sleep(0.01)
        assert site.run(source_img=GREY, target_img=GREY).status_code == 200
        assert site.post("/upload-asset", {"data_urls": [GREY]}).status_code == 200
        assert site.post("/faces", {"image": GREY}).status_code == 200
        site.server.handle_exit(15, None)
        answers = [one.result(10) for one in slow]
        assert {(one.status_code, one.json()["error"]) for one in answers} == {(503, "the server is about to end")}
        assert all(left.acquire(timeout=10) for _ in slow)

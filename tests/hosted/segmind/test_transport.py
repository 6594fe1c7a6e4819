"""One exchange, without the threads and tries around it."""

from __future__ import annotations

import base64
import gzip
import itertools
import json
import tracemalloc

import pytest
import segmind_api
from multifaceswap.hosted.segmind import lenient_json
from multifaceswap.hosted.segmind.answers import ApiResponse
from multifaceswap.hosted.segmind.errors import ConnectionLostError, ResultError, SegmindError
from multifaceswap.hosted.segmind.key import ApiKey
from multifaceswap.hosted.segmind.settings import SegmindSettings
from multifaceswap.hosted.segmind.transport import Transport, TransportLimits


@pytest.fixture
def make_wire(key):
    made = []

    def make(limits=None, with_key=False, proxies=False):
        made.append(
            Transport(lambda *_: True, ApiKey(key), limits or TransportLimits(), with_key=with_key, proxies=proxies),
        )
        return made[-1]

    yield make
    for wire in made:
        wire.close()


def get(wire, api, seconds=5.0, limit=10_000):
    return wire.ask("GET", f"{api.root}/media/x", seconds=seconds, limit=limit)


def test_answers_come_whole_with_headers_in_lower_case(api, make_wire, faults):
    api.fault("media", faults.status(418, {"a": [1]}, X_Thing="Value"))
    reply = get(make_wire(), api)
    assert (reply.status, reply.ok, reply.json(), reply.headers["x-thing"]) == (418, False, {"a": [1]}, "Value")


def test_compressed_answers_are_read_and_measured_as_they_unfold(api, make_wire, faults):
    packed = gzip.compress(b"a" * 9_000)
    api.fault("media", faults.status(200, packed, content_encoding="gzip"), always=True)
    assert get(make_wire(), api).body == b"a" * 9_000
    with pytest.raises(ResultError, match="larger than the limit of 8000 bytes"):
        get(make_wire(), api, limit=8_000)


def test_compressed_answers_take_no_more_memory_than_their_limit(api, make_wire, faults):
    packed = gzip.compress(gzip.compress(gzip.compress(bytes(64 << 20))))
    api.fault("media", faults.status(200, packed, content_encoding="gzip, gzip, gzip"))
    tracemalloc.start()
    try:
        with pytest.raises(ResultError, match="larger than the limit of 10000 bytes"):
            get(make_wire(), api)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_answer_that_only_trickles_ends_with_the_time(api, make_wire, faults):
    api.fault("media", faults.trickle)
    with pytest.raises(ConnectionLostError, match="too slowly"):
        get(make_wire(), api, seconds=1)


@pytest.mark.parametrize("code", [200, 302, 404])
def test_endless_answers_end_at_the_limit(api, make_wire, faults, code):
    api.fault("media", lambda handler, body: faults.endless(handler, body, code))
    with pytest.raises(ResultError, match="larger than the limit of 10000 bytes"):
        get(make_wire(), api)


@pytest.mark.parametrize("location", ["http://[", "//", "http://a:b/", "https://xn--/", "é"])
def test_redirects_are_answers_wherever_they_lead(api, make_wire, faults, location):
    api.fault("media", faults.status(302, b"", location=location))
    assert get(make_wire(), api).status == 302


@pytest.mark.parametrize("host", ["a" * 300 + ".example", "a..b", "..", "xn--", "*", "a_b.invalid", "é.invalid"])
def test_hosts_that_are_none_are_no_connection(make_wire, host):
    with pytest.raises(ConnectionLostError):
        make_wire().ask("GET", f"https://{host}/", seconds=5, limit=10)


def test_cut_answers_are_errors(api, make_wire, faults):
    api.fault("media", faults.cut(b"x" * 100))
    with pytest.raises(ConnectionLostError) as caught:
        get(make_wire(), api)
    assert not caught.value.unsent


def test_cut_chunks_are_errors(api, make_wire):
    def chunks(handler, _):
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"5\r\nhello\r\n5\r\nwo")
        handler.close_connection = True

    api.fault("media", chunks)
    with pytest.raises(ConnectionLostError):
        get(make_wire(), api)


@pytest.mark.parametrize("with_key", [True, False])
def test_credentials_of_netrc_are_not_sent_even_where_the_environment_counts(
    api, make_wire, tmp_path, monkeypatch, with_key, faults
):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    api.fault("media", faults.status(200, {}))
    get(make_wire(with_key=with_key, proxies=True), api)
    assert "authorization" not in api.calls[0].headers
    assert ("x-api-key" in api.calls[0].headers) is with_key


def test_key_is_blotted_out_of_bodies_and_headers(api, make_wire, key, faults):
    api.fault("media", faults.status(200, {"key": key}, X_Key=f"<{key}>"))
    reply = get(make_wire(), api)
    assert json.loads(reply.body) == {"key": "*" * len(key)}
    assert reply.headers["x-key"] == f"<{'*' * len(key)}>"


@pytest.mark.parametrize("start", [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\x10\0\0\0WEBP"])
def test_pictures_are_never_redacted(api, make_wire, key, faults, start):
    api.fault("media", faults.status(200, start + key.encode()))
    assert get(make_wire(), api).body == start + key.encode()


@pytest.mark.parametrize("key", ["a", "r", "P", "/", "request_id", "COMPLETED", "output", "http", "Location"])
def test_what_a_short_key_is_part_of_by_chance_is_used_as_it_came(make_client, swap, api, monkeypatch, key):
    monkeypatch.setattr(segmind_api, "KEY", key)
    for number, (mode, base64_text) in enumerate(itertools.product(("asynchronous", "synchronous"), (True, False))):
        settings = SegmindSettings(image_format="png", base64=base64_text)
        result = swap(by=make_client(key=key), settings=settings, mode=mode, run_again=number)
        assert (result.picture == 55).all() and result.request_id in (f"req-{number}", None)


def test_a_short_key_is_hidden_in_what_is_shown(make_client, swap, api, faults, monkeypatch):
    monkeypatch.setattr(segmind_api, "KEY", "s3cret")
    api.metrics = {"credits": "7 of s3cret"}
    assert swap(by=make_client(key="s3cret")).credits == "credits 7 of ******"
    for route, fault in [
        ("submit", faults.status(400, {"error": "no key s3cret"})),
        ("submit", faults.status(200, {"request_id": {"of": "s3cret"}})),
        ("submit", faults.status(500, b"<p>s3cret</p>", "text/html")),
        ("result", faults.status(200, {"output": "%% s3cret"})),
    ]:
        api.fault(route, fault)
        with pytest.raises(SegmindError, match=r"\*{6}") as caught:
            swap(by=make_client(key="s3cret"), run_again=api.paid())
        assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("body", [b"", b"no json", b"\xff", b'{"a": 1', b"[" * 100_000])
def test_what_is_no_json_is_none(api, make_wire, faults, body):
    api.fault("media", faults.status(200, body))
    assert get(make_wire(), api, limit=200_000).json() is None


@pytest.mark.parametrize(
    "text",
    [b"[" + b"[]," * 3_000_000 + b"[]]",
     b"[" + b"1," * 3_000_000 + b"1]", b"[" + b'"",' * 3_000_000 + b'""]',
     b"[" * 9_000_000, b"[" * 70 + b"]" * 70 + b'"" ' * 3_000_000, b'{"a":' * 2_000_000, 
     b'["' + b"\\n" * 5_000_000 + b'"]'],
    ids=lambda text: str(text[:20]),
)  # fmt: skip
def test_answers_of_millions_of_values_are_not_taken_apart(monkeypatch, text):
    monkeypatch.setattr(lenient_json, "_shallow", None)
    monkeypatch.setattr(lenient_json.json, "JSONDecoder", None)
    assert ApiResponse(200, {}, text).json() is None


def test_a_large_picture_within_json_is_read_without_looking_for_brackets_and_once(monkeypatch):
    monkeypatch.setattr(lenient_json, "_shallow", None)
    picture = base64.b64encode(bytes(30_000_000)).decode()
    response = ApiResponse(200, {}, json.dumps({"output": picture, "more": [[{}]] * 20}).replace("/", "\\/").encode())
    assert response.json()["output"] == picture
    monkeypatch.setattr(lenient_json.json, "JSONDecoder", None)
    assert response.json() is response.json() and response.detail() == ""

from __future__ import annotations

import hashlib

import pytest
from fileserver import Server
from multifaceswap.media.retry import Retries
from multifaceswap.models.download import download
from multifaceswap.models.spec import ModelFile
from multifaceswap.pipeline.errors import CancelledError, DamagedModelError, MissingModelError

CONTENT = bytes(range(256)) * 5000
PIECE = 1 << 16


def whole(content=CONTENT):
    """A server that knows ranges."""

    def answer(request):
        start = int((request.headers.get("Range") or "bytes=0-")[6:-1])
        if start >= len(content):
            request.answer(416, Content_Range=f"bytes */{len(content)}")
        elif start:
            request.answer(206, content[start:], Content_Range=f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            request.answer(200, content)

    return answer


def from_the_start(content=CONTENT):
    """A server that knows no ranges."""
    return lambda request: request.answer(200, content)


def cut(after, content=CONTENT):
    """The connection ends early; ranges are known."""

    def answer(request):
        start = int((request.headers.get("Range") or "bytes=0-")[6:-1])
        rest = content[start:]
        headers = {"Content_Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if start else {}
        request.answer(206 if start else 200, rest[:after], length=len(rest), **headers)

    return answer


def failing(status):
    return lambda request: request.answer(status)


def page(request):
    request.answer(200, b"<html>Sign in</html>", Content_Type="text/html; charset=utf-8")


@pytest.fixture
def server():
    server = Server()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def slept():
    return []


@pytest.fixture
def fetch(server, tmp_path, slept):
    """Fetches a file whose addresses answer as the scripts say, to `tmp_path/sub/a.bin`."""
    retries = Retries(4, 1, 8, lambda: 0, slept.append)

    def fetch(*scripts, content=CONTENT, name="a.bin", progress=None):
        urls = [server.url(f"{number}/{name}") for number in range(len(scripts))]
        server.scripts |= {f"{number}/{name}": list(script) for number, script in enumerate(scripts)}
        digests = (hashlib.sha256(content).hexdigest(),) if content else ()
        return download(ModelFile(name, ("x",), digests, urls=tuple(urls)), tmp_path / "sub" / name, progress, retries)

    return fetch


def left(tmp_path):
    return sorted(path.name for path in (tmp_path / "sub").iterdir())


def test_a_file_is_fetched_with_progress(fetch, tmp_path):
    seen = []
    path = fetch([whole()], progress=lambda done, total: seen.append((done, total)))
    assert path.read_bytes() == CONTENT
    assert left(tmp_path) == ["a.bin"]
    assert seen[-1] == (len(CONTENT), len(CONTENT)) and [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert len(seen) > 1


def test_a_broken_connection_is_continued(fetch, server, tmp_path):
    assert fetch([cut(5 * PIECE), cut(5 * PIECE), whole()]).read_bytes() == CONTENT
    assert [asked for _, asked in server.asked] == [None, "bytes=327680-", "bytes=655360-"]
    assert left(tmp_path) == ["a.bin"]


def test_a_server_without_ranges_is_asked_from_the_start(fetch, server):
    assert fetch([cut(5 * PIECE), from_the_start()]).read_bytes() == CONTENT
    assert len(server.asked) == 2


def test_where_nothing_arrived_there_is_no_answer(fetch, tmp_path):
    with pytest.raises(MissingModelError, match=r"no answer .*: check the network") as caught:
        fetch([failing_connection])
    assert "is kept" not in str(caught.value) and not any((tmp_path / "sub").iterdir())


def test_what_arrived_is_kept_for_the_next_time(fetch, server, tmp_path):
    with pytest.raises(MissingModelError, match="what arrived is kept"):
        fetch([cut(8 * PIECE), failing_connection])
    (part,) = (tmp_path / "sub").iterdir()
    assert part.name.endswith(".part") and part.read_bytes() == CONTENT[: 8 * PIECE]
    server.asked.clear()
    assert fetch([whole()]).read_bytes() == CONTENT
    assert server.asked == [("0/a.bin", "bytes=524288-")]


def failing_connection(request):
    request.close_connection = True


def test_a_finished_part_is_only_verified(fetch, server, tmp_path):
    with pytest.raises(CancelledError):
        fetch([whole()], progress=stop_at_the_end)
    assert fetch([whole()]).read_bytes() == CONTENT
    assert server.asked[-1] == ("0/a.bin", f"bytes={len(CONTENT)}-")


def stop_at_the_end(done, total):
    if done == total:
        raise CancelledError("stop")


def test_a_part_that_does_not_fit_is_fetched_anew(fetch, server, tmp_path):
    with pytest.raises(MissingModelError):
        fetch([cut(8 * PIECE, b"x" * len(CONTENT)), failing_connection])
    assert fetch([whole()]).read_bytes() == CONTENT
    assert [asked for _, asked in server.asked][-2:] == ["bytes=524288-", None]
    assert left(tmp_path) == ["a.bin"]


def test_a_part_longer_than_the_file_is_fetched_anew(fetch, tmp_path):
    with pytest.raises(MissingModelError):
        fetch([cut(2_000_000, b"x" * 3_000_000), failing_connection])
    assert fetch([whole()]).read_bytes() == CONTENT


@pytest.mark.parametrize("first", [failing(404), failing(503), page, from_the_start(b"another file")])
def test_the_next_address_is_tried(fetch, server, first):
    assert fetch([first], [whole()]).read_bytes() == CONTENT
    assert {path for path, _ in server.asked} == {"0/a.bin", "1/a.bin"}


@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        (failing(404), MissingModelError, "404"),
        (page, DamagedModelError, "answered with a web page"),
        (from_the_start(b"another file"), DamagedModelError, "gave another file: 12 bytes, sha256"),
        (from_the_start(b"<html>"), DamagedModelError, "is a web page"),
        (from_the_start(b""), DamagedModelError, "is empty"),
    ],
)
def test_nothing_takes_the_name_of_a_file_that_was_not_given(fetch, tmp_path, answer, kind, text):
    with pytest.raises(kind, match=text) as caught:
        fetch([answer])
    assert "a.bin could not be fetched" in str(caught.value) and "127.0.0.1" in str(caught.value)
    assert "a.bin" not in left(tmp_path)


def test_a_file_that_is_replaced_stays_until_the_new_one_is_whole(fetch, tmp_path):
    (tmp_path / "sub").mkdir()
    target = tmp_path / "sub" / "a.bin"
    target.write_bytes(b"old")
    with pytest.raises(DamagedModelError):
        fetch([from_the_start(b"another file")])
    assert target.read_bytes() == b"old"
    fetch([whole()])
    assert target.read_bytes() == CONTENT


def test_without_a_known_hash_contents_must_be_sound(fetch, tmp_path):
    torch = pytest.importorskip("torch")
    torch.save({"w": torch.zeros(2000)}, tmp_path / "made.pth")
    content = (tmp_path / "made.pth").read_bytes()
    with pytest.raises(DamagedModelError, match="cut short"):
        fetch([from_the_start(content[:-500])], content=None, name="a.pth")
    assert fetch([from_the_start(content)], content=None, name="a.pth").read_bytes() == content


def test_a_server_that_never_gets_further_is_given_up_after_growing_waits(fetch, server, slept):
    with pytest.raises(MissingModelError, match=r"a\.bin: the connection ended early$"):
        fetch([cut(0)])
    assert len(server.asked) == 4 and slept == [1, 2, 4]


def test_what_gets_further_is_neither_counted_nor_waited_for(fetch, server, slept):
    assert fetch([*[cut(PIECE)] * 6, cut(0), cut(0), cut(PIECE), *[cut(0)] * 3, whole()]).read_bytes() == CONTENT
    assert slept == [1, 2, 1, 2, 4]


def test_without_a_server_there_is_no_connection(server, tmp_path):
    server.shutdown()
    server.server_close()
    file = ModelFile("a.bin", ("x",), urls=(server.url("a.bin"),))
    with pytest.raises(MissingModelError, match=r"/a\.bin: no connection \(ConnectionError\): check the network"):
        download(file, tmp_path / "a.bin", retries=Retries(1))


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_passes_is_tried_again(fetch, server, slept, status):
    assert fetch([failing(status), cut(5 * PIECE), failing(status), failing(status), whole()]).read_bytes() == CONTENT
    assert slept == [1, 1, 2]
    assert [asked for _, asked in server.asked] == [None, None, *[f"bytes={5 * PIECE}-"] * 3]


@pytest.mark.parametrize(("asks", "waits"), [("5", [5, 5, 5]), ("3", [3, 3, 4]), ("0", [1, 2, 4]), ("61", []),
                                             ("9" * 30, []), ("-1", [1, 2, 4]), ("soon", [1, 2, 4])])  # fmt: skip
def test_what_does_not_pass_is_told_after_the_waits_that_it_asks_for(fetch, server, slept, asks, waits):
    with pytest.raises(MissingModelError, match="it answered 503 Service Unavailable") as caught:
        fetch([lambda request: request.answer(503, Retry_After=asks)])
    assert slept == waits and len(server.asked) == len(waits) + 1
    assert ("asks to wait" in str(caught.value)) is (asks in ("5", "3", "61", "9" * 30))
    assert "connection" not in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("status", [301, 304, 400, 401, 403, 404, 410, 418, 451, 501, 505])
def test_what_lasts_is_told_at_once_in_one_line(fetch, server, slept, status):
    with pytest.raises(MissingModelError) as caught:
        fetch([failing(status)])
    start = f"a.bin could not be fetched: {server.url('0/a.bin')}: it answered {status}"
    assert str(caught.value).startswith(start) and "\n" not in str(caught.value)
    assert len(server.asked) == 1 and slept == []


def unasked(request):
    request.answer(206, CONTENT[10:], Content_Range=f"bytes 10-{len(CONTENT) - 1}/{len(CONTENT)}")


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ([unasked], "it sent a part, which was not asked for"),
        ([cut(5 * PIECE), unasked], "it sent a part, which was not asked for"),
        ([lambda request: request.answer(416)], "it answered 416, as if it had no such part, to a request for all"),
        ([cut(5 * PIECE), lambda request: request.answer(416, Content_Range="bytes */7")], "to a request for all"),
        ([lambda request: request.answer(200, b"x", length=9)], "the connection ended early"),
        ([lambda request: request.answer(502, b"<h1>no</h1>")], "it answered 502 Bad Gateway"),
    ],
)
def test_what_a_server_answered_is_told_in_one_line(fetch, tmp_path, answers, words):
    with pytest.raises(MissingModelError, match=words) as caught:
        fetch(answers)
    assert "no connection" not in str(caught.value) and "\n" not in str(caught.value)


def raw(data):
    def answer(request):
        request.wfile.write(data)
        request.close_connection = True

    return answer


@pytest.mark.parametrize(
    "data",
    [b"abc\r\n\r\n", b"HTTP/1.1 99 x\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 500 + b"\r\n",
     b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000,
     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n"],
    ids=lambda data: str(data[:30]),
)  # fmt: skip
def test_an_answer_that_is_no_http_is_told_as_such(fetch, tmp_path, data):
    with pytest.raises(MissingModelError, match="what it answered can't be read"):
        fetch([raw(data)])


def test_an_address_that_leads_to_no_server_is_told_with_both(fetch, server):
    dead = "http://127.0.0.1:1/elsewhere"
    with pytest.raises(MissingModelError, match=rf"0/a\.bin: it leads to {dead}: no connection \("):
        fetch([lambda request: request.answer(302, Location=dead)])


def test_where_nothing_arrived_nothing_is_said_to_be_kept(fetch, tmp_path):
    with pytest.raises(MissingModelError, match="the connection ended early") as caught:
        fetch([raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")])
    assert "kept" not in str(caught.value) and left(tmp_path) == []


def test_a_reason_that_a_server_gives_is_quoted(fetch):
    def answer(request):
        request.send_response(404, "\x1b[31mno" + "x" * 5000)
        request.send_header("Content-Length", "0")
        request.end_headers()

    with pytest.raises(MissingModelError) as caught:
        fetch([answer])
    assert str(caught.value).isprintable() and len(str(caught.value)) < 400


def test_all_addresses_are_told_in_one_line(fetch, server):
    with pytest.raises(DamagedModelError) as caught:
        fetch([failing(404)], [page])
    first, second = server.url("0/a.bin"), server.url("1/a.bin")
    told = f"{first}: it answered 404 Not Found; {second} answered with a web page, not with a model"
    assert str(caught.value) == f"a.bin could not be fetched: {told}"


def test_no_address_no_file(tmp_path):
    with pytest.raises(MissingModelError, match="no address is known"):
        download(ModelFile("a.bin", ("x",)), tmp_path / "a.bin")

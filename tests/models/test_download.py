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


def test_where_nothing_arrived_there_is_no_connection(fetch, tmp_path):
    with pytest.raises(MissingModelError, match=r"no connection .*: check the network") as caught:
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
        (from_the_start(b"another file"), DamagedModelError, "gave another file: 12 bytes of sha256"),
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
    with pytest.raises(MissingModelError, match="the same command continues from there"):
        fetch([cut(0)])
    assert len(server.asked) == 4 and slept == [1, 2, 4]


def test_what_gets_further_is_neither_counted_nor_waited_for(fetch, server, slept):
    assert fetch([*[cut(PIECE)] * 6, cut(0), cut(0), cut(PIECE), *[cut(0)] * 3, whole()]).read_bytes() == CONTENT
    assert slept == [1, 2, 1, 2, 4]


def test_no_address_no_file(tmp_path):
    with pytest.raises(MissingModelError, match="no address is known"):
        download(ModelFile("a.bin", ("x",)), tmp_path / "a.bin")

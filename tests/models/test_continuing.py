"""Only the rest of the same file is put behind what has arrived, also where no hash would tell in the end."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from fileserver import Server
from multifaceswap.media.ownership import owned
from multifaceswap.media.retry import Retries
from multifaceswap.models import catalog
from multifaceswap.models.download import download
from multifaceswap.models.partial import Partial, Span, Version
from multifaceswap.models.spec import ModelFile
from multifaceswap.pipeline.errors import BusyError, CancelledError, DamagedModelError, MissingModelError

PIECE = 1 << 16
OLD, NEW = b"\x80" + b"old" * 300_000, b"\x80" + b"new" * 300_000
DATES = [
    format_datetime(datetime.now(timezone.utc) - timedelta(days=days), usegmt=True).encode().decode() for days in (9, 2)
]


@pytest.fixture
def server():
    server = Server()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def fetch(server, tmp_path):
    def fetch(*script, hashed=None, progress=None):
        server.scripts["a.bin"] = list(script)
        digests = (hashlib.sha256(hashed).hexdigest(),) if hashed else ()
        file = ModelFile("a.bin", ("x",), digests, urls=(server.url("a.bin"),))
        retries = Retries(4, 1, 8, lambda: 0, lambda _: None)
        return download(file, tmp_path / "a.bin", progress, retries).read_bytes()

    return fetch


@pytest.fixture
def left(tmp_path):
    return lambda: sorted(path.name.partition(".")[2] for path in tmp_path.iterdir())


def says(content, cut=None, ranges=True, asks=True, status=None, span=None, total=None, **headers):
    """A server of one version. It ends after `cut` bytes; `asks`: If-Range is heeded; `span`, `total` are lies."""

    def answer(request):
        mark = request.headers.get("If-Range")
        known = [value for name, value in headers.items() if name in ("ETag", "Last_Modified")]
        start = int((request.headers.get("Range") or "bytes=0-")[6:-1]) if ranges else 0
        if asks and mark is not None and mark not in known:
            start = 0
        if start >= len(content):
            request.answer(416, Content_Range=f"bytes */{len(content)}")
            return
        rest, more = content[start:], dict(headers)
        if start:
            first = start if span is None else start + span
            more["Content_Range"] = f"bytes {first}-{len(content) - 1}/{len(content) if total is None else total}"
        given = rest if cut is None else rest[:cut]
        request.answer(status or (206 if start else 200), given, length=None if cut is None else len(rest), **more)

    return answer


def asked(server):
    return [(one.get("Range"), one.get("If-Range")) for one in server.headers]


REST = f"bytes={5 * PIECE}-"


@pytest.mark.parametrize("hashed", [None, OLD])
def test_the_same_version_is_continued_by_its_mark(fetch, server, left, hashed):
    marks = {"ETag": '"1"', "Last_Modified": DATES[0]}
    assert fetch(says(OLD, 5 * PIECE, **marks), says(OLD, **marks), hashed=hashed) == OLD
    assert asked(server) == [(None, None), (REST, '"1"')] and left() == ["bin"]


def test_a_date_will_do_where_there_is_no_other_mark(fetch, server):
    assert fetch(says(OLD, 5 * PIECE, Last_Modified=DATES[0]), says(OLD, Last_Modified=DATES[0])) == OLD
    assert asked(server) == [(None, None), (REST, DATES[0])]


@pytest.mark.parametrize(
    "marks",
    [
        {},
        {"ETag": 'W/"1"'},
        {"Last_Modified": format_datetime(datetime.now(timezone.utc) + timedelta(hours=1), usegmt=True)},
        {"Last_Modified": "yesterday"},
        {"Last_Modified": "Mon, 01 Jan 2024 00:00:00 +9999999999"},
    ],
)
def test_what_nothing_tells_from_other_versions_is_fetched_whole_or_not_at_all(fetch, server, left, marks):
    assert fetch(says(OLD, 5 * PIECE, **marks), says(NEW, **marks)) == NEW
    assert asked(server) == [(None, None)] * 2
    with pytest.raises(MissingModelError, match="nothing is kept"):
        fetch(says(OLD, 5 * PIECE, **marks))
    assert left() == ["bin"]


@pytest.mark.parametrize("hashed", [None, NEW])
@pytest.mark.parametrize("asks", [True, False])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"ETag": '"1"'}, {"ETag": '"2"'}),
        ({"Last_Modified": DATES[0]}, {"Last_Modified": DATES[1]}),
        ({"ETag": '"1"', "Last_Modified": DATES[0]}, {"ETag": '"2"', "Last_Modified": DATES[0]}),
        ({"ETag": '"1"'}, {"ETag": 'W/"1"'}),
    ],
)
def test_another_version_is_begun_anew(fetch, server, left, before, after, asks, hashed):
    """Also from a server that doesn't heed If-Range."""
    assert fetch(says(OLD, 5 * PIECE, **before), says(NEW, asks=asks, **after), hashed=hashed) == NEW
    assert len(asked(server)) == (2 if asks else 3) and left() == ["bin"]


@pytest.mark.parametrize("after", [{}, {"Last_Modified": DATES[0]}])
def test_a_rest_without_the_mark_is_refused_where_no_hash_will_tell(fetch, server, after):
    assert fetch(says(OLD, 5 * PIECE, ETag='"1"'), says(NEW, asks=False, **after)) == NEW
    assert asked(server) == [(None, None), (REST, '"1"'), (None, None)]


LIES = [{"span": 7}, {"span": -7}, {"span": -5 * PIECE}, {"total": len(OLD) + 1}, {"total": 9}, {"total": ""}]


@pytest.mark.parametrize("hashed", [None, OLD])
@pytest.mark.parametrize("lie", [*LIES, {"total": "x"}, {"total": -1}, {"total": 10**30}], ids=str)
def test_a_rest_that_begins_elsewhere_or_is_of_something_else_is_refused(fetch, server, left, lie, hashed):
    marks = {"ETag": '"1"'}
    assert fetch(says(OLD, 5 * PIECE, **marks), says(OLD, **lie, **marks), says(OLD, **marks), hashed=hashed) == OLD
    assert [span for span, _ in asked(server)] == [None, REST, None] and left() == ["bin"]


def test_a_server_that_only_lies_is_given_up(fetch, server):
    with pytest.raises(MissingModelError):
        fetch(says(OLD, 5 * PIECE, span=1, ETag='"1"'))
    assert len(asked(server)) == 5


def test_a_part_of_a_file_that_was_asked_for_whole_is_refused(fetch):
    with pytest.raises(MissingModelError):
        fetch(lambda request: request.answer(206, OLD, Content_Range=f"bytes 0-{len(OLD) - 1}/{len(OLD)}"))


def test_where_the_rest_is_unbounded_the_remembered_size_counts(fetch):
    marks = {"ETag": '"1"'}
    assert fetch(says(OLD, 5 * PIECE, **marks), says(OLD, PIECE, total="*", **marks), says(OLD, **marks)) == OLD


@pytest.mark.parametrize("hashed", [None, OLD])
def test_a_part_that_was_left_is_continued_by_the_next_command(fetch, server, left, hashed):
    marks = {"ETag": '"1"'}
    with pytest.raises(CancelledError):
        fetch(says(OLD, **marks), hashed=hashed, progress=stop_at(5 * PIECE))
    assert len(left()) == 2
    assert fetch(says(OLD, **marks), hashed=hashed) == OLD
    assert asked(server)[-1] == (REST, '"1"') and left() == ["bin"]


def stop_at(size):
    def progress(done, _total):
        if done == size:
            raise CancelledError("stop")

    return progress


@pytest.mark.parametrize(
    "note", [b"", b"{}", b"[1]", b"[" * 100_000, b"\xff", b'{"etag": "x\\n", "modified": "", "total": 1}']
)
def test_a_note_that_is_not_as_it_was_written_is_none(fetch, server, tmp_path, note):
    with pytest.raises(CancelledError):
        fetch(says(OLD, ETag='"1"'), progress=stop_at(5 * PIECE))
    (file,) = tmp_path.glob("*.json")
    file.write_bytes(note)
    assert fetch(says(NEW, ETag='"2"')) == NEW and asked(server)[-1] == (None, None)


def test_what_was_finished_but_has_no_hash_is_fetched_again(fetch, server):
    with pytest.raises(CancelledError):
        fetch(says(OLD, ETag='"1"'), progress=stop_at(len(OLD)))
    assert fetch(says(NEW, asks=False, ETag='"2"')) == NEW


@pytest.mark.parametrize("length", [len(OLD) + 1, len(OLD) + PIECE])
def test_a_body_shorter_than_it_says_is_no_file(fetch, left, length):
    with pytest.raises(MissingModelError, match="nothing is kept"):
        fetch(lambda request: request.answer(200, OLD, length=length))
    assert left() == []


def chunked(*pieces, end=True):
    def answer(request):
        request.send_response(200)
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        for piece in pieces:
            request.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        if end:
            request.wfile.write(b"0\r\n\r\n")
        request.close_connection = True

    return answer


def broken(request):
    chunked(b"whole", end=False)(request)
    request.wfile.write(b"ffff\r\nabc")


def test_in_chunks_a_file_is_whole_when_it_is_ended(fetch, left):
    assert fetch(chunked(OLD[:1000], OLD[1000:])) == OLD
    with pytest.raises(MissingModelError, match="nothing is kept"):
        fetch(chunked(OLD[:1000], OLD[1000:], end=False))
    with pytest.raises(MissingModelError):
        fetch(broken)
    assert left() == ["bin"]


def endless(request):
    request.send_response(200)
    request.end_headers()
    request.wfile.write(OLD)
    request.close_connection = True


def test_a_file_of_unknown_length_needs_a_hash(fetch, left):
    with pytest.raises(MissingModelError, match="doesn't say how long the file is"):
        fetch(endless)
    assert left() == []
    assert fetch(endless, hashed=OLD) == OLD


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "x"])
def test_packed_contents_are_refused(fetch, coding):
    with pytest.raises(DamagedModelError, match="packed contents"):
        fetch(says(OLD, Content_Encoding=coding))


def test_the_hash_has_the_last_word(fetch, left):
    """Of two versions under one mark, the mix is thrown away and the file fetched anew, once."""
    with pytest.raises(CancelledError):
        fetch(says(OLD, ETag='"1"'), hashed=NEW, progress=stop_at(5 * PIECE))
    assert fetch(says(NEW, ETag='"1"'), hashed=NEW) == NEW and left() == ["bin"]


def test_the_second_command_is_told_and_the_first_goes_on(fetch, server, tmp_path):
    seen = []

    def progress(done, _total):
        if done == 5 * PIECE:
            before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.suffix != ".lock"}
            with pytest.raises(BusyError, match=r"a\.bin: is being written by this process since"):
                fetch(says(NEW))
            assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.suffix != ".lock"}
            seen.append(len(server.asked))

    assert fetch(says(OLD, ETag='"1"'), hashed=OLD, progress=progress) == OLD and seen == [1]
    with owned(tmp_path / "b.bin"):
        assert fetch(says(NEW)) == NEW


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("bytes 0-9/10", Span(0, 9, 10)),
        ("bytes 5-9/*", Span(5, 9, None)),
        ("", None),
        ("bytes */10", None),
        ("bytes 0-9", None),
        ("bytes=0-9/10", None),
        ("bytes -5-9/10", None),
        ("bytes 0-9/10, 11-12/13", None),
        ("items 0-9/10", None),
        ("bytes \u0661-9/10", None),
        ("bytes 0-9/" + "9" * 5000, None),
    ],
)
def test_spans_are_read_as_they_are_written(text, span):
    assert Span.of({"Content-Range": text}) == span


def test_nothing_has_arrived_of_nothing(tmp_path):
    part = Partial(tmp_path / "a.part", is_checked=False)
    assert (part.size, part.version, part.can_go_on) == (0, Version(), False)
    part.forget()
    (tmp_path / "a.part").mkdir()
    part.begin(Version('"1"', "", 5))
    assert part.version == Version('"1"', "", 5) and [path.name for path in tmp_path.iterdir()] == ["a.part.json"]


def test_of_what_the_catalog_fetches_one_file_has_no_known_hash():
    """Others without a sha256 have a CRC32, or their source says it."""
    files = {file.name: file for model in catalog.MODELS for file in model.files if file.urls}
    unknown = [name for name, file in files.items() if not (file.is_proven or file.crc32_urls)]
    assert len(files) > 20 and unknown == ["RestoreFormer_PP.onnx"]

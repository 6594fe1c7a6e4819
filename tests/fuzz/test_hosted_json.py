"""Whatever the hosted API says, a swap ends with a picture or in the project's own errors; so with any journal."""

from __future__ import annotations

import hashlib
import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multifaceswap.hosted.segmind.client import SegmindClient
from multifaceswap.hosted.segmind.errors import SegmindError
from multifaceswap.hosted.segmind.journal import Journal
from multifaceswap.hosted.segmind.key import ApiKey
from multifaceswap.hosted.segmind.settings import SegmindSettings
from multifaceswap.hosted.segmind.transport import TransportLimits
from multifaceswap.media.retry import Retries
from mutations import tries
from segmind_api import KEY, FakeClock, Faults, encode, serving

ODD = ["1e999", "-1e999", "NaN", "Infinity", "1" + "0" * 400, "1" + "0" * 5000, "-0", "0.1e-400", "[" * 5000]
ODD += [
    "[" * 400 + "]" * 400,
    '{"a":' * 900 + "1" + "}" * 900,
    '"\\ud800"',
    '"\\u0000"',
    '"ROOT/\\ud800"',
    "\ufeff{}",
    "{",
    "",
]
PICTURE = encode(np.full((6, 8, 3), 90, np.uint8))
names = ["status", "request_id", "status_url", "response_url", "output", "image", "data", "metrics", "inference_time"]
names += ["credits", "error", "message", "detail", "url", "file_urls"]
words = st.one_of(
    st.sampled_from(["COMPLETED", "FAILED", "QUEUED", "req-1", "", "http://", "https://[", "data:;base64,", "iVBORw0"]),
    st.text(st.characters(), max_size=8),
)
leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), words)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(names), inner, max_size=4)),
    max_leaves=8,
)


texts = st.one_of(st.sampled_from(ODD), leaves.map(json.dumps), values.map(json.dumps))


def bodies(likely: dict[str, str], more: list[str]) -> st.SearchStrategy[bytes]:
    """Objects of JSON texts by name, some of them odd, and bodies that are no such object at all."""
    odd = st.dictionaries(st.sampled_from([*likely, *more]), texts, max_size=3)
    return st.one_of(
        odd.map(lambda members: written({**likely, **members})), texts.map(encoded), st.binary(max_size=20)
    )


def written(members: dict[str, str]) -> bytes:
    return encoded("{" + ", ".join(f"{json.dumps(name)}: {text}" for name, text in members.items()) + "}")


def encoded(text: str) -> bytes:
    return text.encode(errors="replace")


statuses = st.sampled_from([200, 200, 200, 201, 204, 302, 400, 402, 404, 418, 422, 429, 500, 503, 524])
headers = st.fixed_dictionaries(
    {},
    optional={
        "Retry_After": st.sampled_from(["1", "9" * 400, "-1", "nan", "Mon, 01 Jan 2024 00:00:00 +9999999999", "\xff"]),
        "Date": st.sampled_from(["Mon, 01 Jan 2024 00:00:00 GMT", "x", "Mon, 01 Jan 0001 00:00:00 +2359"]),
        "Location": st.sampled_from(["/", "http://[", "\xff"]),
        "X_Credits": st.text("0123456789e.", min_size=1, max_size=60),
    },
)
DONE = {"status": '"COMPLETED"'}
submits = bodies({"request_id": '"req-0"'}, names)
states = bodies(DONE, names)
results = bodies({**DONE, "output": '"MEDIA"', "metrics": '{"inference_time": 2.5, "credits": 3}'}, names)


@pytest.fixture(scope="module", autouse=True)
def no_power_cut():
    """Nothing is waited for until it is on the disk: that is most of a swap's time here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda _: None)
        yield


@pytest.fixture(scope="module")
def api():
    with serving() as api:
        yield api


@pytest.fixture(scope="module")
def swap(api, tmp_path_factory):
    """Swaps another pair of pictures each time, and the same one with a journal that is given."""
    folder, numbers = tmp_path_factory.mktemp("state"), itertools.count()

    def swap(mode="asynchronous", journal=None):
        clock, number = FakeClock().clock(), next(numbers)
        client = SegmindClient(
            ApiKey(KEY),
            api.base_url,
            journal or Journal(folder / str(number), clock),
            limits=TransportLimits(connect=2, read=2),
            retries=Retries(3, first=0.01, longest=0.02),
            clock=clock,
        )
        pixels = np.zeros((4, 4, 3), np.uint8)
        if journal is None:
            pixels.ravel()[:4] = list(number.to_bytes(4, "big"))
        options = {"transport": "data-uri", "timeout": 2, "poll_interval": 0.5}
        with client:
            return client.swap(pixels, pixels, SegmindSettings(image_format="png"), mode=mode, **options)

    return swap


def ends_well(swap) -> None:
    """With a picture, or an error that can be shown and that doesn't repeat all that came."""
    try:
        result = swap()
    except SegmindError as error:
        assert len(str(error)) < 2000
        str(error).encode(errors="backslashreplace")
    else:
        assert result.picture.shape == (6, 8, 3)
        assert all(isinstance(line, str) for line in result.report)


def serves(api, route="", body=b"", status=200, more=None):
    """The API works but for one route, which answers so; where it says MEDIA there is a picture."""
    works = {
        "submit": written({"request_id": '"req-0"'}),
        "status": written(DONE),
        "result": written({**DONE, "output": '"MEDIA"'}),
        "sync": PICTURE,
        "media": PICTURE,
    }
    for name, answer in works.items():
        api.faults[name].clear()
        chosen = (status, body, more or {}) if name == route else (200, answer, {})
        text = chosen[1].replace(b"MEDIA", b"ROOT/media/any").replace(b"ROOT", api.root.encode())
        api.fault(name, Faults.status(chosen[0], text, **chosen[2]), always=True)


@tries(40)
@given(submits, statuses, headers)
def test_any_answer_to_a_submit(api, swap, body, status, more):
    serves(api, "submit", body, status, more)
    ends_well(swap)


@tries(40)
@given(states, statuses, headers)
def test_any_answer_to_a_poll(api, swap, body, status, more):
    serves(api, "status", body, status, more)
    ends_well(swap)


@tries(60)
@given(results, statuses, headers)
def test_any_result(api, swap, body, status, more):
    serves(api, "result", body, status, more)
    ends_well(swap)


@tries(40)
@given(results, statuses, headers)
def test_any_synchronous_answer(api, swap, body, status, more):
    serves(api, "sync", body, status, more)
    ends_well(lambda: swap(mode="synchronous"))


@pytest.mark.parametrize("route", ["submit", "status", "result", "sync"])
@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
def test_odd_texts_in_every_place(api, swap, route, text):
    """As the whole answer, and in each place where something is read from."""
    members = {"submit": ["request_id", "status_url"], "status": ["status"]}.get(route, ["output", "metrics"])
    good = {"request_id": '"req-0"', **DONE, "output": '"MEDIA"'}
    for body in (encoded(text), *(written({**good, name: text}) for name in members)):
        serves(api, route, body)
        ends_well(lambda: swap(mode="synchronous" if route == "sync" else "asynchronous"))


@pytest.mark.parametrize("mode", ["asynchronous", "synchronous"])
@pytest.mark.parametrize("number", ["1" + "0" * 400, "NaN", "1e999", "[]", '"2"', "true"])
def test_odd_facts_beside_a_picture_dont_cost_the_picture(api, swap, mode, number):
    body = written({**DONE, "output": '"MEDIA"', "metrics": f'{{"inference_time": {number}}}'})
    serves(api, "result" if mode == "asynchronous" else "sync", body)
    result = swap(mode=mode)
    assert result.picture.shape == (6, 8, 3) and result.inference_seconds is None


LIKELY = {"state": '"fetched"', "at": "1.7e9", "request_id": '"req-0"', "credits": '"3"', "inference_seconds": "2.5"}
LIKELY |= {"picture_sha256": f'"{hashlib.sha256(PICTURE).hexdigest()}"'}


@pytest.fixture(scope="module")
def job(api, swap, tmp_path_factory):
    """A journal's folder, the digest of the job of picture 0, and how that is run."""
    folder = tmp_path_factory.mktemp("journal")
    serves(api)
    swap(journal=Journal(folder, FakeClock().clock()))
    (entry,) = folder.glob("*.json")
    return folder, entry.stem, lambda: swap(journal=Journal(folder, FakeClock().clock()))


def journals_are_survived(api, job, text, picture):
    """The job's own entry, and another one that is met on the way."""
    folder, digest, swap = job
    serves(api)
    for path in folder.iterdir():
        path.unlink()
    for name in (digest, "other"):
        (folder / f"{name}.json").write_bytes(text)
        if picture is not None:
            (folder / f"{name}.picture").write_bytes(picture)
    ends_well(swap)


@tries(60)
@given(bodies(LIKELY, ["status_url", "response_url", "more"]), st.sampled_from([None, PICTURE, b"picture"]))
def test_any_journal(api, job, text, picture):
    journals_are_survived(api, job, text, picture)


@pytest.mark.parametrize("name", ["", *LIKELY, "status_url"])
def test_odd_texts_in_every_place_of_a_journal(api, job, name):
    for text in ODD:
        entry = written({**LIKELY, name: text}) if name else encoded(text)
        journals_are_survived(api, job, entry, PICTURE)

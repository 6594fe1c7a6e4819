"""Keys, rates, the queue, idempotency keys, cancel, expiry."""

from __future__ import annotations

import re
import time

import pytest
import requests
from multifaceswap.pipeline.errors import SettingsError
from multifaceswap.serve.config import Limits, ServeConfig, names_this_machine
from multifaceswap.serve.keys import Keys
from multifaceswap.serve.server import require_keys
from multifaceswap.serve.tables import opened, state_of
from serverworld import GREY, MODEL, shade

BOTH = {"source_img": GREY, "target_img": GREY}
CALLS = [
    ("POST", f"/v1/{MODEL}"), ("POST", f"/v2/{MODEL}"), ("GET", "/v2/requests/x"), ("GET", "/v2/requests/x/status"),
    ("GET", "/v2/requests"), ("DELETE", "/v2/requests/x"), ("POST", "/v2/requests/x/cancel"),
    ("POST", "/upload-asset"), ("POST", "/faces"),
]  # fmt: skip


@pytest.fixture
def keys(tmp_path):
    (tmp_path / "data").mkdir()
    return Keys(opened(state_of(tmp_path / "data")))


def test_keys_are_kept_as_hashes_and_told_apart(keys, tmp_path):
    first, second = keys.add("ann"), keys.add("bob")
    assert re.fullmatch(r"mfs_[\w-]{43}", first) and first != second
    assert [row.name for row in keys.listed()] == ["ann", "bob"]
    assert (keys.owner(first), keys.owner(second), keys.owner(first[:-1]), keys.owner("")) == ("ann", "bob", None, None)
    stored = b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir())
    assert first.encode() not in stored and second.encode() not in stored
    keys.remove("ann")
    assert keys.owner(first) is None and len(keys) == 1
    for call in (lambda: keys.remove("ann"), lambda: keys.add("bob"), lambda: keys.add("a b"), lambda: keys.add("")):
        with pytest.raises(SettingsError):
            call()


def test_without_keys_only_this_machine_may_be_served(keys):
    refused = ServeConfig("", host="0.0.0.0")
    with pytest.raises(SettingsError, match=r"--host 0\.0\.0\.0: others reach .*multifaceswap serve keys add NAME"):
        require_keys(refused, keys)
    require_keys(ServeConfig(""), keys)
    keys.add("ann")
    require_keys(refused, keys)
    here, elsewhere = ("127.0.0.1", "::1", "localhost", "127.9.9.9"), ("::", "0.0.0.0", "10.0.0.1", "a.example", "")
    assert all(map(names_this_machine, here)) and not any(map(names_this_machine, elsewhere))


def test_with_keys_every_call_needs_one(started, copying, keys):
    key = keys.add("ann")
    site = started(copying)
    for method, path in CALLS:
        for headers in ({}, {"x-api-key": "mfs_wrong"}, {"Authorization": "Bearer "}, {"x-api-key": "é".encode()}):
            answer = requests.request(method, site.url + path, json=BOTH, headers=headers, timeout=30)
            assert answer.status_code == 401 and list(answer.json()) == ["error"], (method, path, headers)
    for headers in ({"x-api-key": key}, {"Authorization": f"Bearer {key}"}):
        assert site.post(f"/v1/{MODEL}", BOTH, headers=headers).status_code == 200
    for path in ("/healthz", "/readyz", "/metrics", "/", "/openapi.json"):
        assert site.get(path).status_code == 200, path
    keys.remove("ann")
    keys.add("bob")
    assert site.post(f"/v1/{MODEL}", BOTH, headers={"x-api-key": key}).status_code == 401


def test_a_request_is_its_own_keys_alone(started, copying, keys):
    ann, bob = ({"x-api-key": keys.add(name)} for name in ("ann", "bob"))
    site = started(copying)
    request_id = site.post(f"/v2/{MODEL}", BOTH, headers=ann).json()["request_id"]
    assert site.over(request_id, headers=ann).status_code == 200
    for call in (site.get, site.delete):
        assert call(f"/v2/requests/{request_id}", headers=bob).status_code == 404
    assert site.get("/v2/requests", headers=bob).json() == {"requests": []}
    (mine,) = site.get("/v2/requests", headers=ann).json()["requests"]
    assert (mine["request_id"], mine["status"]) == (request_id, "COMPLETED")


def test_without_keys_calls_under_another_name_are_refused(started, copying):
    """A web page may have its own name lead to this machine."""
    site = started(copying)
    answer = site.post(f"/v2/{MODEL}", BOTH, headers={"Host": "evil.example"})
    assert answer.status_code == 401 and "localhost" in answer.json()["error"]


def test_rate_is_limited_a_key_and_says_when_to_come_again(started, copying, keys):
    ann, bob = ({"x-api-key": keys.add(name)} for name in ("ann", "bob"))
    site = started(copying, limits=Limits(rate=3))
    assert site.post("/upload-asset", {"data_urls": [GREY]}, headers=ann).status_code == 200
    answers = [site.post(f"/v2/{MODEL}", BOTH, headers=ann) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    assert 50 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert answers[-1].json()["error"] == "more than 3 requests a minute"
    assert site.post("/upload-asset", {"data_urls": [GREY]}, headers=ann).status_code == 429
    assert site.post(f"/v2/{MODEL}", BOTH, headers=bob).status_code == 200
    now = site.made.context.store.clock()
    site.made.context.store.clock = lambda: now + 61
    assert site.post(f"/v2/{MODEL}", BOTH, headers=ann).status_code == 200


def test_every_call_counts_whatever_comes_of_it(started, copying, keys):
    ann = {"x-api-key": keys.add("ann")}
    site = started(copying, limits=Limits(rate=9))
    assert site.post("/faces", {"image": GREY}, headers=ann).status_code == 200
    assert site.post(f"/v2/{MODEL}", {**BOTH, "strenght": 1}, headers=ann).status_code == 400
    assert site.post(f"/v2/{MODEL}", {**BOTH, "target_img": "http://127.0.0.1:1/x"}, headers=ann).status_code == 400
    done = site.post(f"/v2/{MODEL}", BOTH, headers=ann).json()["request_id"]
    assert site.delete(f"/v2/requests/{done}", headers=ann).status_code == 200
    assert (
        site.post("/upload-asset", {"data_urls": [shade(level) for level in range(4)]}, headers=ann).status_code == 200
    )
    assert site.post("/upload-asset", {"data_urls": [GREY, GREY]}, headers=ann).status_code == 429
    for path, body in ((f"/v2/{MODEL}", BOTH), ("/faces", {"image": GREY})):
        assert site.post(path, body, headers=ann).status_code == 429
    assert site.get("/v2/requests", headers=ann).status_code == 200


def test_idempotency_key_is_free_once_its_request_is_kept_no_longer(started, copying):
    site = started(copying, limits=Limits(keep=100))
    headers = {"Idempotency-Key": "order-7"}
    first = site.post(f"/v2/{MODEL}", BOTH, headers=headers).json()["request_id"]
    site.over(first)
    now = time.time()
    site.made.context.store.clock = lambda: now + 101
    for body in ({**BOTH, "image_format": "png"}, {**BOTH, "image_format": "png"}):
        answer = site.post(f"/v2/{MODEL}", body, headers=headers)
        assert answer.status_code == 200 and answer.json()["request_id"] != first
    assert site.over(answer.json()["request_id"]).json()["status"] == "COMPLETED"
    assert len(copying.done) == 2


def test_a_removed_keys_name_is_a_new_owners(started, copying, keys):
    site = started(copying)
    ann = {"x-api-key": keys.add("ann")}
    request_id = site.post(f"/v2/{MODEL}", BOTH, headers=ann).json()["request_id"]
    site.over(request_id, headers=ann)
    keys.remove("ann")
    again = {"x-api-key": keys.add("ann")}
    assert site.get(f"/v2/requests/{request_id}", headers=again).status_code == 404
    assert site.get("/v2/requests", headers=again).json() == {"requests": []}


def test_queue_is_limited(started, copying):
    site = started(copying, limits=Limits(queue=2))
    copying.free.clear()
    first = site.submit(**BOTH).json()["request_id"]
    assert copying.begun.wait(10)
    waiting = [site.submit(**BOTH).json()["request_id"] for _ in range(2)]
    refused = site.submit(**BOTH)
    assert refused.status_code == 429 and int(refused.headers["Retry-After"]) >= 1
    assert "2 requests are waiting" in refused.json()["error"]
    assert b"multifaceswap_queue_length 2.0" in site.get("/metrics").content
    copying.free.set()
    assert [site.over(one).status_code for one in (first, *waiting)] == [200] * 3
    assert site.submit(**BOTH).status_code == 200


def test_storage_is_limited(started, copying):
    site = started(copying, limits=Limits(storage_bytes=450))
    assert site.run(**BOTH).status_code == 200
    assert site.post("/upload-asset", {"data_urls": [GREY] * 4}).status_code == 200
    refused = site.post("/upload-asset", {"data_urls": [shade(level) for level in range(4)]})
    assert refused.status_code == 507 and "no room for more pictures: results go after" in refused.json()["error"]


def test_same_idempotency_key_is_the_same_request(started, copying):
    site = started(copying)
    headers = {"Idempotency-Key": "order-7"}
    ids = [site.post(f"/v2/{MODEL}", BOTH, headers=headers).json()["request_id"] for _ in range(3)]
    assert len({*ids}) == 1
    site.over(ids[0])
    synchronous = site.post(f"/v1/{MODEL}", BOTH, headers=headers)
    assert synchronous.status_code == 200 and synchronous.headers["X-Request-Id"] == ids[0]
    other = site.post(f"/v2/{MODEL}", {**BOTH, "image_format": "png"}, headers=headers)
    assert other.status_code == 409 and list(other.json()) == ["error"]
    assert site.post(f"/v2/{MODEL}", BOTH, headers={"Idempotency-Key": "a b"}).status_code == 400
    assert copying.done == [ids[0]]


def test_cancel_ends_what_waits_and_drops_what_is_worked_on(started, copying):
    site = started(copying)
    copying.free.clear()
    running, waiting = (site.submit(**BOTH).json()["request_id"] for _ in range(2))
    assert copying.begun.wait(10)
    for one in (running, waiting):
        answer = site.post(f"/v2/requests/{one}/cancel")
        assert (answer.status_code, answer.json()) == (200, {"request_id": one, "status": "FAILED"})
    copying.free.set()
    last = site.submit(**BOTH).json()["request_id"]
    site.over(last)
    for one in (running, waiting):
        answer = site.get(f"/v2/requests/{one}")
        assert (answer.status_code, answer.json()["error"]) == (422, "cancelled")
    assert copying.done == [running, last]
    assert site.post(f"/v2/requests/{last}/cancel").json()["status"] == "COMPLETED"
    assert site.post("/v2/requests/nobody/cancel").status_code == 404


def test_delete_takes_a_result_away(started, copying):
    site = started(copying)
    request_id = site.submit(**BOTH).json()["request_id"]
    output = site.over(request_id).json()["output"]
    assert site.get(output).status_code == 200
    assert site.delete(f"/v2/requests/{request_id}").json() == {"request_id": request_id, "status": "DELETED"}
    assert site.get(output).status_code == site.get(f"/v2/requests/{request_id}").status_code == 404


def test_delete_cancels_what_is_worked_on_and_leaves_nothing(started, copying):
    site = started(copying)
    copying.free.clear()
    running, waiting = (site.submit(**BOTH).json()["request_id"] for _ in range(2))
    assert copying.begun.wait(10)
    for one in (running, waiting):
        assert site.delete(f"/v2/requests/{one}").status_code == 200
        assert site.get(f"/v2/requests/{one}").status_code == site.delete(f"/v2/requests/{one}").status_code == 404
    copying.free.set()
    last = site.submit(**BOTH).json()["request_id"]
    site.over(last)
    assert copying.done == [running, last]
    with site.made.context.store.engine.begin() as connection:
        assert connection.exec_driver_sql("select count(*) from pictures").scalar_one() == 1


def test_results_go_after_their_time_and_inputs_at_once(started, copying):
    site = started(copying, limits=Limits(keep=100))
    store = site.made.context.store
    request_id = site.submit(**BOTH).json()["request_id"]
    output = site.over(request_id).json()["output"]
    with store.engine.begin() as connection:
        assert connection.exec_driver_sql("select count(*) from pictures").scalar_one() == 1
    started_at = time.time()
    store.clock = lambda: started_at + 95
    store.tidy()
    assert site.get(output).status_code == 200
    store.clock = lambda: started_at + 101
    assert site.get(output).status_code == site.get(f"/v2/requests/{request_id}").status_code == 404
    store.tidy()
    with store.engine.begin() as connection:
        for table in ("pictures", "requests"):
            assert connection.exec_driver_sql(f"select count(*) from {table}").scalar_one() == 0

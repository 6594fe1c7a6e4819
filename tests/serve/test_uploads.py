"""Uploads: for a while, each picture once, a share a key; and what is said where there is no room."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

pytest.importorskip("sqlalchemy")
from multifaceswap.serve import space
from multifaceswap.serve.config import Limits
from multifaceswap.serve.keys import Keys
from multifaceswap.serve.tables import opened, state_of
from serverworld import GREY, MODEL, shade
from sqlalchemy import event


def upload(site, *uris, **more):
    answer = site.post("/upload-asset", {"data_urls": [*uris]}, **more)
    return answer.json()["file_urls"] if answer.ok else answer


def count(site, table="pictures"):
    with site.made.context.store.engine.begin() as connection:
        return connection.exec_driver_sql(f"select count(*) from {table}").scalar_one()


@pytest.fixture
def keys(tmp_path):
    (tmp_path / "data").mkdir()
    return Keys(opened(state_of(tmp_path / "data")))


def test_uploads_go_after_their_time_which_starts_again_when_they_come_again(started, copying):
    site = started(copying, limits=Limits(keep_uploads=100))
    store, start = site.made.context.store, time.time()
    first, other = upload(site, GREY, shade(1))
    store.clock = lambda: start + 90
    assert upload(site, GREY) == [first]
    store.clock = lambda: start + 150
    assert (site.get(first).status_code, site.get(other).status_code) == (200, 404)
    assert site.submit(source_img=GREY, target_img=other).status_code == 400
    store.tidy()
    assert (count(site), count(site, "uploads")) == (1, 1)
    store.clock = lambda: start + 191
    store.tidy()
    assert (count(site), count(site, "uploads")) == (0, 0)
    assert upload(site, GREY) != [first]


def test_equal_pictures_of_one_key_are_kept_once(started, copying, keys):
    ann, bob = ({"headers": {"x-api-key": keys.add(name)}} for name in ("ann", "bob"))
    site = started(copying)
    one, two, three = upload(site, GREY, GREY, shade(1), **ann)
    assert one == two != three and upload(site, GREY, **ann) == [one]
    assert upload(site, GREY, **bob) != [one]
    assert count(site) == 3


def test_uploads_are_deleted_by_whose_they_are(started, copying, keys):
    ann, bob = ({"headers": {"x-api-key": keys.add(name)}} for name in ("ann", "bob"))
    site = started(copying)
    (url,) = upload(site, GREY, **ann)
    path = url.removeprefix(site.url)
    assert site.delete(path).status_code == 401
    assert site.delete(path, **bob).status_code == 404 and site.get(url).status_code == 200
    assert site.delete(path, **ann).json() == {"status": "DELETED"}
    assert site.get(url).status_code == site.delete(path, **ann).status_code == 404
    assert upload(site, GREY, **ann) != [url]


def test_one_key_takes_half_of_the_room_at_most(started, copying, keys):
    ann, bob = ({"headers": {"x-api-key": keys.add(name)}} for name in ("ann", "bob"))
    site = started(copying)
    upload(site, shade(0), shade(1), shade(2), **ann)
    with site.made.context.store.engine.begin() as connection:
        size = connection.exec_driver_sql("select sum(size) from pictures").scalar_one()
    site = started(copying, limits=Limits(storage_bytes=2 * size + 2, keep=50, keep_uploads=70))
    both = {"source_img": GREY, "target_img": GREY}
    for refused in (upload(site, shade(3), **ann), site.post(f"/v2/{MODEL}", both, **ann)):
        assert refused.status_code == 507
        assert refused.json()["error"] == (
            "this key's pictures take half of the server's room, the most of one key: "
            "results go after 50 seconds and uploads after 70, or when their owners delete them"
        )
    assert len(upload(site, shade(1), shade(2), **bob)) == 2


def test_full_disk_is_said_and_the_server_isnt_ready(started, copying, monkeypatch):
    site = started(copying)
    (url,) = upload(site, shade(1))
    while not site.get("/readyz").ok:
        time.sleep(0.01)
    engine = site.made.context.store.engine

    def full(connection, _entry):
        connection.execute("PRAGMA max_page_count=1")  # no more than there are

    event.listen(engine, "connect", full)
    engine.dispose()
    refused = [site.submit(source_img=GREY, target_img=GREY) for _ in range(40)][-1]
    assert (refused.status_code, refused.json()) == (507, {"error": "the disk with the server's state is full"})
    assert site.get(url).status_code == 200
    event.remove(engine, "connect", full)
    engine.dispose()
    assert site.run(source_img=GREY, target_img=GREY).status_code == 200
    monkeypatch.setattr(space, "disk_usage", lambda _: SimpleNamespace(free=1 << 20))
    answer = site.get("/readyz")
    assert (answer.status_code, answer.json()["error"]) == (
        503,
        "the disk with the server's state has less than 64 MiB left",
    )


def test_state_that_cant_be_written_is_said_and_the_server_isnt_ready(started, copying):
    site = started(copying)
    engine = site.made.context.store.engine
    event.listen(engine, "connect", lambda connection, _entry: connection.execute("PRAGMA query_only=ON"))
    engine.dispose()
    answer = site.submit(source_img=GREY, target_img=GREY)
    assert (answer.status_code, answer.json()["error"]) == (503, "the server's state can't be used now")
    answer = site.get("/readyz")
    assert answer.status_code == 503 and answer.json()["error"].startswith("the state can't be written: ")

"""The state in PostgreSQL, on a server of the test's own where its programs are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading

import pytest
from multifaceswap.pipeline.errors import SettingsError
from multifaceswap.serve.claims import Claims
from multifaceswap.serve.config import Limits, ServeConfig
from multifaceswap.serve.errors import Refusal
from multifaceswap.serve.keys import Keys
from multifaceswap.serve.server import store_of
from multifaceswap.serve.store import Store, new_id
from multifaceswap.serve.tables import opened
from multifaceswap.serve.values import Image, Outcome, Swap

pytest.importorskip("psycopg")
IMAGE = Image(b"picture", "image/png")


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """An empty database on a Unix socket; as another user where this one is root, whom PostgreSQL refuses."""
    if not all(map(shutil.which, ("initdb", "pg_ctl"))):
        pytest.skip("no PostgreSQL here")
    folder = tmp_path_factory.mktemp("postgresql")
    user: dict[str, object] = {}
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        user = {"user": "nobody"}
        shutil.chown(folder, "nobody")
        for parent in folder.parents:
            if parent.owner() == "root" and parent.name.startswith(("pytest-", "popen-")):
                parent.chmod(0o755)
    data = folder / "data"

    def run(*command):
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **user)

    try:
        run("initdb", "-D", str(data), "-U", "owner", "-A", "trust")
    except (subprocess.CalledProcessError, PermissionError, OSError, LookupError) as error:
        pytest.skip(f"PostgreSQL doesn't start here: {type(error).__name__}")
    run("pg_ctl", "-D", str(data), "-w", "-o", f"-c listen_addresses='' -k {folder}", "start")
    yield f"postgresql://owner@/postgres?host={folder}"
    run("pg_ctl", "-D", str(data), "-m", "immediate", "stop")


@pytest.fixture
def store(url):
    store = Store(opened(url), Limits(queue=50))
    with store.writing.begin() as connection:
        for table in ("requests", "pictures", "keys"):
            connection.exec_driver_sql(f"delete from {table}")
    yield store
    store.engine.dispose()


def accepted(store, **more):
    return store.accept(new_id(), "", Swap(IMAGE, IMAGE, {"strength": 0.5}, False, "digest", **more)).id


def test_requests_are_taken_once_and_end_once(store):
    ids = {accepted(store) for _ in range(40)}
    ended = []

    def work():
        claims = Claims(store)
        while (claimed := claims.take()) is not None:
            assert claimed.source == b"picture" and claimed.settings == {"strength": 0.5}
            assert claims.done(claimed, Outcome(IMAGE, "", 1.0, {"licence": "none"}, 1))
            assert not claims.done(claimed, Outcome(None, "again"))
            ended.append(claimed.id)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ended) == sorted(ids)
    records = [store.record(one, "") for one in ids]
    assert {(one.status, one.seconds, one.detail["licence"]) for one in records} == {("COMPLETED", 1.0, "none")}
    assert all(store.picture(one.output) == IMAGE for one in records)


def test_what_a_lost_worker_left_is_taken_again(store):
    request_id, claims = accepted(store), Claims(store)
    claims.take()
    assert claims.recover() == 0
    store.clock = lambda now=store.clock: now() + 60
    assert claims.recover() == 1
    assert (claims.take().id, claims.take()) == (request_id, None)


def test_one_idempotency_key_in_many_threads_is_one_request(store):
    ids, start = [], threading.Barrier(8)

    def submit():
        start.wait()
        ids.append(accepted(store, idempotency="order-7"))

    threads = [threading.Thread(target=submit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 8 and len({*ids}) == 1 and store.waiting() == 1


def test_limits_keys_and_expiry(store):
    for _ in range(50):
        accepted(store)
    with pytest.raises(Refusal, match="50 requests are waiting"):
        accepted(store)
    keys = Keys(store.engine)
    key = keys.add("ann")
    assert (keys.owner(key), keys.owner("x"), len(keys)) == ("ann", None, 1)
    with pytest.raises(SettingsError, match="already"):
        keys.add("ann")
    claims = Claims(store)
    claims.done(claims.take(), Outcome(IMAGE))
    store.clock = lambda now=store.clock: now() + 3601
    store.tidy()
    assert len(store.records("")) == 49


def test_passwords_are_not_said():
    with pytest.raises(SettingsError) as error:
        store_of(ServeConfig("postgresql://ann:secret@127.0.0.1:1/x"))
    assert "can't be opened" in str(error.value) and "secret" not in str(error.value)

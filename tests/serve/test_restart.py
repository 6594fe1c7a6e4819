"""What was accepted is never lost: kill -9 in the middle, restarts, workers that are gone, a graceful end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import requests
from multifaceswap.serve.claims import ATTEMPTS, LEASE, Claims
from multifaceswap.serve.config import Limits
from multifaceswap.serve.store import Store, new_id
from multifaceswap.serve.tables import opened, state_of
from multifaceswap.serve.values import Image, Outcome, Swap
from serverworld import ASTRONAUT, GREY, HOPPER, MODEL, serving

ROOT = Path(__file__).resolve().parents[2]
IMAGE = Image(b"picture", "image/png")
DONE = Outcome(IMAGE, "", 1.0, {}, 1)


@pytest.fixture
def store(tmp_path):
    store = Store(opened(state_of(tmp_path)), Limits(), lambda: store.now)
    store.now = 1000.0
    yield store
    store.engine.dispose()


def accepted(store, **settings):
    return store.accept(new_id(), "", Swap(IMAGE, IMAGE, settings, False, "digest")).id


def statuses(store, ids):
    return [store.record(one, "").status for one in ids]


def test_each_request_is_taken_once_in_the_order_that_they_came(store):
    ids = []
    for n in range(3):
        store.now += 1
        ids.append(accepted(store, strength=n / 2))
    claims = Claims(store)
    taken = [claims.take() for _ in range(4)]
    assert [one and one.id for one in taken] == [*ids, None]
    assert [one.settings for one in taken[:3]] == [{"strength": 0.0}, {"strength": 0.5}, {"strength": 1.0}]
    assert taken[0].source == taken[0].target == b"picture" and statuses(store, ids) == ["PROCESSING"] * 3


def test_what_is_waited_for_comes_ahead_of_what_came_just_now(store):
    def submitted(at, waited_for):
        store.now = at
        swap = Swap(IMAGE, IMAGE, {}, False, "digest", waited_for=waited_for)
        return store.accept(new_id(), "", swap).id

    old, new, waited = submitted(1000, False), submitted(1015, False), submitted(1030, True)
    assert [Claims(store).take().id for _ in range(3)] == [old, waited, new]


def test_many_threads_take_each_request_once(store):
    ids = {accepted(store) for _ in range(40)}
    taken = []

    def work():
        claims = Claims(store)
        while (claimed := claims.take()) is not None:
            taken.append(claimed.id)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(ids)


def test_a_lost_worker_is_replaced_and_what_it_brings_later_does_not_count(store):
    request_id, claims = accepted(store), Claims(store)
    first = claims.take()
    store.now += LEASE - 1
    assert claims.recover() == 0 and claims.take() is None
    claims.renew([first.claim])
    store.now += LEASE - 1
    assert claims.recover() == 0
    store.now += 2
    assert claims.recover() == 1
    second = claims.take()
    assert (second.id, second.attempts) == (request_id, 2)
    assert not claims.done(first, DONE) and statuses(store, [request_id]) == ["PROCESSING"]
    assert claims.done(second, DONE) and not claims.done(second, DONE) and not claims.done(first, DONE)
    assert statuses(store, [request_id]) == ["COMPLETED"]
    with store.engine.begin() as connection:
        assert connection.exec_driver_sql("select count(*) from pictures").scalar_one() == 1


def test_a_request_that_ends_every_worker_fails(store):
    request_id, claims = accepted(store), Claims(store)
    for _ in range(ATTEMPTS):
        assert claims.take().id == request_id
        claims.recover(everything=True)
    assert claims.take() is None
    record = store.record(request_id, "")
    assert (record.status, record.error) == ("FAILED", f"the server ended {ATTEMPTS} times while it worked on this")


def test_work_that_raises_fails_and_the_next_goes_on(started, copying):
    def work(claimed):
        if claimed.settings["strength"] == 0.5:
            raise ZeroDivisionError("secret")
        return copying(claimed)

    site = started(work)
    answers = [site.run(source_img=GREY, target_img=GREY, strength=strength) for strength in (0.5, 1)]
    assert [answer.status_code for answer in answers] == [422, 200]
    assert answers[0].json()["error"] == "internal error (ZeroDivisionError)"


def test_a_graceful_end_finishes_what_is_under_way_and_keeps_what_waits(tmp_path, session, copying):
    with serving(tmp_path, session, copying) as site:
        copying.free.clear()
        running, waiting = (site.submit(source_img=GREY, target_img=GREY).json()["request_id"] for _ in range(2))
        assert copying.begun.wait(10)
        answers = []
        call = threading.Thread(target=lambda: answers.append(site.run(source_img=GREY, target_img=GREY)))
        call.start()
        while site.made.context.store.waiting() < 2:
            time.sleep(0.01)
        site.server.handle_exit(signal.SIGTERM, None)
        call.join(20)
        assert answers[0].status_code == 503 and "Retry-After" in answers[0].headers
        third = re.search(r"/v2/requests/([\w-]+)", answers[0].json()["error"])[1]
        threading.Timer(0.3, copying.free.set).start()
    assert copying.done == [running]
    with serving(tmp_path, session, copying) as site:
        assert [site.over(one).status_code for one in (running, waiting, third)] == [200] * 3
    assert copying.done == [running, third, waiting]


CODE = """
import sys
sys.path.insert(0, {scripts!r})
from checkout import load_checkout
load_checkout()
from multifaceswap.cli import main
sys.exit(main(["serve", "--data", {folder!r}, "--port", "0", "--device", "cpu", "--image-format", "png"]))
"""


class Process:
    """The server as a process of its own."""

    def __init__(self, folder):
        code = CODE.format(scripts=str(ROOT / "scripts"), folder=str(folder))
        self.process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
        self.lines, self.url = [], ""
        ready = threading.Event()

        def read():
            for line in self.process.stderr:
                self.lines.append(line)
                if found := re.search(r"running on (http://127\.0\.0\.1:\d+)", line):
                    self.url = found[1]
                    ready.set()

        threading.Thread(target=read, daemon=True).start()
        assert ready.wait(60), self.lines

    def end(self, sign=signal.SIGKILL):
        if self.process.poll() is None:
            self.process.send_signal(sign)
        return self.process.wait(60)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="kill -9 is POSIX's")
def test_kill_9_in_the_middle_loses_nothing_and_nothing_ends_twice(tmp_path):
    """Clients submit without pause; the server is killed twice while they do."""
    pictures = {"source_img": ASTRONAUT, "target_img": HOPPER}
    accepted, url, stop = [], [""], threading.Event()

    def client(number):
        n = 0
        while not stop.is_set():
            key = f"{number}-{n}"
            try:
                answer = requests.post(
                    f"{url[0]}/v2/{MODEL}", json=pictures, timeout=20, headers={"Idempotency-Key": key}
                )
            except (requests.RequestException, OSError):
                time.sleep(0.05)
                continue
            if answer.status_code == 200:
                accepted.append((key, answer.json()["request_id"]))
                n += 1
            time.sleep(0.1)

    server = Process(tmp_path)
    url[0] = server.url
    clients = [threading.Thread(target=client, args=(number,)) for number in range(2)]
    for thread in clients:
        thread.start()
    try:
        for _ in range(2):
            time.sleep(1.5)
            server.end()
            server = Process(tmp_path)
            url[0] = server.url
        time.sleep(1)
        stop.set()
        for thread in clients:
            thread.join(30)
        assert len(accepted) > 5
        end = time.monotonic() + 240
        results = {}
        while len(results) < len(accepted) and time.monotonic() < end:
            for _, request_id in accepted:
                if request_id not in results:
                    answer = requests.get(f"{server.url}/v2/requests/{request_id}", timeout=20)
                    if answer.json()["status"] in ("COMPLETED", "FAILED"):
                        results[request_id] = answer.json()
            time.sleep(0.2)
        assert len(results) == len(accepted) == len({*results})
        assert {body["status"] for body in results.values()} == {"COMPLETED"}
        outputs = [body["output"] for body in results.values()]
        assert len({*outputs}) == len(outputs)
        first, *others = (requests.get(one, timeout=20).content for one in outputs[:4])
        assert all(other == first for other in others)
        with opened(state_of(tmp_path)).begin() as connection:
            count = connection.exec_driver_sql
            assert count("select count(*) from requests").scalar_one() >= len(accepted)
            assert (
                count("select count(*) from pictures").scalar_one()
                == count("select count(*) from requests where status = 'COMPLETED'").scalar_one()
            )
        assert server.end(signal.SIGTERM) == 0
    finally:
        stop.set()
        server.end()

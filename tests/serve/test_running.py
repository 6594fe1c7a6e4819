"""What those who run a server see: health, numbers, log lines; nothing of pictures, paths and keys in them."""

from __future__ import annotations

import io
import json
import logging
import re
import socket
import sys
import threading
import time

import pytest
from multifaceswap.app.settings import checked
from multifaceswap.serve import worker
from multifaceswap.serve.claims import Claims
from multifaceswap.serve.config import Limits
from multifaceswap.serve.errors import without_folders
from multifaceswap.serve.keys import Keys
from multifaceswap.serve.logs import JsonLines, event, set_up
from multifaceswap.serve.tables import opened, state_of
from multifaceswap.serve.values import Claimed, Outcome
from multifaceswap.serve.work import Swapping
from prometheus_client.parser import text_string_to_metric_families
from serverworld import ASTRONAUT, EXAMPLES, GREY, HOPPER, MODEL, PICTURES, web
from serverworld import opened as picture_of

ALL = {"source_img": GREY, "target_img": GREY}


def numbers(site):
    families = text_string_to_metric_families(site.get("/metrics").text)
    return {(one.name, *sorted(one.labels.values())): one.value for family in families for one in family.samples}


def until_ready(site):
    while not (answer := site.get("/readyz")).ok:
        assert answer.json()["error"] == "models are being loaded"
    return answer.json()


def test_ready_once_a_swap_has_succeeded_and_names_what_models_run_on(started):
    body = until_ready(started())
    assert body["ready"] is True and body["waiting"] == 0
    assert {"facedetection builtin", "swap_model mesh"} <= {*body["models"]}
    (line,) = [one for one in body["models"] if "blazeface_full_range_sparse.onnx" in one]
    assert "face_landmark_468.onnx" in line and line.endswith(("on CPU", "run on CPU"))


def test_not_ready_while_models_load_nor_when_they_fail(started, copying):
    loading = threading.Event()

    def work(claimed):
        if claimed.id == "warm-up":
            assert loading.wait(20)
            return Outcome(None, "the engine is broken")
        return copying(claimed)

    site = started(work)
    assert site.get("/healthz").json() == {"status": "ok"}
    answer = site.get("/readyz")
    assert (answer.status_code, answer.json()["error"]) == (503, "models are being loaded")
    loading.set()
    while (answer := site.get("/readyz")).json()["error"] == "models are being loaded":
        pass
    assert (answer.status_code, answer.json()["error"]) == (503, "the engine is broken")


def test_numbers_count_requests_seconds_faces_and_answers(started, copying):
    def work(claimed):
        outcome = copying(claimed)
        return Outcome(None, "no face", 2.0) if claimed.settings["strength"] == 0 else outcome

    site = started(work)
    before = numbers(site)
    assert before["multifaceswap_requests_total", "COMPLETED"] == before["multifaceswap_requests_total", "FAILED"] == 0
    for strength in (1, 1, 0):
        site.run(**ALL, strength=strength)
    after = numbers(site)
    assert after["multifaceswap_requests_total", "COMPLETED"] == 2
    assert after["multifaceswap_requests_total", "FAILED"] == 1
    assert after["multifaceswap_faces_swapped_total",] == 4
    assert after["multifaceswap_inference_seconds_sum",] == 3.0
    assert after["multifaceswap_inference_seconds_bucket", "0.5"] == 2
    assert after["multifaceswap_inference_seconds_bucket", "2.5"] == 3
    assert after["multifaceswap_queue_length",] == 0
    assert after["multifaceswap_answers_total", f"/v1/{MODEL}", "200"] == 2
    assert after["multifaceswap_answers_total", f"/v1/{MODEL}", "422"] == 1


def test_ids_make_no_numbers_of_their_own(started, copying):
    site = started(copying)
    for n in range(5):
        site.get(f"/v2/requests/{n}")
        site.get(f"/nothing/{n}")
    told = site.get("/metrics").text
    assert 'code="404",route="/v2/requests/{request_id}"} 5.0' in told and 'code="404",route="none"} 5.0' in told


def test_log_is_json_and_holds_no_picture_path_or_key(started, tmp_path, caplog):
    caplog.set_level(logging.DEBUG, logger="multifaceswap")
    (tmp_path / "data").mkdir()
    key = Keys(opened(state_of(tmp_path / "data"))).add("ann")
    site = started()
    headers = {"x-api-key": key}
    done = site.post(f"/v1/{MODEL}", PICTURES, headers=headers)
    site.post(f"/v2/{MODEL}", {**PICTURES, "source_img": "https://secret.invalid/x?token=t"}, headers=headers)
    site.post(f"/v2/{MODEL}", {"source_img": GREY, "target_img": HOPPER}, headers=headers)
    site.post(f"/v2/{MODEL}", PICTURES, headers={"x-api-key": "mfs_wrong"})
    assert picture_of(done.content).shape == (600, 512, 3)
    lines = [JsonLines().format(record) for record in caplog.records if "serve" in record.name]
    said = [json.loads(line) for line in lines]
    assert all({"time", "level", "event"} <= one.keys() for one in said)
    mine = [one for one in said if one.get("request_id") == done.headers["X-Request-Id"]]
    assert [one["event"] for one in mine] == ["started", "ended", "answered"]
    assert (mine[1]["status"], mine[2]["status"], mine[2]["route"]) == ("COMPLETED", 200, f"/v1/{MODEL}")
    text = "\n".join(lines)
    for secret in (
        key,
        "mfs_wrong",
        "secret.invalid",
        "token=t",
        ASTRONAUT[40:80],
        HOPPER[40:80],
        str(tmp_path),
        "/tmp",
    ):
        assert secret not in text


def test_log_lines_of_others_lose_their_paths_and_errors_their_words():
    log = logging.getLogger("test-log")
    lines = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(json.loads(JsonLines().format(record)))
    log.addHandler(handler)
    log.warning("/home/ann/models/x.onnx isn't the published file\nsecond line")
    event(log, "named", logging.ERROR, number=1, left_out=None)
    try:
        raise ValueError("secret")
    except ValueError:
        log.exception("request 7")
    assert lines[0]["event"] == "x.onnx isn't the published file second line"
    assert (lines[1]["event"], lines[1]["number"], lines[1]["level"]) == ("named", 1, "error")
    assert "left_out" not in lines[1] and re.fullmatch(r"2\d{3}-.*\+00:00", lines[1]["time"])
    assert lines[2]["error"] == "ValueError" and "secret" not in json.dumps(lines[2])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/a/b/c.png: damaged", "c.png: damaged"),
        ("C:\\Users\\ann\\c.png: damaged", "c.png: damaged"),
        ("see https://a.example/b/c.png", "see https://a.example/b/c.png"),
        ("1/2 of /data/x/y", "1/2 of y"),
        ("no path", "no path"),
    ],
)
def test_texts_without_folders(text, shown):
    assert without_folders(text) == shown


def test_pages_and_answers_tell_browsers_to_keep_to_themselves(site):
    page = site.get("/")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"] and page.headers["X-Frame-Options"] == "DENY"
    answer = site.get("/healthz")
    assert answer.headers["X-Content-Type-Options"] == "nosniff" and len(answer.headers["X-Request-Id"]) == 32
    assert "server" not in answer.headers


@pytest.fixture
def written(monkeypatch):
    """What a process writes down from now on, once its log is set up, as objects."""
    root, stream = logging.getLogger(), io.StringIO()
    level = root.level
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(sys, "stderr", stream)
    set_up()
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.setLevel(level)


def test_only_events_of_the_server_itself_are_written(written):
    for name in ("urllib3.connectionpool", "requests", "httpx", "PIL", "uvicorn.access"):
        logging.getLogger(name).critical("Failed to parse headers (url=https://a.example/x?token=t)")
    logging.getLogger("multifaceswap.serve.worker").info("started")
    logging.getLogger("uvicorn.error").info("Started server process")
    assert [one["event"] for one in written()] == ["started", "Started server process"]


def test_a_thread_that_ends_by_mistake_is_a_line_of_json(written):
    def fail():
        raise ValueError("/home/ann/secret")

    thread = threading.Thread(target=fail, name="failing")
    thread.start()
    thread.join()
    (said,) = written()
    assert (said["event"], said["level"], said["thread"]) == ("thread ended", "critical", "failing")
    assert (said["error"], "secret" in json.dumps(said)) == ("ValueError", False) and said["where"].startswith("fail:")


def test_addresses_of_pictures_stay_out_of_the_log(written, started, copying):
    """urllib3 warns of headers that can't be read, with the whole address."""

    def answer(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nbroken header\r\n\r\n")

    site = started(copying, allow_private=True)
    with web(answer) as (address, asked):
        site.submit(source_img=GREY, target_img=f"{address}/x?token=secret")
        assert asked == ["/x?token=secret"]
    lines = written()
    assert any(one.get("route") == f"/v2/{MODEL}" for one in lines) and "secret" not in json.dumps(lines)


def test_the_work_goes_on_after_whatever_goes_wrong(started, copying, monkeypatch):
    monkeypatch.setattr(worker, "_PAUSE", 0.05)
    site = started(copying)
    claims, metrics = site.made.dispatcher._claims, site.made.context.metrics
    take, ended, left = claims.take, metrics.ended, [MemoryError(), KeyError("x")]

    def failing():
        if left:
            raise left.pop()
        return take()

    monkeypatch.setattr(claims, "take", failing)
    assert site.run(**ALL).status_code == 200 and left == []
    assert site.get("/healthz").json() == {"status": "ok"}

    def unhappy(outcome):
        monkeypatch.setattr(metrics, "ended", ended)
        raise MemoryError

    monkeypatch.setattr(metrics, "ended", unhappy)
    assert [site.run(**ALL).status_code for _ in range(2)] == [200, 200]


def test_outcome_that_cant_be_kept_is_a_failure_and_holds_nobody_up(started, copying):
    def work(claimed):
        outcome = copying(claimed)
        return Outcome(outcome.picture, detail={"x": {1}}) if claimed.settings["strength"] == 0 else outcome

    site = started(work)
    answer = site.run(**ALL, strength=0)
    assert (answer.status_code, answer.json()["error"]) == (422, "internal error (TypeError)")
    assert site.run(**ALL).status_code == 200


def test_server_without_anybody_at_work_is_unwell(started, copying):
    site = started(copying)
    site.made.dispatcher.stop(10)
    for path in ("/healthz", "/readyz"):
        answer = site.get(path)
        assert (answer.status_code, answer.json()["error"]) == (503, "nobody does the work")


def sent_slowly(site):
    """A connection whose request has half of its body, and no more."""
    made = socket.create_connection(("127.0.0.1", int(site.url.rpartition(":")[2])), 20)
    head = (
        f"POST /v2/{MODEL} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n"
    )
    made.sendall(f"{head}{{".encode())
    return made


def answer_of(connection):
    with connection, connection.makefile("rb") as reader:
        status = int(reader.readline().split()[1])
        body = reader.read().partition(b"\r\n\r\n")[2]
    return status, json.loads(body)


def test_bodies_that_take_too_long_are_refused(started, copying):
    site = started(copying, limits=Limits(body_seconds=0.3))
    assert answer_of(sent_slowly(site)) == (408, {"error": "the body: expected it within 0.3 seconds"})
    assert site.run(**ALL).status_code == 200


def test_bodies_on_their_way_dont_hold_the_end(started, copying):
    site = started(copying)
    made = sent_slowly(site)
    time.sleep(0.3)
    site.server.handle_exit(15, None)
    assert answer_of(made) == (503, {"error": "the server is about to end"})


def test_cancelled_work_stops_at_the_next_face_and_counts_as_failed(started, session):
    begun, cancelled, outcomes = threading.Event(), threading.Event(), []

    def work(claimed):
        if claimed.id == "warm-up":
            return Outcome(None, "none")

        def is_wanted(one):
            begun.set()
            assert cancelled.wait(20)
            return claims.holds(one)

        outcomes.append(Swapping(session, is_wanted)(claimed))
        return outcomes[-1]

    site = started(work)
    claims = Claims(site.made.context.store)
    for end in (lambda one: site.post(f"/v2/requests/{one}/cancel"), lambda one: site.delete(f"/v2/requests/{one}")):
        begun.clear()
        cancelled.clear()
        request_id = site.submit(**PICTURES).json()["request_id"]
        assert begun.wait(20) and end(request_id).status_code == 200
        assert end(request_id).status_code in (200, 404)
        cancelled.set()
    assert site.run(**PICTURES).status_code == 200
    assert [outcome.error for outcome in outcomes] == ["cancelled", "cancelled", ""]
    told = numbers(site)
    assert [told["multifaceswap_requests_total", status] for status in ("FAILED", "COMPLETED")] == [2, 1]


def test_work_asks_once_a_face_whether_it_may_go_on(session):
    asked = []
    picture = (EXAMPLES / "pair.jpg").read_bytes()
    source = (EXAMPLES / "astronaut.png").read_bytes()
    settings = checked({"image_format": "png", "input_faces_index": "*"}, "picture", "file")
    claimed = Claimed("id", "claim", 1, source, picture, settings)

    def is_wanted(one):
        asked.append(one)
        return len(asked) < 2

    assert Swapping(session, is_wanted)(claimed).error == "cancelled" and asked == [claimed, claimed]
    asked.clear()
    assert Swapping(session, lambda one: asked.append(one) or True)(claimed).swapped == 2
    assert len(asked) == 3

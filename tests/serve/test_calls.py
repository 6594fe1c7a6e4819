"""Every call of the hosted API, on a real server."""

from __future__ import annotations

import base64
import re
import time

import numpy as np
import pytest
import requests
from multifaceswap.app.donor_files import read_donors
from multifaceswap.app.jobs import Job, swap_job
from multifaceswap.hosted.segmind.settings import SETTINGS as API
from multifaceswap.media.pictures import read_picture, read_xmp
from multifaceswap.serve.config import Limits
from serverworld import ASTRONAUT, EXAMPLES, GREY, HOPPER, MODEL, PICTURES, opened, png, uri

SOURCE, TARGET = EXAMPLES / "astronaut.png", EXAMPLES / "grace_hopper.jpg"


@pytest.fixture(scope="module")
def expected(session, tmp_path_factory):
    """What the command line makes of the same pictures, settings aside."""

    def make(**settings):
        output = tmp_path_factory.mktemp("expected") / "output.png"
        donors = read_donors(session, [SOURCE], [], settings)
        swap_job(session, Job(TARGET, output), donors, settings)
        return read_picture(output)

    return make


def test_synchronous_call_gives_the_pictures_bytes(site, expected):
    answer = site.run(**PICTURES, image_format="png")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/png")
    picture = opened(answer.content)
    np.testing.assert_array_equal(picture, expected())
    assert (picture != read_picture(TARGET)).any(-1).sum() > 5000


def test_default_format_is_the_apis_and_base64_is_text(site):
    answer = site.run(**PICTURES)
    assert answer.content[:3] == b"\xff\xd8\xff" and answer.headers["Content-Type"] == "image/jpeg"
    text = site.run(**PICTURES, base64=True)
    assert text.headers["Content-Type"].startswith("text/plain")
    assert base64.b64decode(text.text, validate=True)[:3] == b"\xff\xd8\xff"


def test_reply_names_the_engines_licence_and_the_result_says_how_it_was_made(site, tmp_path):
    answer = site.run(**PICTURES, image_format="png")
    assert answer.headers["X-Model-Licence"] == "mesh: Apache-2.0"
    (tmp_path / "result.png").write_bytes(answer.content)
    assert b"compositeSynthetic" in b"".join(read_xmp(tmp_path / "result.png").packets)
    unmarked = site.run(**PICTURES, image_format="png", mark=False)
    (tmp_path / "result.png").write_bytes(unmarked.content)
    assert not read_xmp(tmp_path / "result.png").packets


def test_submit_poll_and_fetch(site, expected):
    answer = site.submit(**PICTURES, image_format="png")
    body = answer.json()
    assert answer.status_code == 200 and answer.headers["X-Request-Id"] == body["request_id"]
    assert body["status_url"] == f"{site.url}/v2/requests/{body['request_id']}/status"
    assert body["response_url"] == f"{site.url}/v2/requests/{body['request_id']}"
    result = site.over(body["request_id"])
    assert result.status_code == 200 and site.get(body["status_url"]).json()["status"] == "COMPLETED"
    content = result.json()
    assert 0 < content["metrics"]["inference_time"] < 60
    assert content["licence"] == "mesh: Apache-2.0" and content["faces"] == 1 and content["marks"] == ["XMP"]
    assert {"use": "swap_model", "name": "mesh", "licences": ["Apache-2.0"]} in content["models"]
    assert content["output"].startswith(f"{site.url}/files/") and content["output"].endswith(".png")
    np.testing.assert_array_equal(opened(site.get(content["output"]).content), expected())


def test_result_as_base64_is_text_in_the_body(site):
    request_id = site.submit(**PICTURES, base64=True).json()["request_id"]
    output = site.over(request_id).json()["output"]
    assert base64.b64decode(output, validate=True)[:3] == b"\xff\xd8\xff"


def test_ids_are_long_and_never_twice_the_same(site):
    ids = {site.submit(source_img=GREY, target_img=GREY).json()["request_id"] for _ in range(20)}
    assert len(ids) == 20 and all(re.fullmatch(r"[\w-]{32}", one) for one in ids)


def test_failed_comes_with_422_on_both_calls_and_synchronously(site):
    request_id = site.submit(source_img=GREY, target_img=HOPPER).json()["request_id"]
    for answer in (site.over(request_id), site.get(f"/v2/requests/{request_id}/status"), site.run(
        source_img=GREY, target_img=HOPPER
    )):  # fmt: skip
        assert answer.status_code == 422
        assert answer.json()["status"] == "FAILED" and "source" in answer.json()["error"]


def test_unknown_ids_are_404(site):
    for path in ("/v2/requests/x", "/v2/requests/x/status", "/files/x.png", "/v2/requests/..%2f"):
        answer = site.get(path)
        assert answer.status_code == 404 and answer.json().keys() == {"error"}
    assert site.delete("/v2/requests/x").status_code == 404


def test_uploads_last_and_are_read_without_a_network(site, expected):
    body = site.post("/upload-asset", {"data_urls": [ASTRONAUT, HOPPER]}).json()
    source, target = body["file_urls"]
    assert source.startswith(f"{site.url}/files/") and source.endswith(".png") and target.endswith(".jpg")
    assert site.get(source).content == SOURCE.read_bytes()
    answer = site.run(source_img=source, target_img=target, image_format="png")  # private: not fetched, but read
    np.testing.assert_array_equal(opened(answer.content), expected())
    again = site.run(source_img=source, target_img=f"{site.url}/files/nosuchpicture.png")
    assert again.status_code == 400 and "target_img" in again.json()["error"]


@pytest.mark.parametrize(
    "body",
    [{}, {"data_urls": []}, {"data_urls": "x"}, {"data_urls": [1]}, {"data_urls": ["data:image/png;base64,AAAA"]},
     {"data_urls": [GREY] * 17}, {"data_urls": [GREY], "more": 1}, {"data_urls": ["https://a.example/x.png"]}],
)  # fmt: skip
def test_uploads_that_are_no_pictures_are_refused(site, body):
    answer = site.post("/upload-asset", body)
    assert answer.status_code == 400 and list(answer.json()) == ["error"]


SETTINGS = [
    {"input_faces_index": "1"},
    {"input_faces_index": "-1", "source_faces_index": "*"},
    {"detection_face_order": "left-right"},
    {"interpolation": "Lanczos"},
    {"keep": "mouth,eyes"},
    {"occluder": "none"},
    {"colour_match": "mean"},
    {"strength": 0.5},
    {"glasses": "target"},
    {"mask_padding": "10"},
    {"face_restore": "sharpen", "face_restore_weight": 0.25},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda one: "+".join(one))
def test_settings_act_as_on_the_command_line(site, expected, settings):
    answer = site.run(**PICTURES, image_format="png", **settings)
    np.testing.assert_array_equal(opened(answer.content), expected(**settings))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"facedetektion": "builtin"}, "'facedetektion': no such setting, such as facedetection"),
        ({"interpolation": "Cubic"}, "interpolation: expected one of Nearest, Bilinear, Bicubic, Lanczos, got 'Cubic'"),
        ({"image_quality": 9}, "image_quality: expected a whole number from 10 to 100, got 9"),
        ({"face_restore_weight": 1.5}, "face_restore_weight: expected 0 to 1, got 1.5"),
        ({"image_format": "gif"}, "image_format: expected one of auto, jpeg, png, webp, avif, got 'gif'"),
        ({"base64": "yes"}, "base64: expected true or false, got 'yes'"),
        ({"input_faces_index": "0,x"}, "index list '0,x', character 3"),
        ({"keep": "ears"}, "keep: expected some of"),
        ({"swap_model": "deepfake"}, "swap_model: expected one of mesh"),
        ({"facedetection": "scrfd_10g"}, "needs det_10g.onnx, which isn't on"),
        ({"source_img": ""}, "source_img: expected a picture's http(s) URL or its data URI, got ''"),
        ({"source_img": None}, "source_img: expected a picture's http(s) URL or its data URI, got null"),
        ({"image_quality": True}, "image_quality: expected a whole number from 10 to 100, got true"),
        ({"source_img": "file:///etc/passwd"}, "source_img: expected a picture's http(s) URL or its data URI"),
        ({"target_img": "data:image/png;base64,%%%"}, "target_img: expected a data URI such as data:image/png;base64"),
        ({"target_img": uri(b"I am a picture, honestly.")}, "target_img: not a picture"),
        ({"target_img": HOPPER[:90]}, "target_img: "),
    ],
)  # fmt: skip
def test_what_can_not_be_done_is_refused_before_any_work(site, settings, message):
    for call in (site.run, site.submit):
        answer = call(**{**PICTURES, **settings})
        assert answer.status_code == 400
        (error,) = answer.json().values()
        assert message in error and "\n" not in error and "/root" not in error and "/tmp" not in error


def test_a_value_of_null_is_the_default(site):
    assert site.run(source_img=ASTRONAUT, target_img=HOPPER, interpolation=None, base64=None).status_code == 200


@pytest.mark.parametrize(
    ("data", "headers", "status"),
    [
        (b"{}", {}, 415),
        (b"{}", {"Content-Type": "text/plain"}, 415),
        (b"{", {"Content-Type": "application/json"}, 400),
        (b"[]", {"Content-Type": "application/json"}, 400),
        (b"\xff\xfe", {"Content-Type": "application/json; charset=utf-8"}, 400),
        (b'{"image_quality": NaN}', {"Content-Type": "application/json"}, 400),
        (b"[" * 100_000, {"Content-Type": "application/json"}, 400),
    ],
)
def test_bodies_that_are_no_json_objects(site, data, headers, status):
    answer = requests.post(f"{site.url}/v2/{MODEL}", data=data, headers=headers, timeout=30)
    assert answer.status_code == status and list(answer.json()) == ["error"]


def test_other_methods_and_addresses(site):
    answer = site.get(f"/v1/{MODEL}")
    assert answer.status_code == 405 and answer.headers["Allow"] == "POST" and list(answer.json()) == ["error"]
    answer = site.post("/v2/requests/x")
    assert answer.status_code == 405 and answer.headers["Allow"] == "DELETE, GET"
    assert site.post("/v1/another-model", {}).status_code == 404


def test_sizes_are_limited(started):
    site = started(limits=Limits(body_bytes=200_000, pixels=1000))
    large = uri(png(np.random.default_rng(0).integers(0, 255, (300, 300, 3), np.uint8)))
    answer = site.submit(source_img=large, target_img=GREY)
    assert answer.status_code == 413 and "200,000 bytes" in answer.json()["error"]

    def chunks():
        yield b'{"source_img": "'
        for _ in range(100):
            yield b"x" * 10_000

    headers = {"Content-Type": "application/json"}
    answer = requests.post(f"{site.url}/v2/{MODEL}", data=chunks(), headers=headers, timeout=30)
    assert answer.status_code == 413
    answer = site.submit(source_img=GREY, target_img=GREY)
    assert answer.status_code == 413 and "1,000 pixels" in answer.json()["error"]


def test_defaults_of_the_server_count_where_a_request_names_none(started, expected):
    site = started(defaults={"interpolation": "Lanczos", "keep": "mouth", "image_format": "png"})
    answer = site.run(**PICTURES)
    np.testing.assert_array_equal(opened(answer.content), expected(interpolation="Lanczos", keep="mouth"))
    answer = site.run(**PICTURES, interpolation="Nearest", keep="")
    np.testing.assert_array_equal(opened(answer.content), expected(interpolation="Nearest"))


def test_the_hosted_apis_own_defaults_are_done_and_what_is_otherwise_is_said(started):
    """As a program sends them that was written for it."""
    documented = {name: row.default for name, row in API.items()}
    assert documented["facedetection"] == "retinaface_resnet50"
    site = started()
    note = "facedetection retinaface_resnet50 isn't on this server: builtin found the faces"
    answer = site.run(**PICTURES, **documented)
    assert (answer.status_code, answer.headers["X-Faces-Swapped"], answer.headers["X-Report"]) == (200, "1", note)
    request_id = site.submit(**PICTURES, facedetection="retinaface_resnet50").json()["request_id"]
    content = site.over(request_id).json()
    assert content["faces"] == 1 and content["report"][0] == note
    assert site.submit(**PICTURES, facedetection="scrfd_10g").status_code == 400


def test_without_substitutes_a_detector_that_isnt_here_is_refused(started):
    answer = started(substitute=False).run(**PICTURES, facedetection="retinaface_resnet50")
    assert answer.status_code == 400 and "isn't on this server" in answer.json()["error"]


def test_synchronous_answer_tells_that_nothing_was_swapped(site):
    answer = site.run(**{**PICTURES, "target_img": GREY})
    assert (answer.status_code, answer.headers["X-Faces-Swapped"]) == (200, "0") and answer.headers["X-Report"]


def test_public_url_is_what_answers_name(started, copying):
    site = started(copying, public_url="https://swap.example.org/faces")
    body = site.submit(source_img=GREY, target_img=GREY).json()
    assert body["status_url"] == f"https://swap.example.org/faces/v2/requests/{body['request_id']}/status"
    (url,) = site.post("/upload-asset", {"data_urls": [GREY]}).json()["file_urls"]
    assert url.startswith("https://swap.example.org/faces/files/")
    again = site.submit(source_img=url, target_img=url)
    assert site.over(again.json()["request_id"]).status_code == 200


def test_faces_are_found_and_numbered(site):
    pair = uri((EXAMPLES / "pair.jpg").read_bytes(), "jpeg")
    found = site.post("/faces", {"image": pair, "detection_face_order": "right-left"}).json()
    assert (found["width"], found["height"]) == (1206, 640)
    assert [face["index"] for face in found["faces"]] == [0, 1]
    boxes = np.array([face["box"] for face in found["faces"]])
    assert boxes[0, 0] > 603 > boxes[1, 2] and (boxes[:, 2:] > boxes[:, :2]).all()
    assert site.post("/faces", {"image": GREY}).json()["faces"] == []
    for body, message in (
        ({}, "image: expected"),
        ({"image": GREY, "detection_face_ordr": "x"}, "such as detection_face_order"),
        ({"image": GREY, "detection_face_order": "x"}, "detection_face_order: expected one of"),
        ({"image": GREY, "facedetection": "YOLOv5n"}, "isn't on this server"),
    ):
        answer = site.post("/faces", body)
        assert answer.status_code == 400 and message in answer.json()["error"]


def test_data_uris_are_read_in_every_form_of_them(site):
    payload = GREY.partition(",")[2]
    for start in ("data:image/png;base64,", "DATA:image/png;BASE64,", "data:;base64,"):
        for text in (payload, payload.rstrip("="), f"{payload[:40]}\n{payload[40:]}"):
            assert site.post("/faces", {"image": start + text}).json()["width"] == 40, start
    for wrong in ("data:image/png," + payload, "data:image/png;base64,", "data:image/png;base64,a", payload):
        assert site.post("/faces", {"image": wrong}).status_code == 400


def test_server_is_known_to_itself_by_each_name_of_this_machine(started, copying):
    site = started(copying)
    (url,) = site.post("/upload-asset", {"data_urls": [GREY]}).json()["file_urls"]
    for name in ("localhost", "127.0.0.1", "[::1]"):
        reference = url.replace("127.0.0.1", name)
        assert site.run(source_img=reference, target_img=reference).status_code == 200
    elsewhere = url.replace("127.0.0.1", "127.0.0.2")
    assert site.run(source_img=elsewhere, target_img=GREY).status_code == 400


def test_head_answers_as_get_without_a_body(started, copying):
    site = started(copying)
    (url,) = site.post("/upload-asset", {"data_urls": [GREY]}).json()["file_urls"]
    for path in (url.removeprefix(site.url), "/healthz"):
        answer, full = requests.head(site.url + path, timeout=20), site.get(path)
        assert (answer.status_code, answer.content) == (200, b"") and full.content
        assert answer.headers["Content-Length"] == full.headers["Content-Length"]
    assert requests.head(site.url + "/files/none.png", timeout=20).status_code == 404


def test_pictures_may_be_cached_as_long_as_they_are_kept(started, copying):
    site = started(copying, limits=Limits(keep=500, keep_uploads=900))
    (url,) = site.post("/upload-asset", {"data_urls": [GREY]}).json()["file_urls"]
    output = site.over(site.submit(source_img=GREY, target_img=GREY).json()["request_id"]).json()["output"]
    now = time.time()
    site.made.context.store.clock = lambda: now + 100
    ages = [int(site.get(one).headers["Cache-Control"].rpartition("=")[2]) for one in (url, output)]
    assert 790 < ages[0] <= 800 and 390 < ages[1] <= 400

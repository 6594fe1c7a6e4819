from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest
from multifaceswap.hosted.segmind.settings import SegmindSettings
from multifaceswap.pipeline.errors import SettingsError
from PIL import Image

PNG = SegmindSettings(image_format="png")


def test_asynchronous_swap_uploads_submits_polls_and_fetches(api, swap):
    result = swap(settings=PNG)
    assert api.routes() == ["upload-asset", "upload-asset", "submit", "status", "status", "status", "result", "media"]
    assert result.picture.shape == (6, 8, 3) and result.picture.dtype == np.uint8
    assert (result.picture == 55).all()
    assert (result.image_format, result.request_id, result.inference_seconds) == ("png", "req-0", 1.25)
    assert result.report == ("request req-0", "inference took 1.25 s")
    assert api.calls[-1].headers.get("x-api-key") is None


def test_synchronous_swap_is_one_call(api, swap):
    result = swap(settings=PNG, mode="synchronous")
    assert api.routes() == ["upload-asset", "upload-asset", "sync"]
    assert (result.picture == 55).all()
    assert (result.request_id, result.inference_seconds, result.report) == (None, None, ())


def test_every_setting_is_sent_by_its_name(api, swap):
    settings = SegmindSettings("0, 2", "1,0", "left-right", "YOLOv5n", "male", "female", "GFPGANv1.3.pth", 1, "Lanczos")
    swap(settings=settings)
    payload = json.loads(next(call.body for call in api.calls if call.path.startswith("/v2/faceswap")))
    assert payload.pop("source_img") in api.assets and payload.pop("target_img") in api.assets
    assert payload == {
        "input_faces_index": "0,2",
        "source_faces_index": "1,0",
        "detection_face_order": "left-right",
        "facedetection": "YOLOv5n",
        "detect_gender_input": "male",
        "detect_gender_source": "female",
        "face_restore": "GFPGANv1.3.pth",
        "face_restore_weight": 1.0,
        "interpolation": "Lanczos",
        "image_format": "jpeg",
        "image_quality": 95,
        "base64": False,
    }


@pytest.mark.parametrize("image_format", ["jpeg", "png", "webp"])
@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize("mode", ["asynchronous", "synchronous"])
def test_result_comes_in_every_format_as_bytes_text_or_url(swap, image_format, as_text, mode):
    result = swap(settings=SegmindSettings(image_format=image_format, base64=as_text), mode=mode)
    assert result.image_format == image_format
    assert np.abs(result.picture.astype(int) - 55).max() <= 2


@pytest.mark.parametrize(
    "output",
    [
        lambda url: url,
        lambda url: [url, "https://elsewhere.example/second.png"],
        lambda url: {"url": url},
        lambda url: [{"url": url}],
    ],
    ids=["text", "list", "object", "list of objects"],
)
def test_output_is_found_in_every_form(api, swap, output):
    api.output = output
    assert (swap(settings=PNG).picture == 55).all()


def test_data_uri_goes_inside_the_request(api, swap):
    swap(transport="data-uri")
    assert api.count("upload-asset") == 0
    payload = json.loads(api.calls[0].body)
    assert payload["source_img"].startswith("data:image/png;base64,iVBOR")


def test_urls_pass_through_and_are_not_uploaded(api, swap):
    source, target = "https://pictures.example/a.png", "http://pictures.example/b.png"
    api.assets[target] = base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
    )
    swap(source, target, transport="url")
    assert api.count("upload-asset") == 0
    payload = json.loads(api.calls[0].body)
    assert (payload["source_img"], payload["target_img"]) == (source, target)


def test_source_is_uploaded_once_for_many_targets(api, swap):
    for grey in (1, 2, 3):
        swap(target=np.full((6, 8, 3), grey, np.uint8))
    assert api.count("upload-asset") == 4


def test_progress_names_the_stages(swap):
    stages = []
    swap(progress=stages.append)
    assert stages == ["uploading", "uploading", "sending", "queued", "processing", "fetching"]


def test_credits_and_cautions_are_reported(api, swap):
    api.headers = {"X-Remaining-Credits": "12.5"}
    result = swap(settings=SegmindSettings("0,1", interpolation="Lanczos"))
    assert result.credits == "x-remaining-credits 12.5"
    assert result.report == (
        "request req-0",
        "inference took 1.25 s",
        "x-remaining-credits 12.5",
        "the API does not document how index lists of unequal length are paired",
        "the API does not document whether interpolation acts while face_restore is disabled",
    )


def test_what_comes_back_otherwise_than_asked_is_reported(api, swap, faults):
    buffer = io.BytesIO()
    Image.new("RGB", (3, 2)).save(buffer, "PNG")
    api.fault("media", faults.status(200, buffer.getvalue(), "text/html"))
    result = swap()
    assert result.report[-2:] == (
        "the API sent png, asked for was jpeg",
        "the API sent 3×2 pixels, the target has 8×6",
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mode": "v2"}, "mode: expected one of asynchronous, synchronous, got 'v2'"),
        ({"transport": "ftp"}, "transport: expected one of upload, data-uri, url, got 'ftp'"),
        ({"timeout": 0}, "timeout: expected seconds above 0, got 0"),
        ({"timeout": float("nan")}, "timeout: expected seconds above 0, got nan"),
        ({"poll_interval": -1}, "poll_interval: expected seconds above 0, got -1"),
        ({"transport": "url"}, "transport: url needs source and target as http(s) URLs"),
        ({"source": "picture.png"}, "source: expected a picture or its http(s) URL, got the text 'picture.png'"),
    ],
)
def test_bad_arguments_cost_nothing(api, swap, options, words):
    with pytest.raises(SettingsError) as caught:
        swap(**options)
    assert words in str(caught.value)
    assert api.calls == []

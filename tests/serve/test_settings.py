"""Every setting acts at this door too: what is sent is what the work is given."""

from __future__ import annotations

import pytest
from doors import probe
from multifaceswap import Session
from multifaceswap.app.settings import of
from multifaceswap.hosted.segmind.settings import SETTINGS as API
from multifaceswap.hosted.segmind.settings import SegmindSettings
from multifaceswap.models.catalog import MODELS
from serverworld import GREY, serving

ROWS = of("picture", "file")


@pytest.fixture(scope="module")
def door(tmp_path_factory):
    """A server that has every model file, as far as names go, and what its work was given."""
    folder, given = tmp_path_factory.mktemp("models"), []
    for model in MODELS:
        for file in model.files:
            if not file.built_in:
                (folder / file.name).touch()

    def work(claimed):
        from multifaceswap.serve.values import Image, Outcome

        given.append(claimed.settings)
        return Outcome(Image(claimed.target, "image/png"))

    with serving(tmp_path_factory.mktemp("door"), Session(folder, device="cpu"), work) as site:
        yield site, given


def sent(door, **settings):
    site, given = door
    answer = site.run(source_img=GREY, target_img=GREY, **settings)
    assert answer.status_code == 200, answer.text
    return given[-1]


@pytest.mark.parametrize("name", ROWS)
def test_setting_reaches_the_work(door, name):
    value = probe(ROWS[name])
    needed = {"swap_model": "inswapper_128"} if name == "strength" else {}
    needed = {"facedetection": "scrfd_10g"} if name == "detection_size" else needed
    settings = sent(door, **{**needed, name: value})
    assert settings[name] == value != ROWS[name].default
    others = settings.keys() - {name, "image_format", *needed}
    assert all(settings[other] == ROWS[other].default for other in others)


def test_nothing_sent_is_this_machines_defaults_and_the_apis_format(door):
    defaults = {name: row.default for name, row in ROWS.items()}
    assert sent(door) == {**defaults, "image_format": "jpeg"}


@pytest.mark.parametrize("name", [name for name in API if name != "base64"])
def test_every_value_of_the_api_is_taken_under_its_name(door, name):
    for value in API[name].choices or (API[name].default,):
        assert sent(door, **{name: value})[name] == value


def test_all_that_the_hosted_client_sends_is_taken(door):
    values = SegmindSettings(image_format="webp").values()
    given = sent(door, **values)
    assert {name: given[name] for name in values if name != "base64"} == {
        name: value for name, value in values.items() if name != "base64"
    }

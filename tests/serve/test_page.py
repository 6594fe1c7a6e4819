"""The page, in a real browser: two pictures, faces to click, the result."""

from __future__ import annotations

import base64
import shutil

import numpy as np
import pytest
from serverworld import EXAMPLES, opened, serving

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api")
    if BROWSER is None:
        pytest.skip("no Chromium here")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser):
    page = browser.new_page()
    page.set_default_timeout(20_000)
    page.wrong, page.hosts = [], set()
    page.on("console", lambda line: page.wrong.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.on("request", lambda asked: page.hosts.add(asked.url.split("/")[2]) if asked.url[:4] == "http" else None)
    yield page
    page.close()


def labels(page):
    return [one.get_attribute("aria-label") for one in page.query_selector_all(".picture button")]


def choose(page, source="pair.jpg", target="pair.jpg"):
    for side, name in (("source", source), ("target", target)):
        page.set_input_files(f"#{side}", EXAMPLES / name)
        page.wait_for_selector(f"#{side}-picture button")


@pytest.mark.slow
def test_faces_are_clicked_and_swapped(site, page):
    page.goto(site.url)
    choose(page)
    assert labels(page) == ["source face 0", "source face 1", "target face 0 ← 0", "target face 1"]
    page.click("[aria-label='source face 1']")
    page.click("[aria-label='target face 0 ← 0']")
    page.click("[aria-label='source face 0']")
    page.click("[aria-label='target face 1']")
    assert labels(page)[2:] == ["target face 0 ← 1", "target face 1 ← 0"]
    page.click("#swap")
    page.wait_for_selector("#result img")
    assert page.inner_text("#said").startswith("2 of 2 face(s) swapped, marked: XMP.")
    shown = opened(base64.b64decode(page.get_attribute("#result img", "src").partition(",")[2]))
    given = base64.b64encode((EXAMPLES / "pair.jpg").read_bytes()).decode()
    picture = f"data:image/jpeg;base64,{given}"
    lists = {"input_faces_index": "0,1", "source_faces_index": "1,0"}
    expected = site.run(source_img=picture, target_img=picture, image_format="png", **lists)
    np.testing.assert_array_equal(shown, opened(expected.content))
    assert page.wrong == [] and page.hosts == {site.url.removeprefix("http://")}
    assert page.evaluate("[...document.querySelector('#swap_model').options].map((one) => one.value)") == ["mesh"]


@pytest.mark.slow
def test_what_goes_wrong_is_said(site, page, tmp_path):
    page.goto(site.url)
    (tmp_path / "text.png").write_text("I am a picture, honestly.")
    page.set_input_files("#source", tmp_path / "text.png")
    page.wait_for_selector("#said.error")
    assert page.inner_text("#said").startswith("image: not a picture")
    assert page.is_disabled("#swap")
    choose(page, "astronaut.png", "grace_hopper.jpg")
    page.click("[aria-label='target face 0 ← 0']")
    assert page.is_disabled("#swap")


@pytest.mark.slow
def test_key_is_sent(session, tmp_path, page):
    with serving(tmp_path, session) as site:
        key = site.made.context.keys.add("ann")
        page.goto(site.url)
        page.set_input_files("#source", EXAMPLES / "astronaut.png")
        page.wait_for_selector("#said.error")
        assert page.inner_text("#said") == "a key is needed, in the header x-api-key"
        page.fill("#key", key)
        page.press("#key", "Enter")
        page.wait_for_selector("#source-picture button")
        page.set_input_files("#target", EXAMPLES / "grace_hopper.jpg")
        page.wait_for_selector("#target-picture button")
        page.click("#swap")
        page.wait_for_selector("#result img")
        assert page.inner_text("#said").startswith("1 of 1 face(s) swapped")

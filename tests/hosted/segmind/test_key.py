from __future__ import annotations

import copy
import json
import os
import pickle
import sys
from pathlib import Path

import pytest
import requests
from multifaceswap.hosted.segmind import key as keys
from multifaceswap.hosted.segmind.errors import MissingKeyError, UnauthorizedError
from multifaceswap.hosted.segmind.key import KEY_FILE, ApiKey, find_key, key_folders, require_key, state_folder
from multifaceswap.pipeline.errors import SettingsError
from platformdirs.macos import MacOS
from platformdirs.windows import Windows

SECRET = "SG_0123456789abcdef"


def test_key_shows_itself_nowhere_but_in_its_header():
    key = ApiKey(f"  {SECRET}\n")
    shown = [repr(key), str(key), f"{key}", f"{key!r:>30}", repr([key]), key.fingerprint()]
    assert not [text for text in shown if SECRET in text]
    request = requests.Request("GET", "https://api.example/", auth=key).prepare()
    assert request.headers["x-api-key"] == SECRET


@pytest.mark.parametrize("save", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps])
def test_key_can_not_be_saved(save):
    with pytest.raises(TypeError):
        save(ApiKey(SECRET))


@pytest.mark.parametrize("text", ["", "  ", "two words", "line\nbreak", "schlüssel", "tab\tbed", "x" * 513, "\x00"])
def test_what_is_no_key_is_refused_without_being_shown(text):
    with pytest.raises(SettingsError) as caught:
        ApiKey(text)
    assert not text.strip() or text.strip() not in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_fingerprints_tell_keys_apart():
    assert ApiKey("a").fingerprint() == ApiKey(" a ").fingerprint() != ApiKey("b").fingerprint()


def test_redacting_keeps_the_length():
    text = f"<{SECRET}> a%2Fb a/b"
    assert ApiKey(SECRET).redacted(text) == f"<{'*' * len(SECRET)}> a%2Fb a/b"
    assert ApiKey("a/b").redacted(text) == f"<{SECRET}> ***** ***"


@pytest.mark.parametrize("key", ["a", "request_id", "COMPLETED", "0123456789abcde", "A" * 20])
def test_what_may_stand_somewhere_by_chance_stays(key):
    data = b'{"request_id": "COMPLETED 0123456789abcde", "output": "iVBORw0K' + b"A" * 99 + b'"}'
    assert ApiKey(key).hidden_in(data) == data


def test_the_key_is_hidden_in_what_is_no_picture():
    data = SECRET.encode()
    assert ApiKey(SECRET).hidden_in(b'{"error": "' + data + b'"}') == b'{"error": "' + b"*" * len(data) + b'"}'
    for start in (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"RIFF\0\0\0\0WEBP"):
        assert ApiKey(SECRET).hidden_in(start + data) == start + data


def test_environment_comes_before_the_file(tmp_path):
    (tmp_path / keys.KEY_FILE).write_text("from_the_file\n", encoding="utf-8-sig")
    found = find_key([tmp_path], {"SEGMIND_API_KEY": "from_the_environment"})
    assert found.origin == "the environment"
    assert found.key.fingerprint() == ApiKey("from_the_environment").fingerprint()
    found = find_key([tmp_path / "no_such_folder", tmp_path], {"SEGMIND_API_KEY": "  "})
    assert found.origin == f"the file {tmp_path / keys.KEY_FILE}"
    assert found.key.fingerprint() == ApiKey("from_the_file").fingerprint()
    assert "from_the_file" not in repr(found)


def test_no_key_is_an_error_that_names_the_places(tmp_path):
    assert find_key([tmp_path], {}) is None
    (tmp_path / keys.KEY_FILE).write_text("\n")
    with pytest.raises(MissingKeyError) as caught:
        require_key([tmp_path], {})
    assert isinstance(caught.value, UnauthorizedError)
    for words in ("SEGMIND_API_KEY", str(tmp_path / keys.KEY_FILE), "https://cloud.segmind.com/console/api-keys"):
        assert words in str(caught.value)


def test_unreadable_file_is_an_error(tmp_path):
    (tmp_path / keys.KEY_FILE).mkdir()
    with pytest.raises(SettingsError, match="can't be read"):
        find_key([tmp_path], {})


def test_state_folder_is_the_one_chosen():
    assert state_folder({"MULTIFACESWAP_STATE": "/somewhere"}) == Path("/somewhere")


@pytest.mark.skipif(sys.platform != "linux", reason="other platforms have other folders")
def test_state_folder_of_linux(monkeypatch):
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert state_folder({}) == Path.home() / ".local/state/multifaceswap"
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert state_folder({}) == Path("/state/multifaceswap")


@pytest.mark.parametrize(
    ("platform", "folder"),
    [
        (MacOS, Path.home() / "Library/Application Support/multifaceswap"),
        (Windows, Path("/local/multifaceswap")),
    ],
)
def test_state_folder_of_other_platforms(monkeypatch, platform, folder):
    """What `platformdirs` does elsewhere with what it is asked here."""
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr("platformdirs.windows.get_win_folder", {"CSIDL_LOCAL_APPDATA": "/local"}.__getitem__)
    monkeypatch.setattr(keys, "user_state_path", lambda *names, **options: platform(*names, **options).user_state_path)
    assert state_folder({}) == folder


def test_custom_node_looks_into_the_user_folder_of_its_comfyui(monkeypatch, tmp_path):
    module = tmp_path / "ComfyUI/custom_nodes/pack/hosted/segmind/key.py"
    monkeypatch.setattr(keys, "__file__", str(module))
    state = {"MULTIFACESWAP_STATE": "/state"}
    assert key_folders(state) == [tmp_path / "ComfyUI/user/__multifaceswap", Path("/state")]
    monkeypatch.setattr(keys, "__file__", str(tmp_path / "site-packages/pack/hosted/segmind/key.py"))
    assert key_folders(state) == [Path("/state")]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="makes a pipe")
def test_a_pipe_in_place_of_the_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / KEY_FILE)
    with pytest.raises(SettingsError, match="can't be read: it is not a regular file"):
        find_key([tmp_path], {})

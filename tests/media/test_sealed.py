from __future__ import annotations

import json

import pytest
from multifaceswap.media.sealed import seal, unseal

CONTENT = {"a": [1, 2.5, None, True], "b": {"c": "脸"}, "run": "x"}


def test_what_was_sealed_comes_back():
    assert unseal(seal({})) == {}
    assert unseal(seal(CONTENT)) == CONTENT
    assert unseal(seal({"t": (1, 2), "n": {1: 0.1 + 0.2}})) == {"t": [1, 2], "n": {"1": 0.1 + 0.2}}
    assert json.loads(seal(CONTENT))["a"] == [1, 2.5, None, True]


def test_of_something_else_it_is_not():
    assert unseal(seal(CONTENT, "part 1"), "part 1") == CONTENT
    assert unseal(seal(CONTENT, "part 1"), "part 2") is None and unseal(seal(CONTENT)) is not None


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"{}", b"[1]", b"null", b"1", b'"x"', b"\xff\xfe", b"\0" * 300, b"[" * 100_000, b'{"a":' * 100_000),
        *(b'{"sha256": 1}', b'{"sha256": null, "a": 1}', b'{"sha256": ["x"]}', b'{"a": 1' + b"0" * 5000 + b"}"),
    ],
)
def test_foreign_contents_do_not_count(data):
    assert unseal(data) is None


def test_every_cut_and_every_altered_bit_shows():
    data = seal(CONTENT, "k")
    for end in range(len(data)):
        assert unseal(data[:end], "k") is None
    for place in range(len(data)):
        for bit in range(8):
            altered = bytearray(data)
            altered[place] ^= 1 << bit
            # Only what JSON says counts: a blank may become another one.
            assert unseal(bytes(altered), "k") in (None, CONTENT)
            assert unseal(bytes(altered), "k") is None or data[place : place + 1].isspace()


def test_altered_values_do_not_count_though_they_are_json():
    values = json.loads(seal(CONTENT))
    for change in ({"run": "y"}, {"new": 1}, {"a": [1, 2.5, None, 1]}):
        assert unseal(json.dumps({**values, **change}).encode()) is None
    assert unseal(json.dumps(values, indent=3).encode()) == CONTENT

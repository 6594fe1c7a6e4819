"""Files as accident and malice change them, for the tests in `fuzz`."""

from __future__ import annotations

import os
from collections.abc import Mapping

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

FACTOR = int(os.environ.get("MULTIFACESWAP_FUZZ", "1"))
"""How many times as much is tried. At 1 it is the same every time, so that nobody's change fails by chance."""
_HEAD = 600
"""Bytes at a file's start where most of what matters lies."""
_ODD = (b"\0", b"\xff", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x80\0\0\0")


def tries(count: int) -> settings:
    """So many examples, times `FACTOR`; no limit of time for one, as machines differ."""
    checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=count * FACTOR, derandomize=FACTOR == 1, deadline=None, suppress_health_check=checks)


def mutated(wholes: Mapping[str, bytes]) -> st.SearchStrategy[bytes]:
    """One of the files with up to six changes."""
    whole = st.sampled_from(sorted(wholes)).map(wholes.__getitem__)
    return st.builds(_changed, whole, whole, st.lists(_EDITS, min_size=1, max_size=6))


_PLACES = st.one_of(st.integers(0, _HEAD), st.floats(0, 1))
"""A byte counted from the start, or a share of the file."""
_CONTENT = st.one_of(st.sampled_from(_ODD), st.binary(min_size=1, max_size=8))
_EDITS = st.one_of(
    st.tuples(st.just("write"), _PLACES, _CONTENT),
    st.tuples(st.just("write"), _PLACES, _CONTENT),
    st.tuples(st.just("insert"), _PLACES, _CONTENT),
    st.tuples(st.just("flip"), _PLACES, st.integers(0, 7)),
    st.tuples(st.just("cut"), _PLACES, st.none()),
    st.tuples(st.just("drop"), _PLACES, st.integers(1, 64)),
    st.tuples(st.just("repeat"), _PLACES, st.integers(1, 64)),
    st.tuples(st.just("splice"), _PLACES, st.none()),
)


def _changed(whole: bytes, other: bytes, edits: list[tuple[str, float, object]]) -> bytes:
    data = bytearray(whole)
    for kind, place, value in edits:
        at = min(place if isinstance(place, int) else int(place * len(data)), len(data))
        if kind == "write":
            data[at : at + len(value)] = value
        elif kind == "insert":
            data[at:at] = value
        elif kind == "flip" and at < len(data):
            data[at] ^= 1 << value
        elif kind == "cut":
            del data[at:]
        elif kind == "drop":
            del data[at : at + value]
        elif kind == "repeat":
            data[at:at] = data[at : at + value] * 8
        elif kind == "splice":
            data[at:] = other[at:]
    return bytes(data)

from __future__ import annotations

import pytest
from multifaceswap.media.retry import Retries, retry_after


@pytest.mark.parametrize("tries", [0, 1])
def test_a_single_try_has_no_pause(tries):
    assert list(Retries(tries).pauses()) == []


def test_pauses_double_up_to_the_longest():
    assert list(Retries(6, 0.5, 4, lambda: 0).pauses()) == [0.5, 1, 2, 4, 4]
    assert list(Retries(3, 5, 4, lambda: 0).pauses()) == [4, 4]
    assert sum(Retries(5000, 0.5, 4, lambda: 0).pauses()) == 0.5 + 1 + 2 + 4 * 4996


def test_each_pause_is_cut_by_up_to_half_at_random():
    cuts = [0.0, 0.5, 1.0]
    assert list(Retries(4, 1, 8, lambda: cuts.pop(0)).pauses()) == [1, 1.5, 2]
    pauses = {next(Retries().pauses()) for _ in range(20)}
    assert len(pauses) > 1 and all(0.25 <= pause <= 0.5 for pause in pauses)


DATE = "Sat, 03 Feb 2001 04:05:06 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"retry_after": "120"}, 120),
        ({"retry_after": " 5 "}, 5),
        ({"retry_after": "-5"}, 0),
        ({"retry_after": "1.5"}, 0),
        ({"retry_after": "٣"}, 0),
        ({"retry_after": "soon"}, 0),
        ({"retry_after": "9" * 5000}, 999_999_999),
        ({"retry_after": "Mon, 01 Jan 2024 00:00:00 +99999999999999", "date": DATE}, 0),
        ({"retry_after": "Sat, 03 Feb 2001 04:05:16 GMT", "date": DATE}, 10),
        ({"retry_after": "Sat, 03 Feb 2001 04:04:06 GMT", "date": DATE}, 0),
        ({"retry_after": "Sat, 03 Feb 2001 04:05:16 GMT"}, 0),
        ({"retry_after": "Sat, 03 Feb 2001 04:05:16", "date": DATE}, 0),
    ],
)
def test_retry_after_is_seconds_or_a_date_by_the_servers_clock(headers, seconds):
    assert retry_after({name.replace("_", "-"): value for name, value in headers.items()}) == seconds

"""Any text is an index list or refused at a position that matters, whatever door it comes through."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from multifaceswap.hosted.segmind.settings import SegmindSettings
from multifaceswap.pipeline.errors import IndexListError
from multifaceswap.pipeline.faces.index_list import parse_indexes
from mutations import tries

texts = st.one_of(st.text("0123-*, ", max_size=12), st.text(max_size=8), st.text("0123456789,- *\n٣"))


@tries(400)
@given(texts)
@example("0-3,*")
@example("1234567890")
@example("0," * 50_000 + "x")
@example("\ud800")
def test_any_text_round_trips_or_is_refused_at_a_position_that_matters(text):
    try:
        indexes = parse_indexes(text)
    except IndexListError as refused:
        assert refused.text == text and 0 <= refused.position <= len(text)
        assert len(str(refused)) < 1500
        # Whatever follows that character, what was read up to it can't be saved.
        with pytest.raises(IndexListError) as again:
            parse_indexes(text[: refused.position + 1] + ",0")
        assert again.value.position == refused.position
    else:
        assert set(text) <= set("0123456789-*, ")
        assert parse_indexes(str(indexes)) == indexes


@tries(200)
@given(texts)
def test_whatever_the_hosted_api_is_sent_is_numbers_and_commas(text):
    try:
        sent = SegmindSettings(source_faces_index=text).source_faces_index
    except IndexListError:
        return
    assert [int(part) for part in sent.split(",")] == [int(part) for part in text.split(",")]

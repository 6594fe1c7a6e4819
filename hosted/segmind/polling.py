"""Waiting for a request that was accepted."""

from __future__ import annotations

from typing import Final

from .api import ApiCalls
from .deadline import Deadline
from .entries import JournalEntry
from .errors import ResultError
from .job import SegmindJob
from .responses import read_state

_UNREADABLE_POLLS: Final = 5


def wait_until_done(api: ApiCalls, entry: JournalEntry, job: SegmindJob, deadline: Deadline) -> None:
    """Poll until the request is COMPLETED. Raises JobFailedError where it failed, and ResultError where the answers
    don't say how far it is."""
    url = api.endpoint.status_url(entry.request_id, entry.status_url)
    unreadable = 0
    while (state := read_state(response := api.status(url, deadline))) != "COMPLETED":
        unreadable = 0 if state else unreadable + 1
        if unreadable == _UNREADABLE_POLLS:
            raise ResultError(response.saying("it doesn't say how far the request is"))
        if state:
            job.progress(state.lower())
        deadline.sleep(job.poll_interval)

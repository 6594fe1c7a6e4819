"""How one swap goes: look in the journal, submit, poll, fetch, and note every step before the next."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Final

from ...pipeline.errors import CancelledError
from .api import ApiCalls
from .deadline import Deadline
from .errors import (
    ConnectionLostError,
    JobFailedError,
    JournalError,
    NotFoundError,
    RefusedAddressError,
    ResultError,
    SegmindError,
    TimeLimitError,
    UncertainSubmitError,
)
from .job import SegmindJob
from .journal import Journal, JournalEntry
from .media import Media, Received, decode_result
from .responses import ResultInfo, read_info, read_output, read_result, read_state, read_submitted, refusal
from .transport import ApiResponse, Json
from .uploads import Uploads

_DOUBTFUL: Final = frozenset({502, 504})
"""A gateway that gave up on the server behind it: that one may have the request."""
_UNREADABLE_POLLS: Final = 5


class Runner:
    """One swap under way."""

    def __init__(
        self, job: SegmindJob, digest: str, api: ApiCalls, uploads: Uploads, journal: Journal, deadline: Deadline
    ) -> None:
        self._job = job
        self._digest = digest
        self._api = api
        self._uploads = uploads
        self._journal = journal
        self._deadline = deadline
        self.request_id: str | None = None
        self.notes: list[str] = []
        self._received: Received | None = None

    def run(self) -> tuple[Received, ResultInfo]:
        """The picture's file, and what the API said about it.

        Raises RemoteError: ResultError for a result that is no picture or can't be loaded, UncertainSubmitError where
        nobody can say whether the request arrived; CancelledError.
        """
        entry, is_new = self._claim()
        if not is_new:
            self.notes.append("picked up a request that was sent before: nothing is paid again")
        try:
            return self._collected(entry)
        except NotFoundError:
            if is_new:
                raise
        self.notes = ["a request that was sent before has expired at the API: it was sent anew"]
        self.request_id = None
        return self._collected(self._claim(expired=entry.request_id)[0])

    def _claim(self, expired: str = "") -> tuple[JournalEntry, bool]:
        """The job's entry with an id or a picture, and whether it was made just now.

        `expired` is an id that the API no longer knows; another thread or process may have replaced it already.
        """
        found = self._usable(expired)
        if found is not None:
            return found, False
        with ExitStack() as held:
            held.enter_context(self._journal.lock(self._digest, self._deadline))
            found = self._usable(expired)
            if found is not None:
                return found, False
            self._require_certainty()
            payload = self._job.payload(self._uri(self._job.source), self._uri(self._job.target))
            self._deadline.check()
            self._job.progress("sending")
            # The thread that pays releases the lock: it may continue when this one is stopped.
            handed = held.pop_all()
            return self._deadline.run(lambda: self._pay(payload, handed)), True

    def _usable(self, expired: str) -> JournalEntry | None:
        """The journal's entry if the job needn't be submitted: its picture is here, or the API may have it."""
        entry = self._journal.read(self._digest)
        if entry is None or entry.state == "sending" or (expired and entry.request_id == expired):
            return None
        data = self._journal.picture(self._digest, entry) if entry.state == "fetched" else None
        self._received = None if data is None else decode_result(data)
        return entry if self._received or entry.request_id else None

    def _require_certainty(self) -> None:
        entry = self._journal.read(self._digest)
        if entry is not None and entry.state == "sending" and self._journal.is_recent(entry):
            raise UncertainSubmitError("the same was sent within the last hour, and no answer came")

    def _uri(self, media: Media) -> str:
        if media.url:
            return media.url
        if self._job.transport != "upload":
            return media.data_uri()
        self._job.progress("uploading")
        return self._uploads.url(media, lambda uris: self._api.upload(uris, self._deadline))

    def _pay(self, payload: Mapping[str, Json], lock: ExitStack) -> JournalEntry:
        """Submit, in a thread of its own that ends with the answer and not with the job."""
        with lock:
            self._journal.write(self._digest, self._journal.new("sending"))
            response = self._sent(payload)
            try:
                return self._finished(response) if self._job.is_synchronous else self._accepted(response)
            except JobFailedError:
                self._journal.forget(self._digest)
                raise
            except SegmindError as error:
                _in_doubt(error)
                raise

    def _sent(self, payload: Mapping[str, Json]) -> ApiResponse:
        """The answer to the call that costs money. What certainly cost nothing leaves no trace in the journal."""
        endpoint, waits = self._api.endpoint, self._job.is_synchronous
        try:
            response = self._api.pay(
                endpoint.synchronous_url if waits else endpoint.submit_url, payload, self._deadline, waits=waits
            )
        except ConnectionLostError as error:
            if not error.unsent:
                raise UncertainSubmitError(error.detail) from error
            self._journal.forget(self._digest)
            raise
        except ResultError as error:
            _in_doubt(error)
            raise
        except (CancelledError, TimeLimitError, RefusedAddressError):
            # Raised before a try or between two: nothing is on its way.
            self._journal.forget(self._digest)
            raise
        if response.ok:
            return response
        if response.status in _DOUBTFUL:
            error = refusal(response)
            _in_doubt(error)
            raise error
        self._journal.forget(self._digest)
        raise refusal(response)

    def _accepted(self, response: ApiResponse) -> JournalEntry:
        """The entry of a submitted request, with its id on disk if at all possible."""
        submitted = read_submitted(response)
        self.request_id = submitted.request_id
        entry = replace(self._journal.new("submitted"), **submitted._asdict())
        try:
            self._journal.write(self._digest, entry)
        except JournalError as error:
            self.notes.append(str(error))
        return entry

    def _finished(self, response: ApiResponse) -> JournalEntry:
        """The entry of a synchronous answer, with its picture on disk if at all possible."""
        output = read_output(response)
        data = output.data if output.data is not None else self._api.media(output.url, self._deadline.unstoppable())
        self._received = decode_result(data)
        return self._kept(self._journal.new("fetched").with_info(*read_info(response)), data)

    def _collected(self, entry: JournalEntry) -> tuple[Received, ResultInfo]:
        """The picture of a submitted or finished job."""
        self.request_id = entry.request_id or None
        if self._received is not None:
            return self._received, ResultInfo(entry.inference_seconds, entry.credits)
        try:
            return self._fetched(entry)
        except JobFailedError:
            self._journal.forget_request(self._digest, entry.request_id)
            raise

    def _fetched(self, entry: JournalEntry) -> tuple[Received, ResultInfo]:
        self._poll(self._api.endpoint.status_url(entry.request_id, entry.status_url))
        self._job.progress("fetching")
        url = self._api.endpoint.response_url(entry.request_id, entry.response_url)
        response = read_result(self._api.result(url, self._deadline))
        output = read_output(response)
        data = output.data if output.data is not None else self._api.media(output.url, self._deadline)
        received, info = decode_result(data), read_info(response)
        self._kept(entry.with_info(*info), data)
        return received, info

    def _kept(self, entry: JournalEntry, data: bytes) -> JournalEntry:
        """The entry with its picture on disk until it is delivered; it is in memory, so a full disk is not an error."""
        try:
            return self._journal.store(self._digest, entry, data)
        except JournalError as error:
            self.notes.append(str(error))
            return entry

    def _poll(self, url: str) -> None:
        """Wait until the job is done; JobFailedError where it failed."""
        unreadable = 0
        while (state := read_state(self._api.status(url, self._deadline))) != "COMPLETED":
            unreadable = 0 if state else unreadable + 1
            if unreadable == _UNREADABLE_POLLS:
                raise ResultError("what it says about the request can't be read")
            if state:
                self._job.progress(state.lower())
            self._deadline.sleep(self._job.poll_interval)


def _in_doubt(error: SegmindError) -> None:
    """Have the error say what to do where the request may have been accepted."""
    error.advice = UncertainSubmitError.advice

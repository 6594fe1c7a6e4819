"""How one swap goes: look in the journal, submit, poll, fetch, and note every step before the next."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from typing import Final

from ...pipeline.errors import CancelledError
from .answers import ApiResponse
from .api import ApiCalls
from .deadline import Deadline
from .entries import JournalEntry
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
from .lenient_json import Json
from .media import Media, Received, decode_result
from .payment import COSTS_NOTHING, Payment
from .polling import wait_until_done
from .responses import (
    ResultInfo,
    is_failed,
    read_id,
    read_info,
    read_output,
    read_result,
    read_submitted,
    refusal,
)
from .uploads import Uploads

_UNUSABLE: Final = (ResultError, RefusedAddressError, JobFailedError)
"""What comes of an answer that will never be a picture."""


class Runner:
    """One swap under way."""

    def __init__(
        self, job: SegmindJob, digest: str, api: ApiCalls, uploads: Uploads, payment: Payment, deadline: Deadline
    ) -> None:
        self._job = job
        self._digest = digest
        self._api = api
        self._uploads = uploads
        self._journal = payment.journal
        self._payment = payment
        self._deadline = deadline
        self.request_id: str | None = None
        self.notes: list[str] = []
        self._answer: bytes | None = None
        """What came, as it was stored."""
        self._is_sent = False

    def run(self) -> tuple[Received, ResultInfo]:
        """The picture's file, and what the API said about it.

        Raises RemoteError, with what was paid for: ResultError for a result that is no picture or can't be loaded,
        UncertainSubmitError where nobody can say whether the request arrived; CancelledError, which says that too.
        """
        try:
            return self._result()
        except SegmindError as error:
            error.request_id, error.payment = self.request_id, self._meaning()
            raise
        except CancelledError as error:
            raise CancelledError(f"{error}. {self._meaning()}".rstrip()) from error

    def _result(self) -> tuple[Received, ResultInfo]:
        entry, is_new = self._claim()
        if not is_new:
            self.notes.append("picked up a request that was sent before: nothing is paid again")
        try:
            return self._collected(entry)
        except (NotFoundError, *_UNUSABLE) as error:
            # The API keeps results for an hour: before that it doesn't forget, it is mistaken.
            if is_new or self._journal.is_recent(entry) or (entry.request_id and not isinstance(error, NotFoundError)):
                raise
        self.notes = ["a request that was sent before has expired at the API: it was sent anew"]
        self.request_id = None
        return self._collected(self._claim(expired=entry)[0])

    def _meaning(self) -> str:
        return self._payment.after_failure(self._digest, is_sent=self._is_sent or self.request_id is not None)

    def _claim(self, expired: JournalEntry | None = None) -> tuple[JournalEntry, bool]:
        """The job's entry with an id or a picture, and whether it was made just now.

        `expired` is one that came to nothing; another thread or process may have replaced it already.
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
            # Before the thread starts: this one may be stopped, and must then know what that one may do.
            self._journal.begin(self._digest)
            self._is_sent = True
            # The thread that pays releases the lock: it may continue when this one is stopped.
            handed = held.pop_all()
            return self._deadline.run(lambda: self._pay(payload, handed)), True

    def _usable(self, expired: JournalEntry | None) -> JournalEntry | None:
        """The journal's entry if the job needn't be submitted: what came is here, or the API may have it."""
        self._answer = None
        entry = self._journal.read(self._digest)
        if entry is None or (expired and (entry.at, entry.request_id) == (expired.at, expired.request_id)):
            return None
        self._answer = self._journal.picture(self._digest, entry)
        return entry if entry.request_id or self._answer is not None else None

    def _require_certainty(self) -> None:
        entry = self._journal.read(self._digest)
        if entry is not None and self._journal.is_recent(entry):
            raise UncertainSubmitError("the same was sent within the last hour, and no answer is kept")

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
            response = self._sent(payload)
            return self._finished(response) if self._job.is_synchronous else self._accepted(response)

    def _sent(self, payload: Mapping[str, Json]) -> ApiResponse:
        """The answer to the call that costs money. Only what certainly cost nothing is forgotten."""
        endpoint, waits = self._api.endpoint, self._job.is_synchronous
        try:
            response = self._api.pay(
                endpoint.synchronous_url if waits else endpoint.submit_url, payload, self._deadline, waits=waits
            )
        except ConnectionLostError as error:
            if not error.unsent:
                raise UncertainSubmitError(error.detail) from error
            self._forget()
            raise
        except (CancelledError, TimeLimitError, RefusedAddressError):
            # Raised before a try or between two: nothing is on its way.
            self._forget()
            raise
        if response.ok and not is_failed(response):
            return response
        if response.ok or response.status in COSTS_NOTHING:
            # A failed job leaves nothing to pick up. Whether it was charged isn't documented.
            self._forget(is_sent=response.ok)
        elif request_id := read_id(response):
            # An error that names a request is about one that was accepted.
            self.request_id = request_id
            self._noted(replace(self._journal.new("submitted"), request_id=request_id))
        raise refusal(response)

    def _forget(self, *, is_sent: bool = False) -> None:
        """Let the same be sent again. What the journal can't forget stays in doubt, and the message says so."""
        with suppress(JournalError):
            self._journal.forget(self._digest)
            self._is_sent = is_sent

    def _accepted(self, response: ApiResponse) -> JournalEntry:
        """The entry of a submitted request, with its id on disk if at all possible."""
        submitted = read_submitted(response)
        self.request_id = submitted.request_id
        return self._noted(replace(self._journal.new("submitted"), **submitted._asdict()))

    def _finished(self, response: ApiResponse) -> JournalEntry:
        """The entry of a synchronous answer, which is on disk, if at all possible, before anybody looks into it."""
        self._answer = response.body
        entry = self._kept(self._journal.new("fetched"), response.body)
        return self._noted(replace(entry, request_id=read_id(response)).with_info(read_info(response)))

    def _collected(self, entry: JournalEntry) -> tuple[Received, ResultInfo]:
        """The picture of a submitted or finished job."""
        self.request_id = entry.request_id or None
        if self._answer is not None:
            try:
                return self._opened(entry, ApiResponse(200, {}, self._answer)), entry.info
            except _UNUSABLE:
                if not entry.request_id:
                    raise
        try:
            return self._fetched(entry)
        except JobFailedError:
            self._journal.forget_request(self._digest, entry.request_id)
            raise

    def _opened(self, entry: JournalEntry, response: ApiResponse) -> Received:
        """The picture of what was stored, fetched where that only says where it is."""
        output = read_output(response)
        if output.data is not None:
            return decode_result(output.data)
        data = self._api.media(output.url, self._deadline)
        self._kept(entry, data)
        return decode_result(data)

    def _fetched(self, entry: JournalEntry) -> tuple[Received, ResultInfo]:
        wait_until_done(self._api, entry, self._job, self._deadline)
        self._job.progress("fetching")
        url = self._api.endpoint.response_url(entry.request_id, entry.response_url)
        response = read_result(self._api.result(url, self._deadline))
        output = read_output(response)
        data = output.data if output.data is not None else self._api.media(output.url, self._deadline)
        # Paid for: nothing that comes with it and no decoder is looked at before it is safe.
        kept = self._kept(entry, data)
        info = read_info(response)
        self._noted(kept.with_info(info))
        return decode_result(data), info

    def _kept(self, entry: JournalEntry, data: bytes) -> JournalEntry:
        """The entry with what came on disk, if at all possible."""
        with self._reporting():
            return self._journal.store(self._digest, entry, data)
        return entry

    def _noted(self, entry: JournalEntry) -> JournalEntry:
        """The entry, on disk if at all possible."""
        with self._reporting():
            self._journal.write(self._digest, entry)
        return entry

    @contextmanager
    def _reporting(self) -> Generator[None]:
        """Makes a full disk a note: what would be noted is in memory as well."""
        try:
            yield
        except JournalError as error:
            self.notes += [str(error)] if str(error) not in self.notes else []

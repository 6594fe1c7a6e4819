"""Every error of the hosted engine: one class a documented status, and those of the way there and back.

RemoteError
└── SegmindError                 status, detail, request_id, and what to do
    ├── BadRequestError          400, and other statuses from 400 on that have no class of their own
    ├── UnauthorizedError        401
    │   └── MissingKeyError      there is no key at all
    ├── InsufficientCreditsError 402, 406
    ├── ForbiddenError           403
    ├── NotFoundError            404: no such model, or a request that is unknown or older than an hour
    ├── RateLimitedError         429
    ├── ServerError              500, and other statuses that are no refusal and no redirect
    │   ├── BadGatewayError      502
    │   ├── UnavailableError     503
    │   └── GatewayTimeoutError  504
    ├── JobFailedError           FAILED, which comes with status 422
    │   └── ContentBlockedError  FAILED, because of what is in the pictures
    ├── TimeLimitError           not done within the caller's limit
    ├── ConnectionLostError      no connection, or one that broke
    │   └── UncertainSubmitError a request may have arrived, so it isn't sent again
    ├── RefusedAddressError      an address that neither key nor picture may go to or come from
    ├── ResultError              an answer that isn't what it should be: no picture, too large, cut short
    └── JournalError             the journal can't be read or written
"""

from __future__ import annotations

from typing import ClassVar

from ...pipeline.errors import RemoteError
from ...pipeline.quotes import excerpt


class SegmindError(RemoteError):
    """The hosted engine refused or failed.

    Attributes: `status`, the HTTP status or None; `detail`, the server's own words or what happened; `request_id`, of
    the job, or None; `frame`, the number of the target picture in a batch, or None; `payment`, what was paid for as far
    as the journal knows, and what running the same again does, or empty. None of them holds the key.
    """

    summary: ClassVar[str] = "the hosted engine failed"
    advice: str = ""
    """What to do about it."""

    def __init__(self, detail: str = "", *, status: int | None = None, request_id: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status
        self.request_id = request_id
        self.frame: int | None = None
        self.payment = ""

    def __str__(self) -> str:
        frame = "" if self.frame is None else f"target picture {self.frame}: "
        status = "" if self.status is None else f" (HTTP {self.status})"
        detail = f": {self.detail}" if self.detail else ""
        request = f" [request {excerpt(self.request_id)}]" if self.request_id else ""
        said = " ".join(filter(None, (self.advice, self.payment)))
        return f"{frame}{self.summary}{status}{detail}{request}. {said}".rstrip()


class BadRequestError(SegmindError):
    """400 and similar: the API doesn't accept these settings or pictures."""

    summary = "Segmind does not accept the request"
    advice = "Check the settings and that both pictures are JPEG, PNG or WebP."


class UnauthorizedError(SegmindError):
    """401: the key is missing or wrong."""

    summary = "Segmind does not know the API key"
    advice = "Make a key at https://cloud.segmind.com/console/api-keys and set SEGMIND_API_KEY to it."


class MissingKeyError(UnauthorizedError):
    """No key was found."""

    summary = "there is no Segmind API key"


class InsufficientCreditsError(SegmindError):
    """402 or 406: the account is empty."""

    summary = "the Segmind account has too few credits"
    advice = "Add credits at https://cloud.segmind.com and run again."


class ForbiddenError(SegmindError):
    """403: the key may not do this."""

    summary = "Segmind does not allow this with the given API key"
    advice = "Check what the key may do at https://cloud.segmind.com, or use another one."


class NotFoundError(SegmindError):
    """404, 410: no such model or endpoint, or a request that is unknown or has expired."""

    summary = "Segmind does not know the model or the request"
    advice = "Results are kept for an hour. If SEGMIND_BASE_URL is set, check that it names the right endpoint."


class RateLimitedError(SegmindError):
    """429, even after the last try."""

    summary = "Segmind accepts no more requests for now"
    advice = "Wait a while, or send fewer pictures at once."


class ServerError(SegmindError):
    """500 and other statuses that have no class of their own."""

    summary = "Segmind's server failed"


class BadGatewayError(ServerError):
    """502, even after the last try."""

    summary = "Segmind is temporarily unavailable"


class UnavailableError(ServerError):
    """503, even after the last try."""

    summary = "Segmind is temporarily unavailable"


class GatewayTimeoutError(ServerError):
    """504, even after the last try."""

    summary = "Segmind took too long"


class JobFailedError(SegmindError):
    """FAILED: the job was accepted and then failed."""

    summary = "the job failed at Segmind"
    advice = "Check that both pictures show the faces that the settings name; another try may succeed."


class ContentBlockedError(JobFailedError):
    """FAILED, and the server's words say that the pictures are the reason."""

    summary = "Segmind blocked the content"
    advice = "Its content rules refuse these pictures; use others, or the engines of this machine."


class TimeLimitError(SegmindError):
    """The caller's time limit is over; the job may continue at the server."""

    summary = "the time limit is over"


class ConnectionLostError(SegmindError):
    """The server wasn't reached, or the connection broke. `unsent`: nothing of the request can have arrived."""

    summary = "no connection to Segmind"

    def __init__(self, detail: str = "", *, unsent: bool = False) -> None:
        super().__init__(detail)
        self.unsent = unsent


class UncertainSubmitError(ConnectionLostError):
    """A request may have arrived and may be charged; nothing shows whether, so it isn't sent again by itself."""

    summary = "it is unknown whether Segmind accepted the request"


class RefusedAddressError(SegmindError):
    """An address that is private, not https, or elsewhere."""

    summary = "an address is refused"
    advice = "Addresses must be public and https; a server on this machine is used by setting SEGMIND_BASE_URL to it."


class ResultError(SegmindError):
    """The answer isn't the picture or the text it should be."""

    summary = "Segmind's answer can't be used"


class JournalError(SegmindError):
    """The journal can't be read or written. Without it nothing is submitted."""

    summary = "the journal of paid requests can't be used"
    advice = "Free some space or remove what is in the way, or set MULTIFACESWAP_STATE to a folder that can be written."


_BY_STATUS: dict[int, type[SegmindError]] = {
    401: UnauthorizedError,
    402: InsufficientCreditsError,
    403: ForbiddenError,
    404: NotFoundError,
    406: InsufficientCreditsError,
    410: NotFoundError,
    429: RateLimitedError,
    502: BadGatewayError,
    503: UnavailableError,
    504: GatewayTimeoutError,
}
_BLOCKING_WORDS = ("nsfw", "content polic", "moderat", "safety", "sensitive", "prohibited", "inappropriate", "explicit")


def status_error(status: int, detail: str) -> SegmindError:
    """The error of a status that isn't 2xx."""
    if 300 <= status < 400:
        return RefusedAddressError(f"the API answered with a redirect, which is not followed: {detail}", status=status)
    fallback = BadRequestError if 400 <= status < 500 else ServerError
    return _BY_STATUS.get(status, fallback)(detail, status=status)


def job_error(detail: str, status: int | None) -> JobFailedError:
    """The error of a job that FAILED: the API gives no code for blocked content, so its words decide."""
    blocked = any(word in detail.lower() for word in _BLOCKING_WORDS)
    return (ContentBlockedError if blocked else JobFailedError)(detail, status=status)

"""What the API's answers say."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

from ...media.retry import retry_after
from ...pipeline.quotes import excerpt, quoted
from .answers import ApiResponse
from .errors import ResultError, SegmindError, job_error, status_error
from .lenient_json import Json
from .media import decode_base64

_UNDER_WAY = ("QUEUED", "PROCESSING")
_FAILED_STATUS = 422
"""Of a job that FAILED, which only its `error` may say."""
_PICTURE_FIELDS = ("output", "image", "images", "data", "result")


class Submitted(NamedTuple):
    """An accepted request."""

    request_id: str
    status_url: str
    response_url: str


class ResultInfo(NamedTuple):
    """What came with a picture."""

    inference_seconds: float | None = None
    credits: str | None = None
    """In the server's own words: the API doesn't document them."""


class Output(NamedTuple):
    """The picture of an answer: its bytes, or where they are."""

    data: bytes | None
    url: str = ""


def refusal(response: ApiResponse) -> SegmindError:
    """The error of an answer that isn't 2xx; FAILED, which comes with status 422, is a failed job."""
    if _state(response) == "FAILED":
        return job_error(response.detail(), response.status)
    wait = retry_after(response.headers)
    asked = f"it asks to wait {wait:.0f} s" if wait else ""
    return status_error(response.status, "; ".join(filter(None, (response.detail(), asked))))


def read_submitted(response: ApiResponse) -> Submitted:
    """The request's id and URLs. ResultError without an id; a missing URL is empty, there are documented ones."""
    body = _fields(response)
    request_id = read_id(response)
    if not request_id:
        given = body.get("request_id")
        but = f", but {response.redacted(quoted(given))}" if given else ""
        raise ResultError(response.saying(f"its answer gives no request_id{but}"), status=response.status)
    return Submitted(request_id, _text(body, "status_url"), _text(body, "response_url"))


def read_id(response: ApiResponse) -> str:
    """The request's id that an answer names, as text or as a whole number; empty where it names none."""
    given = _fields(response).get("request_id")
    if isinstance(given, int) and not isinstance(given, bool):
        return str(given)
    return given if isinstance(given, str) and given.strip() else ""


def is_failed(response: ApiResponse) -> bool:
    """Whether the answer to a paid call says that the job FAILED, and nothing more could come of it."""
    body = _fields(response)
    return _state(response) == "FAILED" and not read_id(response) and not any(map(body.get, _PICTURE_FIELDS))


def read_state(response: ApiResponse) -> str | None:
    """QUEUED, PROCESSING, COMPLETED or a later invention; None where the answer can't be read, or only says an error.

    Raises JobFailedError for FAILED, and the error of any other refusal.
    """
    state = _state(response)
    if state == "COMPLETED":
        return state
    if state == "FAILED" or (response.status == _FAILED_STATUS and _has_error(response)):
        raise job_error(response.detail(), response.status)
    if not response.ok:
        raise refusal(response)
    return None if _has_error(response) and state not in _UNDER_WAY else state or None


def read_result(response: ApiResponse) -> ApiResponse:
    """The answer to a request for the result; raises as `read_state`."""
    read_state(response)
    return response


def read_output(response: ApiResponse) -> Output:
    """The picture of a result body or of a synchronous answer: bytes, base64 text or a URL, alone or in a list.

    Raises JobFailedError for FAILED, ResultError where there is no picture.
    """
    body = response.json()
    if isinstance(body, dict):
        if _state(response) == "FAILED":
            raise refusal(response)
        body = next((body[name] for name in _PICTURE_FIELDS if body.get(name)), None)
    if isinstance(body, list):
        body = body[0] if body else None
    if isinstance(body, dict):
        body = body.get("url")
    if isinstance(body, str):
        return _output(body, response)
    if response.body.lstrip()[:1] in (b"{", b"["):
        raise ResultError(response.saying("it holds no picture"), status=response.status)
    return Output(response.picture())


def _output(text: str, response: ApiResponse) -> Output:
    if text.lower().startswith(("http://", "https://")):
        return Output(None, text)
    data = decode_base64(text)
    if data is None:
        raise ResultError(f"its output is neither a URL nor base64: {response.redacted(quoted(text[:60]))}")
    return Output(data)


def read_info(response: ApiResponse) -> ResultInfo:
    """Seconds and credits, where they were sent."""
    body = _fields(response)
    metrics = body.get("metrics")
    metrics = metrics if isinstance(metrics, dict) else {}
    credits = {**_about_credits(response.headers), **_about_credits(body), **_about_credits(metrics)}
    listed = ", ".join(f"{name} {value}" for name, value in credits.items())
    return ResultInfo(finite(metrics.get("inference_time")), excerpt(response.redacted(listed)) or None)


def finite(value: object) -> float | None:
    """A number of JSON, or None for anything else: NaN, infinity and what is too large for a float included."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    with suppress(OverflowError):
        return float(value) if math.isfinite(value) else None
    return None


def read_upload(response: ApiResponse) -> str:
    """The URL of an uploaded picture. Raises the error of a refusal, ResultError where there is no URL."""
    if not response.ok:
        raise refusal(response)
    urls = _fields(response).get("file_urls")
    url = urls[0] if isinstance(urls, list) and urls else None
    if not isinstance(url, str) or not url.lower().startswith(("http://", "https://")):
        raise ResultError(response.saying("the upload gave no address"), status=response.status)
    return url


def _about_credits(values: Mapping[str, Json] | Mapping[str, str]) -> dict[str, str]:
    return {
        name: str(value)[:40]
        for name, value in values.items()
        if "credit" in name.lower() and isinstance(value, (str, int, float))
    }


def _fields(response: ApiResponse) -> Mapping[str, Json]:
    body = response.json()
    return body if isinstance(body, dict) else {}


def _state(response: ApiResponse) -> str:
    return _text(_fields(response), "status").strip().upper()


def _has_error(response: ApiResponse) -> bool:
    return bool(_fields(response).get("error"))


def _text(body: Mapping[str, Json], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""

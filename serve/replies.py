"""Bodies of answers."""

from __future__ import annotations

import base64
from typing import Final, cast

from starlette.responses import JSONResponse, Response

from ..app.report import Json
from ..pipeline.quotes import excerpt
from .errors import Refusal
from .references import FILES, file_name
from .store import Store
from .values import COMPLETED, FAILED, Image, Record

LICENCE: Final = "X-Model-Licence"
SECONDS: Final = "X-Inference-Seconds"
SWAPPED: Final = "X-Faces-Swapped"
REPORT: Final = "X-Report"
"""The report's first line."""
_UNPROCESSABLE: Final = 422


def submitted(record: Record, address: str) -> JSONResponse:
    """The answer to an accepted request. `address` is this server's own."""
    url = f"{address}/v2/requests/{record.id}"
    body = {"request_id": record.id, "status": record.status, "status_url": f"{url}/status", "response_url": url}
    return JSONResponse(body)


def status_of(record: Record) -> JSONResponse:
    """How a request stands; FAILED comes with 422, as from the hosted API."""
    body = {"request_id": record.id, "status": record.status}
    return _failed(record) if record.status == FAILED else JSONResponse(body)


def result_of(record: Record, store: Store, address: str) -> JSONResponse:
    """A result, as its URL or base64 text; how the request stands as long as there is none."""
    if record.status != COMPLETED:
        return status_of(record)
    image = require_output(record, store)
    url = f"{address}{FILES}{file_name(record.output or '', image.media_type)}"
    output: Json = base64.b64encode(image.data).decode() if record.base64 else url
    metrics: Json = {"inference_time": round(record.seconds or 0, 4)}
    body = {"request_id": record.id, "status": record.status, "output": output, "metrics": metrics}
    return JSONResponse({**body, **_shown(record)})


def synchronous(record: Record, store: Store) -> Response:
    """The answer of the synchronous call: the picture's bytes, or base64 text where that was asked for."""
    if record.status != COMPLETED:
        return _failed(record)
    image = require_output(record, store)
    report = cast("list[str]", _shown(record)["report"])
    headers = {
        LICENCE: _header(record.detail.get("licence")),
        SECONDS: f"{record.seconds:.3f}",
        SWAPPED: str(len(cast("list[Json]", record.detail.get("pairs", [])))),
        **({REPORT: _header(excerpt(report[0]))} if report else {}),
    }
    if record.base64:
        return Response(base64.b64encode(image.data), 200, headers, "text/plain")
    return Response(image.data, 200, headers, image.media_type)


def require_output(record: Record, store: Store) -> Image:
    """A result's picture. Raises Refusal, 404, where it has just expired."""
    image = store.picture(record.output or "")
    if image is None:
        raise Refusal(404, "the result is kept no longer")
    return image


def listed(records: list[Record]) -> JSONResponse:
    """An owner's requests."""
    rows = [{"request_id": one.id, "status": one.status, "created": one.created} for one in records]
    return JSONResponse({"requests": rows})


def _failed(record: Record) -> JSONResponse:
    body = {"request_id": record.id, "status": record.status, "error": record.error or "it failed"}
    return JSONResponse({**body, **_shown(record)}, _UNPROCESSABLE)


def _shown(record: Record) -> dict[str, Json]:
    """What the report says."""
    report = [*record.notes, *cast("list[str]", record.detail.get("report", []))]
    return {**record.detail, "report": report}


def _header(text: object) -> str:
    """A text as a header holds it."""
    return str(text or "").encode("ascii", "replace").decode()

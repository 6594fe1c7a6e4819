"""What those who run a server ask it."""

from __future__ import annotations

from typing import Final

from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import JSONResponse, Response

from .context import Context, Readiness
from .errors import Refusal
from .schema import Schema, answers, json_of
from .space import require_disk
from .tables import unreachable

_TEXT: Final[Schema] = {"type": "string"}


def add_routes(router: FastAPI, context: Context) -> None:
    """`/healthz`, `/readyz`, `/metrics`."""

    def healthz() -> Response:
        """The process answers, and does the work."""
        if not context.is_working():
            return JSONResponse({"error": "nobody does the work"}, 503)
        return JSONResponse({"status": "ok"})

    def readyz() -> Response:
        """Models are loaded, each on what is named here, and the state can be reached."""
        found = _looked_at(context)
        body = {"ready": found.is_ready, "models": list(found.models), "waiting": 0}
        if not found.is_ready:
            return JSONResponse({**body, "error": found.error}, 503)
        return JSONResponse({**body, "waiting": context.store.waiting()})

    def metrics() -> Response:
        """Numbers for Prometheus."""
        return Response(context.metrics.text(context.store.waiting), media_type="text/plain; version=0.0.4")

    ready = json_of({"ready": {"type": "boolean"}, "models": {"type": "array"}, "waiting": {"type": "integer"}})
    text: dict[str, object] = {"text/plain": {"schema": _TEXT}}
    router.get("/healthz", responses=answers(503, ok=json_of({"status": _TEXT})))(healthz)
    router.get("/readyz", responses=answers(503, ok=ready))(readyz)
    for path, answer in (("/healthz", healthz), ("/readyz", readyz)):
        router.head(path, include_in_schema=False)(answer)
    router.get("/metrics", responses=answers(500, ok=text))(metrics)


def _looked_at(context: Context) -> Readiness:
    if context.stopping.is_set():
        return Readiness(False, error="the server is about to end")
    try:
        require_disk(context.store.engine)
    except SQLAlchemyError as error:
        return Readiness(False, error=f"the state can't be written: {unreachable(error)}")
    except Refusal as refusal:
        return Readiness(False, error=str(refusal))
    return context.readiness()

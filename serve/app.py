"""The FastAPI app over a server's state."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from .. import __version__
from ..pipeline.quotes import excerpt, quoted
from . import health, page, routes
from .context import Context
from .errors import Refusal
from .middleware import Calls, refused


def app_of(context: Context, start: Callable[[], None], stop: Callable[[], None]) -> FastAPI:
    """The app; `start` is called before the first call, and `stop`, which may wait, after the last."""
    # The pages of FastAPI's own load their scripts from elsewhere.
    app = FastAPI(
        title="MultiFaceSwap",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan(start, stop),
    )
    # Not as routers of their own, which hide their addresses from whoever lists the app's.
    routes.add_routes(app, context)
    health.add_routes(app, context)
    page.add_routes(app)
    for kind in (Refusal, HTTPException, SQLAlchemyError, Exception):
        app.add_exception_handler(kind, refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_middleware(Calls, context=context)
    return app


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    """FastAPI's own words on what it can't read, in the one form of all errors."""
    told = error.errors() if isinstance(error, RequestValidationError) else ()
    return JSONResponse({"error": excerpt("; ".join(map(_line, told))) or "the request can't be read"}, 400)


def _line(found: Mapping[str, object]) -> str:
    return f"{quoted(found.get('loc'))}: {found.get('msg')}"


def _lifespan(
    start: Callable[[], None], stop: Callable[[], None]
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def during(_app: FastAPI) -> AsyncGenerator[None]:
        from anyio.to_thread import run_sync

        await run_sync(start)
        yield
        await run_sync(stop)

    return during

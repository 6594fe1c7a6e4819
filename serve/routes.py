"""The calls: those of the hosted API, and cancel and a list beside them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, TypeVar

import anyio
from anyio.to_thread import run_sync
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..hosted.segmind.endpoint import MODEL
from . import detecting, replies
from .access import addresses, owner_of
from .context import Context
from .detecting import IMAGE, faces_of
from .errors import Refusal, ending
from .rates import Rates
from .references import FILES, file_name, is_elsewhere
from .schema import Schema, answers, body_of, faces_schema, json_of, request_schema, upload_schema
from .submission import Submission, accepts, is_texts, read_object, reference_in, require_idempotency, submission
from .uploads import Uploads
from .values import Image, Record, Swap

T = TypeVar("T")
_POLL: Final = 0.02, 0.25
"""Seconds between looks at a request that a synchronous call waits for: at first, and at most."""
_AT_ONCE: Final = 16
"""Calls whose pictures are read at the same time."""
_FETCHING_AT_ONCE: Final = 64
"""Calls whose pictures come from other servers, which take their time."""
_FINDING_AT_ONCE: Final = 2
_TEXT: Final[Schema] = {"type": "string"}
_WHOLE: Final[Schema] = {"type": "integer"}
_SUBMITTED: Final = json_of({"request_id": _TEXT, "status": _TEXT, "status_url": _TEXT, "response_url": _TEXT})
_STATUS: Final = json_of({"request_id": _TEXT, "status": _TEXT})
_PICTURE: Final = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in ("image/*", "text/plain")}
_REFUSED: Final = (400, 401, 408, 409, 413, 415, 429, 500, 503, 507)


def add_routes(router: FastAPI, context: Context) -> None:
    """The calls over one server's state."""
    calls = _Calls(context)
    swap = body_of(request_schema(partial(accepts, context.session)))
    found = faces_schema(partial(detecting.accepts, context.session))
    upload = body_of(upload_schema(context.config.limits.uploads))
    urls = json_of({"file_urls": {"type": "array", "items": _TEXT}})
    faces = json_of({"width": _WHOLE, "height": _WHOLE, "faces": {"type": "array"}})
    listed = json_of({"requests": {"type": "array"}})
    known = answers(401, 404, 500, ok=_STATUS)
    router.post(f"/v1/{MODEL}", openapi_extra=swap, responses=answers(*_REFUSED, 422, 504, ok=_PICTURE))(calls.run)
    router.post(f"/v2/{MODEL}", openapi_extra=swap, responses=answers(*_REFUSED, ok=_SUBMITTED))(calls.submit)
    router.get("/v2/requests", responses=answers(401, 500, ok=listed))(calls.requests)
    router.get("/v2/requests/{request_id}/status", responses={**known, **answers(422)})(calls.status)
    router.get("/v2/requests/{request_id}", responses={**known, **answers(422)})(calls.result)
    router.post("/v2/requests/{request_id}/cancel", responses=known)(calls.cancel)
    router.delete("/v2/requests/{request_id}", responses=known)(calls.remove)
    router.post("/upload-asset", openapi_extra=upload, responses=answers(*_REFUSED, ok=urls))(calls.upload)
    router.post("/faces", openapi_extra=body_of(found), responses=answers(*_REFUSED, ok=faces))(calls.faces)
    deleted = json_of({"status": _TEXT})
    router.delete(FILES + "{name}", responses=answers(401, 404, 500, 503, ok=deleted))(calls.forget)
    router.head(FILES + "{name}", include_in_schema=False)(calls.file)
    router.get(FILES + "{name}", responses=answers(404, 500, ok=_PICTURE))(calls.file)


class _Calls:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._store, self._rates, self._uploads = context.store, Rates(context.store), Uploads(context.store)
        self._reading = anyio.CapacityLimiter(_AT_ONCE)
        self._fetching = anyio.CapacityLimiter(_FETCHING_AT_ONCE)
        self._finding = anyio.CapacityLimiter(_FINDING_AT_ONCE)

    async def run(self, request: Request) -> Response:
        """Swap, and answer with the picture."""
        record = await self._accepted(request, waits=True)
        return await _threaded(replies.synchronous, await self._over(record, request), self._store)

    async def submit(self, request: Request) -> Response:
        """Accept a swap, which is then asked for by its id."""
        record = await self._accepted(request)
        return replies.submitted(record, addresses(request, self._context)[0])

    def requests(self, request: Request) -> Response:
        """The latest requests of this key."""
        return replies.listed(self._store.records(owner_of(request, self._context)))

    def status(self, request: Request, request_id: str) -> Response:
        """QUEUED, PROCESSING, COMPLETED, or FAILED with what went wrong."""
        return replies.status_of(self._record(request, request_id))

    def result(self, request: Request, request_id: str) -> Response:
        """The result: where the picture is, how long it took, which models under which licences made it."""
        record = self._record(request, request_id)
        return replies.result_of(record, self._store, addresses(request, self._context)[0])

    def cancel(self, request: Request, request_id: str) -> Response:
        """Have a request that isn't over end FAILED."""
        self._cancelled(self._store.cancel(request_id, owner_of(request, self._context)))
        record = self._record(request, request_id)
        return JSONResponse({"request_id": record.id, "status": record.status})

    def remove(self, request: Request, request_id: str) -> Response:
        """Delete a request with its result, and cancel it where it isn't over."""
        self._cancelled(self._store.remove(request_id, owner_of(request, self._context)))
        return JSONResponse({"request_id": request_id, "status": "DELETED"})

    async def faces(self, request: Request) -> Response:
        """Where a picture's faces are, and how they are numbered."""
        await _threaded(self._counted, request)
        body = read_object(await _body(request))
        reference, own = reference_in(body, IMAGE), addresses(request, self._context)
        image = await run_sync(
            self._context.pictures.image, reference, IMAGE, own, limiter=self._room([reference], own)
        )
        given = {name: value for name, value in body.items() if name != IMAGE}
        return JSONResponse(await run_sync(faces_of, image, given, self._context.session, limiter=self._finding))

    async def upload(self, request: Request) -> Response:
        """Keep pictures for a while, and answer with their URLs."""
        owner = await _threaded(self._counted, request)
        body = read_object(await _body(request))
        images = await run_sync(self._uploaded, owner, body, limiter=self._reading)
        ids = await _threaded(self._uploads.keep, owner, images)
        start = addresses(request, self._context)[0] + FILES
        named = [start + file_name(one, image.media_type) for one, image in zip(ids, images, strict=True)]
        return JSONResponse({"file_urls": named, "message": "uploaded"})

    def file(self, name: str) -> Response:
        """A picture by the id in its URL, which nobody guesses."""
        kept = self._store.kept(name.partition(".")[0])
        if kept is None:
            raise Refusal(404, "there is no such picture, or no longer")
        image, seconds = kept
        headers = {
            "Cache-Control": f"private, max-age={int(seconds)}",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        }
        return Response(image.data, 200, headers, image.media_type)

    def forget(self, request: Request, name: str) -> Response:
        """Delete an upload."""
        if not self._uploads.remove(owner_of(request, self._context), name.partition(".")[0]):
            raise Refusal(404, "there is no such upload of this key's, or no longer")
        return JSONResponse({"status": "DELETED"})

    async def _accepted(self, request: Request, *, waits: bool = False) -> Record:
        """The request, on the disk with its pictures."""
        if self._context.stopping.is_set():
            raise ending()
        owner = await _threaded(self._counted, request)
        content, own = await _body(request), addresses(request, self._context)
        asked = await run_sync(self._asked, content, limiter=self._reading)
        room = self._room([asked.source, asked.target], own)
        record = await run_sync(self._accept, request, owner, asked, waits, limiter=room)
        request.state.request_id = record.id
        self._context.wake()
        return record

    def _counted(self, request: Request) -> str:
        """The owner of a call, which counts whatever comes of it."""
        owner = owner_of(request, self._context)
        self._rates.count(owner)
        return owner

    def _asked(self, content: bytes) -> Submission:
        return submission(read_object(content), self._context.session, self._context.config)

    def _room(self, references: Sequence[str], own: Sequence[str]) -> anyio.CapacityLimiter:
        """What is read here doesn't wait for what is fetched."""
        return self._fetching if any(is_elsewhere(one, own) for one in references) else self._reading

    def _accept(self, request: Request, owner: str, asked: Submission, waits: bool) -> Record:
        key = require_idempotency(request.headers.get("idempotency-key"))
        if (earlier := self._store.repeated(owner, asked.digest, key)) is not None:
            return earlier
        self._store.require_queue()
        own = addresses(request, self._context)
        engine = str(asked.settings["swap_model"])
        source = self._context.pictures.source(asked.source, "source_img", own, engine)
        target = self._context.pictures.image(asked.target, "target_img", own)
        swap = Swap(source, target, asked.settings, asked.base64, asked.digest, key, asked.notes, waits)
        return self._store.accept(request.state.request_id, owner, swap)

    def _uploaded(self, owner: str, body: dict[str, object]) -> list[Image]:
        most = self._context.config.limits.uploads
        urls = body.get("data_urls")
        if body.keys() != {"data_urls"} or not is_texts(urls) or not 0 < len(urls) <= most:
            raise Refusal(400, f'expected {{"data_urls": […]}} with 1 to {most} data URIs')
        self._rates.count(owner, len(urls) - 1)
        return [self._context.pictures.from_data_uri(uri, f"data_urls[{n}]") for n, uri in enumerate(urls)]

    def _cancelled(self, done: bool | None) -> None:
        if done is None:
            raise _unknown()
        if done:
            self._context.metrics.cancelled()
        self._context.wake()

    def _record(self, request: Request, request_id: str) -> Record:
        record = self._store.record(request_id, owner_of(request, self._context))
        if record is None:
            raise _unknown()
        return record

    async def _over(self, record: Record, request: Request) -> Record:
        """The request once it is over. Raises Refusal, 504 and 503, where that takes too long; it goes on then."""
        owner = await _threaded(owner_of, request, self._context)
        end, pause = time.monotonic() + self._context.config.limits.wait, _POLL[0]
        while not record.is_over:
            if self._context.stopping.is_set():
                raise ending(f"; ask for /v2/requests/{record.id} afterwards")
            if time.monotonic() > end:
                raise Refusal(504, f"it isn't done yet: ask for /v2/requests/{record.id}")
            await anyio.sleep(pause)
            pause = min(pause * 1.5, _POLL[1])
            found = await _threaded(self._store.record, record.id, owner)
            if found is None:
                raise _unknown()
            record = found
        return record


async def _threaded(call: Callable[..., T], *arguments: object) -> T:
    return await run_sync(call, *arguments)


async def _body(request: Request) -> bytes:
    """The body of a call that sends JSON. Raises Refusal, 415, where it says that it is something else: what web pages
    may send to any server is never JSON."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refusal(415, "the body: expected Content-Type: application/json")
    return await request.body()


def _unknown() -> Refusal:
    return Refusal(404, "there is no such request, or no longer: results are kept for a while")

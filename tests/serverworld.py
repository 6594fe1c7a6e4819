"""A server of the project's own, on a real port in this process, and what it is asked with."""

from __future__ import annotations

import base64
import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import numpy as np
import requests
from multifaceswap.serve.config import Limits, ServeConfig
from multifaceswap.serve.server import Served, Server, served, server_of
from multifaceswap.serve.tables import state_of
from PIL import Image

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
MODEL = "faceswap-v3-multifaceswap"
JSON = {"Content-Type": "application/json"}


class Site(NamedTuple):
    """A running server."""

    made: Served
    server: Server
    url: str

    def post(self, path, body=None, **more):
        return requests.post(self.url + path, json=body, timeout=60, **more)

    def get(self, path, **more):
        return requests.get(self.url + path if path.startswith("/") else path, timeout=60, **more)

    def delete(self, path, **more):
        return requests.delete(self.url + path, timeout=60, **more)

    def run(self, **body):
        return self.post(f"/v1/{MODEL}", body)

    def submit(self, **body):
        return self.post(f"/v2/{MODEL}", body)

    def over(self, request_id, seconds=60, **more):
        """The answer to a request for the result, once it is over."""
        end = time.monotonic() + seconds
        while True:
            answer = self.get(f"/v2/requests/{request_id}", **more)
            if answer.json().get("status") not in ("QUEUED", "PROCESSING"):
                return answer
            assert time.monotonic() < end, answer.text
            time.sleep(0.02)


@contextmanager
def serving(folder, session, work=None, limits=None, **config) -> Iterator[Site]:
    """A server over a folder's state, which goes on from one server to the next."""
    folder.mkdir(parents=True, exist_ok=True)
    chosen = ServeConfig(state_of(folder), **{"port": 0, "limits": limits or Limits(), **config})
    made = served(chosen, session, work)
    server = server_of(made, chosen)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield Site(made, server, f"http://127.0.0.1:{port}")
    finally:
        server.handle_exit(2, None)
        thread.join(60)
        with suppress(RuntimeError):
            made.dispatcher.stop(5)


def uri(data: bytes, kind="png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def png(pixels) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(pixels)).save(buffer, "PNG")
    return buffer.getvalue()


def opened(data: bytes):
    return np.asarray(Image.open(io.BytesIO(data)))


ASTRONAUT = uri((EXAMPLES / "astronaut.png").read_bytes())
HOPPER = uri((EXAMPLES / "grace_hopper.jpg").read_bytes(), "jpeg")


def shade(level: int) -> str:
    """A picture of one grey, as a data URI."""
    return uri(png(np.full((32, 40, 3), level, np.uint8)))


GREY = uri(png(np.full((32, 40, 3), 90, np.uint8)))
PICTURES = {"source_img": ASTRONAUT, "target_img": HOPPER}


@contextmanager
def web(answer):
    """A web server whose answers `answer(handler)` makes; gives its address and the paths that were asked for."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            answer(self)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()

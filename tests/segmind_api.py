"""The hosted API on a real HTTP server in this process: documented behaviour, and faults where a test wants them."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import socket
import socketserver
import struct
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import numpy as np
from multifaceswap.hosted.segmind.deadline import Clock
from multifaceswap.hosted.segmind.settings import SETTINGS
from PIL import Image

KEY = "SG_0123456789abcdef"
MODEL = "faceswap-v3-multifaceswap"


class Call(NamedTuple):
    method: str
    path: str
    headers: dict
    body: bytes


class Job(NamedTuple):
    payload: dict
    picture: bytes
    states: list


class Api:
    """What a test sees of the server. `polls` are the states before COMPLETED that each new job goes through."""

    def __init__(self):
        self.calls: list[Call] = []
        self.jobs: dict[str, Job] = {}
        self.assets: dict[str, bytes] = {}
        self.faults = defaultdict(list)
        self.polls = ["QUEUED", "PROCESSING"]
        self.output = lambda url: [url]
        self.metrics = {"inference_time": 1.25}
        self.headers: dict[str, str] = {}
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.base_url = ""

    @property
    def root(self):
        return self.base_url.removesuffix("/v1")

    def fault(self, route, *faults, always=False):
        """Have the next calls of a route met by these faults, one each; `always`: every further call by the last."""
        self.faults[route] += [*faults, *([faults[-1]] * 10_000 if always else [])]

    def count(self, route):
        return sum(_route(call.method, call.path) == route for call in self.calls)

    def routes(self):
        return [_route(call.method, call.path) for call in self.calls]

    def paid(self):
        return self.count("submit") + self.count("sync")

    def picture_of(self, uri, kind="PNG"):
        """What the API makes of a target: its colours inverted."""
        data = self.assets[uri] if uri in self.assets else base64.b64decode(uri.partition(",")[2])
        with Image.open(io.BytesIO(data)) as image:
            inverted = 255 - np.asarray(image.convert("RGB"))
        return encode(inverted, kind)

    def add_job(self, payload):
        request_id = f"req-{len(self.jobs)}"
        picture = self.picture_of(payload["target_img"], payload["image_format"])
        self.jobs[request_id] = Job(payload, picture, list(self.polls))
        return request_id


def encode(pixels, kind="PNG"):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **({"quality": 100} if kind.upper() == "JPEG" else {}))
    return buffer.getvalue()


def _route(method, path):
    path = path.partition("?")[0]
    if path == f"/v1/{MODEL}":
        return "sync"
    if path == f"/v2/{MODEL}":
        return "submit"
    if path.startswith("/v2/requests/"):
        return "status" if path.endswith("/status") else "result"
    return path.split("/")[1]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    served = 0
    """Requests of this connection so far, the present one included."""

    @property
    def api(self) -> Api:
        return self.server.api

    def log_message(self, *args):
        pass

    def handle(self):
        # Clients leave early here, by design of the tests.
        with suppress(ConnectionError, ValueError):
            super().handle()

    def serve(self):
        self.served += 1
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        route = _route(self.command, self.path)
        with self.api.lock:
            self.api.calls.append(Call(self.command, self.path, headers, body))
            waiting = self.api.faults[route]
            fault = waiting.pop(0) if waiting else None
        if fault is not None:
            fault(self, body)
        elif route == "media":
            self.media()
        elif headers.get("x-api-key") != KEY:
            self.reply(401, {"error": "Invalid API key"})
        else:
            getattr(self, route.replace("-", "_"), self.nowhere)(body)

    do_GET = do_POST = serve

    def nowhere(self, body):
        self.reply(404, {"error": "no such endpoint"})

    def upload_asset(self, body):
        urls = []
        for uri in json.loads(body)["data_urls"]:
            data = base64.b64decode(uri.partition(",")[2])
            url = f"https://images.example/{hashlib.sha256(data).hexdigest()[:12]}-{len(self.api.assets)}.png"
            self.api.assets[url] = data
            urls.append(url)
        self.reply(200, {"file_urls": urls, "message": "uploaded"})

    def checked(self, body):
        payload = json.loads(body)
        unknown = payload.keys() - SETTINGS.keys() - {"source_img", "target_img"}
        if unknown or not {"source_img", "target_img"} <= payload.keys():
            self.reply(400, {"error": f"bad parameters {sorted(unknown)}"})
            return None
        return payload

    def sync(self, body):
        payload = self.checked(body)
        if payload is None:
            return
        picture = self.api.picture_of(payload["target_img"], payload["image_format"])
        if payload["base64"]:
            self.reply(200, base64.b64encode(picture), "text/plain")
        else:
            self.reply(200, picture, f"image/{payload['image_format']}")

    def submit(self, body):
        payload = self.checked(body)
        if payload is None:
            return
        with self.api.lock:
            request_id = self.api.add_job(payload)
        url = f"{self.api.root}/v2/requests/{request_id}"
        self.reply(200, {"request_id": request_id, "status_url": f"{url}/status", "response_url": url})

    def status(self, body):
        job = self.api.jobs.get(self.path.split("/")[3])
        if job is None:
            return self.reply(404, {"error": "request not found"})
        state = job.states.pop(0) if job.states else "COMPLETED"
        if state == "FAILED":
            return self.reply(422, {"status": "FAILED", "error": "no face found in source_img"})
        self.reply(200, {"status": state})

    def result(self, body):
        request_id = self.path.split("/")[3]
        job = self.api.jobs.get(request_id)
        if job is None:
            return self.reply(404, {"error": "request not found"})
        url = f"{self.api.root}/media/{request_id}"
        output = base64.b64encode(job.picture).decode() if job.payload["base64"] else self.api.output(url)
        self.reply(200, {"status": "COMPLETED", "output": output, "metrics": self.api.metrics})

    def media(self):
        job = self.api.jobs.get(self.path.partition("?")[0].split("/")[2])
        if job is None:
            return self.reply(404, b"gone", "text/plain")
        self.reply(200, job.picture, "application/octet-stream")

    def reply(self, status, body, kind="application/json", length=None, **headers):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data) if length is None else length))
        for name, value in {**self.api.headers, **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)


class Faults:
    """What can go wrong; each is called with the handler and the request's body."""

    @staticmethod
    def status(code, body=None, kind="application/json", **headers):
        content = {"error": f"detail of {code}"} if body is None else body
        return lambda handler, _: handler.reply(code, content, kind, **headers)

    @staticmethod
    def html(code=200):
        return Faults.status(code, b"<!DOCTYPE html><html><body>Sign in to the Wi-Fi</body></html>", "text/html")

    @staticmethod
    def reset(handler, body):
        """Break the connection without a word, as a crashed server does."""
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.connection.close()
        handler.close_connection = True

    @staticmethod
    def accepted_then_reset(handler, body):
        """Take the job, and break the connection before its id is sent."""
        handler.api.add_job(json.loads(body))
        Faults.reset(handler, body)

    @staticmethod
    def stall(handler, body):
        """Say nothing until the test is over."""
        handler.api.over.wait(30)
        handler.close_connection = True

    @staticmethod
    def cut(data, kind="application/octet-stream"):
        """Announce a body and end in its middle."""

        def fault(handler, _):
            handler.reply(200, data[: len(data) // 2], kind, length=len(data))
            handler.wfile.flush()
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True

        return fault

    @staticmethod
    def trickle(handler, body):
        """Send a byte now and then, so that no read ever times out."""
        handler.reply(200, b"", length=10_000)
        while not handler.api.over.wait(0.02):
            handler.wfile.write(b"x")

    @staticmethod
    def stalled_body(handler, body):
        """Send the head of an answer and then nothing."""
        handler.reply(200, b"x", length=10_000)
        Faults.stall(handler, body)

    @staticmethod
    def endless(handler, body, code=200):
        """Send without end and without saying how much."""
        handler.send_response(code)
        handler.send_header("Location", "/elsewhere")
        handler.end_headers()
        while not handler.api.over.is_set():
            handler.wfile.write(b"x" * 65536)
        handler.close_connection = True


class FakeClock:
    """Time that passes by sleeping alone."""

    def __init__(self):
        self.now = 1000.0
        self.wall_offset = time.time() - self.now
        self.slept = 0.0

    def sleep(self, seconds):
        self.now += seconds
        self.slept += seconds

    def clock(self):
        return Clock(lambda: self.now, lambda: self.now + self.wall_offset, self.sleep)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def server_bind(self):
        # The inherited one looks its own name up, which may take seconds.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]


@contextmanager
def serving() -> Iterator[Api]:
    """A server of its own for a test."""
    api = Api()
    server = _Server(("127.0.0.1", 0), Handler)
    server.api = api
    api.base_url = f"http://127.0.0.1:{server.server_port}/v1"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield api
    finally:
        api.over.set()
        server.shutdown()
        server.server_close()

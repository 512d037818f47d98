"""A WSGI application with a page for every way an answer can go, and a server for it without a socket."""

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

from creative_services.server.callers.incoming import Message


class Pages:
    """What it was asked is kept; ``let_go`` frees the page that is stuck."""

    def __init__(self) -> None:
        self.environ: dict[str, Any] = {}
        self.body = b""
        self.closed = threading.Event()
        self.let_go = threading.Event()
        self.running = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        self.environ, self.body = environ, environ["wsgi.input"].read()
        name = environ["PATH_INFO"].strip("/") or "plain"
        return getattr(self, name)(start_response)

    def plain(self, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Length", "5"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
        return [b"hello"]

    def nothing(self, start_response: Any) -> list[bytes]:
        start_response("204 No Content", [])
        return []

    def fails(self, start_response: Any) -> list[bytes]:
        raise LookupError("nobody is told this")

    def breaks(self, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b"half"
        self.let_go.wait(30)
        raise LookupError

    def forgets(self, start_response: Any) -> list[bytes]:
        return [b"no head"]

    def rows(self, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        for number in range(20_000):
            yield b"%d\n" % number

    def slow(self, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b"first"
        assert self.let_go.wait(30)
        yield b"second"

    def endless(self, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        try:
            while True:
                yield b"x" * 100_000
        finally:
            self.closed.set()

    def stuck(self, start_response: Any) -> list[bytes]:
        self.running += 1
        assert self.let_go.wait(30)
        return self.plain(start_response)


class Visitor:
    """One request to an ASGI application."""

    def __init__(self, app: Any, path: str = "/", *parts: bytes, method: str = "GET", **more: Any) -> None:
        headers = [(b"host", b"example.com:8080"), *more.pop("headers", ())]
        self.scope: dict[str, Any] = {
            "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"q=1",
            "http_version": "1.1", "scheme": "http", "client": ("192.0.2.1", 5), "server": ("127.0.0.1", 80),
            "headers": headers, "root_path": "", **more,
        }  # fmt: skip
        self.parts = list(parts)
        self.sent: list[Message] = []
        self.news = asyncio.Event()
        self.left = asyncio.Event()
        self.room = asyncio.Event()
        self.room.set()
        self.task = asyncio.create_task(app(self.scope, self.receive, self.send))

    async def receive(self) -> Message:
        if self.parts is not None and not self.left.is_set():
            body = self.parts.pop(0) if self.parts else b""
            more = bool(self.parts)
            if not more:
                self.parts = None  # type: ignore[assignment]  # the body is over
            return {"type": "http.request", "body": body, "more_body": more}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        await self.room.wait()
        self.sent.append(message)
        self.news.set()

    async def answer(self) -> tuple[int, bytes]:
        async with asyncio.timeout(30):
            await self.task
        assert not self.sent[-1].get("more_body")
        return self.sent[0]["status"], b"".join(message.get("body", b"") for message in self.sent)


async def until(holds: Any) -> None:
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)

"""WSGI as ASGI: pages made by synchronous code in a few threads, while the event loop goes on undisturbed."""

import asyncio
from functools import partial
from typing import Final

from creative_services.server.callers.incoming import GoneError, Message, Receive, Scope, Send
from creative_services.server.control.bodies import UnreadableError, body_in
from creative_services.server.control.crew import Crew
from creative_services.server.control.environ import environ_of
from creative_services.server.control.forwarded import NOBODY, Proxies
from creative_services.server.control.handover import Handover
from creative_services.server.control.performing import Application, perform

# As many pages are made at once, and as many callers wait for a thread before the next is told to come back.
THREADS: Final = 8
WAITING: Final = 128
LARGEST_BODY: Final = 32 * 1024 * 1024


class Bridge:
    """An ASGI application over a WSGI one. All that is not HTTP is left to others."""

    __slots__ = ("_application", "_crew", "_largest_body", "_proxies")

    def __init__(
        self,
        application: Application,
        *,
        threads: int = THREADS,
        waiting: int = WAITING,
        largest_body: int = LARGEST_BODY,
        proxies: Proxies = NOBODY,
    ) -> None:
        self._application = application
        self._crew = Crew(threads, waiting=waiting)
        self._largest_body = largest_body
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            return
        if sum(name == b"host" for name, _ in scope["headers"]) > 1:
            await refuse(send, 400, "One Host header, please.")
            return
        try:
            body, length = await body_in(receive, self._largest_body)
        except GoneError:
            return
        except UnreadableError as error:
            await refuse(send, error.status, str(error))
            return
        out = Handover(asyncio.get_running_loop())
        environ = environ_of(scope, self._proxies.caller(scope), body, length)
        if not self._crew.take(partial(self._perform, environ, out)):
            body.close()
            await refuse(send, 503, "Every thread is busy. Please come back in a moment.", (b"retry-after", b"1"))
            return
        await self._carry(out, receive, send)

    def _perform(self, environ: Message, out: Handover) -> None:
        with environ["wsgi.input"]:
            if not out.left:
                perform(self._application, environ, out)

    async def _carry(self, out: Handover, receive: Receive, send: Send) -> None:
        watcher = asyncio.create_task(_watch(out, receive))
        try:
            if not await out.carry(send) and not out.left:
                await refuse(send, 500, "The server failed on this request.")
        finally:
            watcher.cancel()
            out.leave()


async def _watch(out: Handover, receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
    out.leave()


async def refuse(send: Send, status: int, words: str, *more: tuple[bytes, bytes]) -> None:
    """A whole answer in plain words."""
    body = f"{words}\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode()), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

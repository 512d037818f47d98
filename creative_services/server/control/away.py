"""The control plane seen from a worker of the data plane: in another process, behind a socket."""

import asyncio
from contextlib import suppress
from logging import getLogger

from creative_services.server.callers.incoming import Receive, Scope, Send
from creative_services.server.control import frames
from creative_services.server.control.bridge import refuse
from creative_services.server.control.forwarded import NOBODY, Caller, Proxies
from creative_services.server.control.frames import CutError, Kind

_log = getLogger("creative_services.control")


class Away:
    """Asks the process at ``path``. What proxies say is understood here, where they connect."""

    __slots__ = ("_path", "_proxies")

    def __init__(self, path: str, *, proxies: Proxies = NOBODY) -> None:
        self._path = path
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            return
        try:
            reader, writer = await asyncio.open_unix_connection(self._path)
        except OSError:
            await _refuse(send)
            return
        asking = asyncio.create_task(_ask(writer, _seen(scope, self._proxies.caller(scope)), receive))
        try:
            await _answer(reader, send)
        except CutError:
            if not asking.done():  # otherwise it was the caller who left
                _log.error("The process that makes the pages broke off its answer to %s.", scope["path"])
        finally:
            asking.cancel()
            await asyncio.wait([asking])
            writer.transport.abort()


def _seen(scope: Scope, caller: Caller) -> Scope:
    """The request as its caller made it, wherever it went through."""
    headers = [(name, value) for name, value in scope["headers"] if name != b"host"]
    hosts = sum(name == b"host" for name, _ in scope["headers"])
    headers += [(b"host", caller.host.encode("latin-1"))] * hosts
    return {**scope, "headers": headers, "scheme": caller.scheme, "client": (caller.address, 0)}


async def _ask(writer: asyncio.StreamWriter, scope: Scope, receive: Receive) -> None:
    with suppress(OSError):  # it has answered before it heard all of it, or it died: the answer tells
        await frames.write(writer, Kind.HEAD, frames.request_head(scope))
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                break
            await frames.write(writer, Kind.BODY, message.get("body", b""))
            more = message.get("more_body", False)
        else:
            await frames.write(writer, Kind.END)
            await receive()  # the caller has gone, or has its answer
        writer.transport.abort()


async def _answer(reader: asyncio.StreamReader, send: Send) -> None:
    try:
        _, head = await frames.read(reader)
    except CutError:
        await _refuse(send)
        return
    status, headers = frames.answer_of(head)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    more = True
    while more:
        kind, body = await frames.read(reader)  # cut here, half an answer must not look whole
        more = kind is not Kind.END
        await send({"type": "http.response.body", "body": body, "more_body": more})


async def _refuse(send: Send) -> None:
    with suppress(OSError):
        words = "The pages are not available at the moment; calls are answered all the same."
        await refuse(send, 503, words, (b"retry-after", b"2"))

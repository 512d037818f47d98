"""The control plane's own process: it answers workers over a socket, with threads, and never keeps them from a call."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from creative_services.server.app import App
from creative_services.server.callers.incoming import Message
from creative_services.server.control import frames
from creative_services.server.control.frames import CutError, Kind
from creative_services.server.logs import log_as_json
from creative_services.server.workers import end_with_parent

# Where cores are few, calls come first: a page may take a little longer.
_NICE: Final = 5
_BACKLOG: Final = 512
# What is under way when we are told to stop; the workers, through whom everybody came, have ended before.
_DRAIN_SECONDS: Final = 5.0


def listening(path: str) -> socket.socket:
    """A socket for workers of the same owner. A leftover of the last time is removed."""
    with suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108 - a socket's name, as bind wants it
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    os.chmod(path, 0o600)  # noqa: PTH101 - as above
    listener.listen(_BACKLOG)
    listener.set_inheritable(True)
    return listener


def run(make: Callable[[], App], listener: socket.socket) -> None:
    """The whole life of the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches everybody; the parent tells us when it is our turn
    os.nice(_NICE)
    log_as_json()
    end_with_parent()
    asyncio.run(_serve(make(), listener))


async def _serve(app: App, listener: socket.socket) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    under_way: set[asyncio.Task[None]] = set()
    server = await open_server(app, listener, under_way)
    await stop.wait()
    server.close()
    if under_way:
        await asyncio.wait(under_way, timeout=_DRAIN_SECONDS)


async def open_server(app: App, listener: socket.socket, under_way: set[asyncio.Task[None]]) -> asyncio.AbstractServer:
    """Answer whoever connects; ``under_way`` has a task for each."""

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(_talk(app, reader, writer))
        under_way.add(task)
        task.add_done_callback(under_way.discard)

    return await asyncio.start_unix_server(begin, sock=listener)


async def _talk(app: App, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(CutError, OSError):
        _, head = await frames.read(reader)
        talk = _Talk(reader, writer)
        try:
            await app(frames.scope_of(head), talk.receive, talk.send)
        except RuntimeError:  # the answer broke off: told by the missing end
            writer.transport.abort()
    writer.close()


class _Talk:
    """ASGI's ``receive`` and ``send`` over frames."""

    __slots__ = ("_reader", "_writer")

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def receive(self) -> Message:
        try:
            kind, body = await frames.read(self._reader)
        except CutError:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": body, "more_body": kind is not Kind.END}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await frames.write(self._writer, Kind.HEAD, frames.answer_head(message["status"], message["headers"]))
        elif message.get("more_body"):
            await frames.write(self._writer, Kind.BODY, message["body"])
        else:
            await frames.write(self._writer, Kind.BODY, message.get("body", b""))
            await frames.write(self._writer, Kind.END)

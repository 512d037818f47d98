"""A caller's connection: requests in, one after the other, and answers out; made for uvicorn's ``Server`` to run."""

import asyncio
from collections import deque
from logging import getLogger
from typing import Any, Final, cast
from urllib.parse import unquote

import httptools
from uvicorn.config import Config
from uvicorn.server import ServerState

from creative_services.server.callers.problems import Problem, body_of
from creative_services.server.http.exchange import Exchange, Message
from creative_services.server.http.pieces import address_of, default_lines, dialect_of, path_and_query, refusal
from creative_services.server.outbox import outbox_of

LARGEST_HEAD: Final = 64 * 1024
# From the first byte of a head to its last, and from an early refusal to the end of the body nobody reads.
HEAD_SECONDS: Final = 15.0
LINGER_SECONDS: Final = 10.0
# A caller who has just connected, or just been answered, may have sent a request that is still travelling.
FRESH_SECONDS: Final = 1.0

_log = getLogger("creative_services.http")


class _LargeHeadError(Exception):
    """Raised within the parser, which can only be stopped so."""


class GatewayProtocol(asyncio.Protocol):
    """Parses with httptools and serves one request at a time; what is pipelined behind it waits."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        if not config.loaded:
            config.load()
        self._app = config.loaded_app
        self._state = server_state
        self._connections: set[Any] = server_state.connections  # uvicorn would list its own protocols only
        self._loop = _loop or asyncio.get_running_loop()
        self._outbox = outbox_of(self._loop)
        self._keep_alive_seconds = config.timeout_keep_alive
        self._parser: httptools.HttpRequestParser | None = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport
        self._scope: Message = {}
        self._template: Message = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "root_path": config.root_path,
            "state": app_state,
        }
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._head_size = 0
        self._reading: Exchange | None = None  # whose body is coming in
        self._serving: Exchange | None = None
        self._behind: deque[Exchange] = deque()
        self._writable: asyncio.Future[None] | None = None
        self._held = False
        self._weighs = False  # so much has come that the head may be too large
        self._slow = False  # half a head has come
        self._lingering = False
        self._ends = False
        self._expects_continue = False
        self._task: asyncio.Task[None] | None = None
        self._since = 0.0  # since when there has been silence, half a head, or a body that nobody reads

    # The connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no asyncio.Transport, they only behave as one.
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self)
        self._template["scheme"] = "http" if transport.get_extra_info("sslcontext") is None else "https"
        self._template["client"] = address_of(transport.get_extra_info("peername"))
        self._template["server"] = address_of(transport.get_extra_info("sockname"))
        self._since = self._loop.time()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        self._parser = None  # it refers to us, and we to it
        self.resume_writing()
        for exchange in (self._serving, self._reading, *self._behind):
            if exchange is not None:
                exchange.lose()
        self._serving = self._reading = None
        self._behind.clear()

    def eof_received(self) -> None:
        self._outbox.flush()  # the transport closes itself now

    def data_received(self, data: bytes) -> None:
        if self._parser is None:
            return
        if self._head_size >= 0:
            self._head_size += len(data)
            self._weighs = self._head_size > LARGEST_HEAD
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._ends = True  # there is nothing to upgrade to, and what follows is no HTTP
        except httptools.HttpParserError as error:
            if isinstance(error.__context__, _LargeHeadError):
                self._refuse("head", f"The head of the request is larger than {LARGEST_HEAD} bytes.")
            else:
                self._refuse("shape", f"These bytes are no request: {error}.")
        else:
            if self._head_size > 0:
                self._half_a_head()

    def _half_a_head(self) -> None:
        if self._head_size > LARGEST_HEAD:
            self._refuse("head", f"The head of the request is larger than {LARGEST_HEAD} bytes.")
        elif not self._slow:
            self._slow, self._since = True, self._loop.time()

    def pause_writing(self) -> None:
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    # The parser's words

    def on_message_begin(self) -> None:
        self._url = b""
        self._headers = []
        self._expects_continue = False

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"expect":
            self._expects_continue = value.lower() == b"100-continue"
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        parser = self._parser
        assert parser is not None
        self._head_size, self._slow = -1, False
        if self._weighs and sum(len(name) + len(value) + 4 for name, value in self._headers) > LARGEST_HEAD:
            raise _LargeHeadError
        scope = self._template.copy()
        scope["method"] = parser.get_method().decode("ascii")
        scope["headers"] = self._headers
        scope["raw_path"], scope["query_string"] = path_and_query(self._url)
        path = scope["raw_path"].decode("latin-1")
        scope["path"] = unquote(path) if "%" in path else path
        self._reading = exchange = Exchange(self, self._loop, scope, expects_continue=self._expects_continue)
        exchange.keep_alive = parser.should_keep_alive()
        if not exchange.keep_alive and parser.get_http_version() == "1.0":
            scope["http_version"] = "1.0"
        if self._serving is None:
            self._serve(exchange)
        else:
            self._behind.append(exchange)
            self.hold()

    def on_body(self, body: bytes) -> None:
        if self._reading is not None:
            self._reading.feed(body)

    def on_message_complete(self) -> None:
        self._head_size = 0
        exchange, self._reading = self._reading, None
        if exchange is not None:
            exchange.end()
        if self._lingering:
            self._close()

    # Serving

    def _serve(self, exchange: Exchange) -> None:
        self._serving = exchange
        self._task = self._loop.create_task(self._run(exchange))

    async def _run(self, exchange: Exchange) -> None:
        try:
            await self._app(exchange.scope, exchange.receive, exchange.send)
        except Exception:  # noqa: BLE001 - whatever an application raises, its caller gets an answer
            _log.exception("The application failed on %s %s.", exchange.scope["method"], exchange.scope["path"])
        finally:
            if not exchange.complete and not exchange.gone:
                await self._failed(exchange)

    async def _failed(self, exchange: Exchange) -> None:
        if not exchange.begin_anew():
            self._transport.abort()  # half an answer must not look like a whole one
            return
        body = body_of(Problem("own", "The server failed on this request."), dialect_of(exchange.scope["path"]), "")
        length = str(len(body)).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", length), (b"connection", b"close")]
        await exchange.send({"type": "http.response.start", "status": 500, "headers": headers})
        await exchange.send({"type": "http.response.body", "body": body})

    def answered(self, exchange: Exchange) -> None:
        """The answer is complete: the next request's turn, or the connection's end."""
        self._serving = None
        if not exchange.keep_alive:
            self._end(exchange)
        elif self._behind:
            self._serve(self._behind.popleft())
        else:
            self._since = self._loop.time()
        self.go_on()

    def _end(self, exchange: Exchange) -> None:
        if exchange.whole:
            self._close()
            return
        # To close now would reset the connection under the caller's feet, and the answer with it: what the caller
        # still sends is read and forgotten first.
        self._lingering, self._since = True, self._loop.time()

    def _refuse(self, kind: str, words: str) -> None:
        """The bytes are no request. Answers that are under way come first; this one is then the connection's last."""
        self._parser = None
        self._forget_half_read()
        if self._serving is not None or self._behind:
            self._ends = True
            return
        self.write(refusal(Problem(kind, words), dialect_of(self._url.decode("latin-1"))))
        self._close()

    def _forget_half_read(self) -> None:
        """The request whose body broke off will never be whole: nobody waits for it any longer."""
        exchange, self._reading = self._reading, None
        if exchange is None or exchange.started:
            return
        exchange.lose()
        if exchange is self._serving:
            self._serving = None
        else:
            self._behind.remove(exchange)

    def _close(self) -> None:
        self._outbox.flush()
        self._transport.close()

    # What an exchange asks of its connection

    def write(self, data: bytes) -> None:
        """Send."""
        self._outbox.put(self._transport, data)

    def blocked(self) -> asyncio.Future[None] | None:
        """What to wait for before sending more; None when more may be sent at once."""
        return self._writable

    def hold(self) -> None:
        """Take no more from the caller for now."""
        if not self._held and not self._transport.is_closing():
            self._held = True
            self._transport.pause_reading()

    def go_on(self) -> None:
        """Take more again, unless requests are waiting already."""
        if self._held and not self._behind and not self._transport.is_closing():
            self._held = False
            self._transport.resume_reading()

    def default_head(self) -> bytes:
        """Header lines that every answer has; uvicorn makes a new list of them once a second."""
        return default_lines(self._state.default_headers)

    @property
    def last(self) -> bool:
        """Whether the connection ends after this answer, whatever the request says."""
        return self._ends or (getattr(self._state, "lame", False) and not self._behind)

    # What the server asks

    def shutdown(self) -> None:
        """End as soon as nothing is under way, nor on its way to us."""
        self._ends = True
        if self._serving is None:
            self._loop.call_later(FRESH_SECONDS, self._close_idle)

    def _close_idle(self) -> None:
        if self._serving is None and not self._lingering:
            self._close()

    def sweep(self, now: float) -> None:
        """Called once a second: end what has been idle, half said or lingering for too long."""
        silent = now - self._since
        if self._lingering:
            if silent > LINGER_SECONDS:
                self._transport.abort()
        elif self._serving is None:
            if self._slow and silent > HEAD_SECONDS:
                self._refuse("slow", "The head of the request did not arrive in time.")
            elif not self._slow and silent > self._keep_alive_seconds:
                self._close()

"""The server itself: started in its own thread or in the running loop, scripted from anywhere."""

import asyncio
import threading
from collections.abc import Iterable
from concurrent.futures import Future
from types import TracebackType
from typing import Self

from creative_services.testing.vendors.connection import Connection
from creative_services.testing.vendors.desk import Desk, Standing
from creative_services.testing.vendors.replies import Reply
from creative_services.testing.vendors.scripts import Entry
from creative_services.testing.vendors.seen import Seen

REMEMBERED = 10_000  # requests: more than any test reads, little enough that a benchmark's memory stays flat
HIGHEST_PORT = 65_535


class VendorServer:
    """OpenAI, Anthropic, Groq and Ollama on one port of this machine, saying what they are told to.

    `with VendorServer() as server:` runs it in a thread of its own, `async with` in the running loop.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        default: Reply | None = None,
        remember: int = REMEMBERED,
    ) -> None:
        if not 0 <= port <= HIGHEST_PORT:
            raise ValueError(f"VendorServer: port {port} does not exist; choose 0 for any free one, or 1 to 65535.")
        self._host, self._port = host, port
        self._url: str | None = None
        self._desk = Desk(default=default or Reply(), remember=remember)
        self._connections: set[Connection] = set()
        self._listener: asyncio.Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._thread: threading.Thread | None = None

    # Where it is

    @property
    def url(self) -> str:
        """Where the server listens; it stays the same after `close`, for clients that find nobody there."""
        if self._url is None:
            raise RuntimeError("This server has no address yet: start it with `with VendorServer() as server:`.")
        return self._url

    @property
    def openai_url(self) -> str:
        """The `base_url` for OpenAI's SDK."""
        return f"{self.url}/v1"

    @property
    def anthropic_url(self) -> str:
        """The `base_url` for Anthropic's SDK."""
        return self.url

    @property
    def groq_url(self) -> str:
        """The `base_url` for Groq's SDK, which adds /openai/v1 itself."""
        return self.url

    @property
    def ollama_url(self) -> str:
        """The host for Ollama's clients."""
        return self.url

    # What it says

    def script(self, *entries: Entry) -> None:
        """Tell the next requests, in this order; after them comes the default answer again."""
        self._desk.scripts.add(*entries)

    def script_for(self, model: str, *entries: Entry) -> None:
        """Tell the next requests of one model, whatever others are told."""
        self._desk.scripts.add_for(model, *entries)

    @property
    def unused(self) -> int:
        """How many scripted entries no request has taken yet."""
        return len(self._desk.scripts)

    @property
    def default(self) -> Reply:
        """The answer of every request that no script speaks to."""
        return self._desk.standing.reply

    @default.setter
    def default(self, reply: Reply) -> None:
        self._desk.standing = Standing(reply)

    def require_keys(self, keys: Iterable[str]) -> None:
        """Answer every other key with the vendor's 401; no keys lets every one in again."""
        self._desk.keys = frozenset(keys)

    @property
    def models(self) -> dict[str, tuple[str, ...]]:
        """The models each vendor lists, by the vendor's name; yours to change. Chats take any model."""
        return self._desk.models

    # What it saw

    @property
    def requests(self) -> list[Seen]:
        """The requests so far, oldest first; only the last `remember` of them."""
        return self._desk.log.all()

    @property
    def open_connections(self) -> int:
        """How many connections are open now."""
        return len(self._connections)

    def wait_requests(self, count: int = 1, timeout: float = 5.0) -> list[Seen]:
        """Block until so many requests have arrived, answered or not."""
        self._refuse_own_loop("arrived")
        return self._desk.log.wait_requests(count, timeout)

    async def arrived(self, count: int = 1, timeout: float = 5.0) -> list[Seen]:
        """The same as `wait_requests`, for coroutines."""
        return await asyncio.to_thread(self._desk.log.wait_requests, count, timeout)

    def wait_cancelled(self, timeout: float = 5.0) -> Seen:
        """Block until a request in flight saw its client go away; each one is handed out once."""
        self._refuse_own_loop("cancelled")
        return self._desk.log.wait_cancelled(timeout)

    async def cancelled(self, timeout: float = 5.0) -> Seen:
        """The same as `wait_cancelled`, for coroutines."""
        return await asyncio.to_thread(self._desk.log.wait_cancelled, timeout)

    def _refuse_own_loop(self, twin: str) -> None:
        # To block this loop would be to wait for a server that cannot move.
        if self._loop is not None and self._loop is _running_loop():
            raise RuntimeError(f"The server runs in this very loop: use `await server.{twin}()` here.")

    def clear(self) -> None:
        """Forget scripts, requests and keys, as between two tests that share a server."""
        self._desk.scripts.clear()
        self._desk.log.clear()
        self._desk.keys = frozenset()

    # Its life

    def start(self) -> None:
        """Listen, in a thread of its own; returns once clients can connect."""
        started: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, args=(started,), name="vendor-server", daemon=True)
        self._thread.start()
        try:
            started.result()
        except OSError:
            self._thread = None
            raise

    def close(self) -> None:
        """Stop listening and close every connection."""
        if self._thread is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
            self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        await self._listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._leave()

    def _run(self, started: "Future[None]") -> None:
        asyncio.run(self._serve(started))

    async def _serve(self, started: "Future[None]") -> None:
        try:
            await self._listen()
        except OSError as error:
            started.set_exception(error)
            return
        started.set_result(None)
        await self._stop.wait()
        await self._leave()

    async def _listen(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._listener = await self._loop.create_server(
            lambda: Connection(self._desk, self._connections), self._host, self._port, backlog=1024
        )
        port = self._listener.sockets[0].getsockname()[1]
        self._url = f"http://{self._host}:{port}"

    async def _leave(self) -> None:
        await self._stop_listening()
        await asyncio.gather(*(connection.shut() for connection in list(self._connections)))

    async def _stop_listening(self) -> None:
        if self._listener is None or self._loop is None:
            return
        # A socket accepted just now becomes a connection two turns of the loop later. asyncio forgets it if the
        # listener closes in between, and its client would wait for ever: so stop accepting, then wait, then close.
        for listening in self._listener.sockets:
            self._loop.remove_reader(listening.fileno())
        for _ in range(3):
            await asyncio.sleep(0)
        self._listener.close()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None

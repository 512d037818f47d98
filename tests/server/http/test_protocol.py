"""The server's half of HTTP/1.1, with small applications behind it."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from uvicorn.config import Config

from creative_services.server.http.protocol import GatewayProtocol
from creative_services.server.http.server import GatewayServer
from tests.server.wires import exchanged, status_of

Run = Callable[..., Awaitable[tuple[GatewayServer, int]]]
GET = b"GET /a%20b?c=d HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.fixture
async def run() -> AsyncIterator[Run]:
    """``await run(app)`` serves it; the server and its port."""
    running: list[tuple[GatewayServer, asyncio.Task[None]]] = []

    async def start(app: Any, **config: Any) -> tuple[GatewayServer, int]:
        listener = socket.create_server(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        given = {"http": GatewayProtocol, "lifespan": "off", "log_config": None, "interface": "asgi3", **config}
        server = GatewayServer(Config(app, **given), on_lame=lambda: None, drain_seconds=0.3)
        running.append((server, asyncio.create_task(server._serve([listener]))))
        while not server.started:
            await asyncio.sleep(0.005)
        return server, port

    yield start
    for server, task in running:
        server.should_exit = True
        await task


def answering(body: bytes, *, status: int = 200, headers: Any = ()) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


async def test_what_an_application_is_told(run: Run) -> None:
    seen: dict[str, Any] = {}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.update(scope)
        seen["message"] = await receive()
        await answering(b"")(scope, receive, send)

    _, port = await run(app)
    await exchanged(port, b"POST /a%20b?c=%64 HTTP/1.1\r\nHost: x\r\nX-A: b\r\ncontent-length: 3\r\n\r\nabc")
    assert (seen["method"], seen["path"], seen["raw_path"], seen["query_string"]) == (
        "POST",
        "/a b",
        b"/a%20b",
        b"c=%64",
    )
    assert seen["headers"] == [(b"host", b"x"), (b"x-a", b"b"), (b"content-length", b"3")]
    assert (seen["http_version"], seen["scheme"], seen["server"]) == ("1.1", "http", ("127.0.0.1", port))
    assert seen["message"] == {"type": "http.request", "body": b"abc", "more_body": False}


async def test_an_answer_without_a_length_is_chunked(run: Run) -> None:
    _, port = await run(answering(b"hello"))
    assert (await exchanged(port, GET)).endswith(b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")


async def test_a_head_asked_for_alone(run: Run) -> None:
    _, port = await run(answering(b"hello", headers=[(b"content-length", b"5")]))
    answer = await exchanged(port, GET.replace(b"GET", b"HEAD") + GET)
    assert answer.count(b"content-length: 5") == 2
    assert answer.count(b"hello") == 1


@pytest.mark.parametrize("status", [204, 304])
async def test_answers_that_have_no_body(run: Run, status: int) -> None:
    _, port = await run(answering(b"", status=status))
    answer = await exchanged(port, GET + GET)
    assert b"chunked" not in answer
    assert answer.count(b"HTTP/1.1") == 2


async def test_an_address_as_a_proxy_is_asked(run: Run) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await answering(scope["path"].encode())(scope, receive, send)

    _, port = await run(app)
    assert b"/v1/x" in await exchanged(port, b"GET http://somewhere.test/v1/x HTTP/1.1\r\nhost: x\r\n\r\n")


async def test_an_application_that_fails_at_once(run: Run) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("oh")

    _, port = await run(app)
    answer = await exchanged(port, GET)
    assert status_of(answer) == 500
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "internal_error"
    assert b"oh" not in answer


async def test_an_application_that_fails_half_way_leaves_no_answer_that_looks_whole(run: Run) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise RuntimeError("oh")

    _, port = await run(app)
    answer = await exchanged(port, GET)
    assert not answer.endswith(b"0\r\n\r\n")


async def test_an_application_that_fails_before_its_first_byte_is_out(run: Run) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
        raise RuntimeError("oh")

    _, port = await run(app)
    assert status_of(await exchanged(port, GET)) == 500


@pytest.mark.parametrize(
    "headers",
    [[(b"x-a", b"b\r\nset-cookie: c")], [(b"x-a", b"b\nc")], [(b"x\r\ny", b"b")], [(b"x-a", b"b\r")]],
)
async def test_a_line_break_in_a_header_is_no_header(run: Run, headers: Any) -> None:
    _, port = await run(answering(b"", headers=headers))
    answer = await exchanged(port, GET)
    assert status_of(answer) == 500
    assert b"set-cookie" not in answer


@pytest.mark.parametrize(("length", "body"), [(b"3", b"four"), (b"9", b"four")])
async def test_a_length_that_is_not_true(run: Run, length: bytes, body: bytes) -> None:
    _, port = await run(answering(body, headers=[(b"content-length", length)]))
    answer = await exchanged(port, GET)
    assert status_of(answer) != 200 or not answer.endswith(body)


async def test_a_caller_who_leaves_is_a_message(run: Run) -> None:
    left = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        assert (await receive())["type"] == "http.disconnect"
        left.set()

    _, port = await run(app)
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(GET)
    await asyncio.sleep(0.05)
    writer.close()
    await asyncio.wait_for(left.wait(), 5)


async def test_a_large_body_waits_for_its_reader(run: Run) -> None:
    sizes: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        more = True
        while more:
            message = await receive()
            sizes.append(len(message["body"]))
            more = message["more_body"]
            await asyncio.sleep(0)
        await answering(b"ok")(scope, receive, send)

    _, port = await run(app)
    answer = await exchanged(port, b"POST / HTTP/1.1\r\ncontent-length: 20000000\r\n\r\n" + b"x" * 20_000_000)
    assert status_of(answer) == 200
    assert sum(sizes) == 20_000_000
    assert max(sizes) < 1_000_000


async def test_a_body_nobody_reads_is_in_nobodys_way(run: Run) -> None:
    _, port = await run(answering(b"early"))
    answer = await exchanged(port, b"POST / HTTP/1.1\r\ncontent-length: 3000000\r\n\r\n" + b"x" * 3_000_000 + GET)
    assert answer.count(b"early") == 2


async def test_told_to_stop_it_answers_what_is_under_way_and_says_that_it_ends(run: Run) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0.2)
        await answering(b"done")(scope, receive, send)

    server, port = await run(app)
    under_way = asyncio.create_task(exchanged(port, GET))
    await asyncio.sleep(0.05)
    server.should_exit = True
    await asyncio.sleep(0.15)
    late = await exchanged(port, GET)
    for answer in (await under_way, late):
        assert status_of(answer) == 200
        assert b"connection: close" in answer


async def test_silent_connections_are_closed_and_busy_ones_are_not(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("creative_services.server.http.protocol.HEAD_SECONDS", 0.1)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(1.8)
        await answering(b"late")(scope, receive, send)

    _, port = await run(app, timeout_keep_alive=0.1)
    busy = asyncio.create_task(exchanged(port, GET))
    half = asyncio.create_task(exchanged(port, b"GET / HTTP/1.1\r\nx-a: "))
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
    assert status_of(await half) == 408
    assert b"late" in await busy


async def test_old_http_is_kept_alive_only_if_asked(run: Run) -> None:
    _, port = await run(answering(b"x", headers=[(b"content-length", b"1")]))
    once = await exchanged(port, b"GET / HTTP/1.0\r\n\r\n" * 2)
    assert once.count(b"HTTP/1.1 200") == 1
    twice = await exchanged(port, b"GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n" * 2)
    assert twice.count(b"HTTP/1.1 200") == 2


async def test_an_upgrade_is_not_understood_and_harms_nobody(run: Run) -> None:
    _, port = await run(answering(b"plain"))
    upgrade = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"
    assert b"plain" in await exchanged(port, upgrade)

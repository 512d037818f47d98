"""What the gateway's way to vendors must be able to do, whoever goes it."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from creative_services.server.upstream.connection import LARGEST_ANSWER, LARGEST_HEAD
from creative_services.server.upstream.origins import Origin, Proxy, Target
from creative_services.server.upstream.pooled import PooledLeg
from tests.server.upstream.endpoint import Endpoint, chunk, saying, whole

CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-type: text/event-stream\r\n\r\n"


def target(endpoint: Endpoint, **origin: Any) -> Target:
    given = {"host": "127.0.0.1", "port": endpoint.port, **origin}
    return Target(origin=Origin(**given), head=b"POST /v1/x HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk-1\r\n")


@pytest.fixture
async def leg() -> AsyncIterator[PooledLeg]:
    made = PooledLeg(now=time.monotonic)
    await made.start()
    yield made
    await made.stop()


async def asked(leg: PooledLeg, to: Target, body: bytes = b"{}") -> bytes:
    answer = await leg.ask(to, body)
    content = answer.taken()
    answer.close()
    return content


class TestWholeAnswers:
    async def test_counted(self, leg: PooledLeg) -> None:
        async with Endpoint(saying(whole(b"hello", headers="X-Odd:  Value \r\n"))) as endpoint:
            answer = await leg.ask(target(endpoint), b'{"a":1}')
            assert (answer.status, answer.taken(), answer.headers["x-odd"]) == (200, b"hello", "Value")
            assert endpoint.seen == [
                b"POST /v1/x HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk-1\r\ncontent-length: 7\r\n\r\n"
                + b'{"a":1}'
            ]

    async def test_chunked(self, leg: PooledLeg) -> None:
        answer = CHUNKED + chunk(b"hel") + b"2;name=value\r\nlo\r\n" + b"0\r\nx-trailer: y\r\n\r\n"
        async with Endpoint(saying(answer)) as endpoint:
            assert await asked(leg, target(endpoint)) == b"hello"

    async def test_ended_by_the_connections_end(self, leg: PooledLeg) -> None:
        async with Endpoint(saying(b"HTTP/1.1 200 OK\r\nx-a: b\r\n\r\nhello", close=True)) as endpoint:
            assert await asked(leg, target(endpoint)) == b"hello"

    async def test_old_http(self, leg: PooledLeg) -> None:
        async with Endpoint(saying(b"HTTP/1.0 200 OK\r\n\r\nhello", close=True)) as endpoint:
            assert await asked(leg, target(endpoint)) == b"hello"

    async def test_byte_by_byte(self, leg: PooledLeg) -> None:
        async def slowly(_: Endpoint, __: Any, writer: asyncio.StreamWriter, ___: bytes) -> None:
            for byte in CHUNKED + chunk(b"hello") + b"0\r\n\r\n":
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0)

        async with Endpoint(slowly) as endpoint:
            assert await asked(leg, target(endpoint)) == b"hello"

    async def test_nothing_at_all_in_it(self, leg: PooledLeg) -> None:
        async with Endpoint(saying(whole(b""))) as endpoint:
            assert await asked(leg, target(endpoint)) == b""

    async def test_hints_before_the_answer(self, leg: PooledLeg) -> None:
        hints = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
        async with Endpoint(saying(hints + whole(b"hello", headers="x-a: b\r\n"))) as endpoint:
            answer = await leg.ask(target(endpoint), b"{}")
            assert (answer.status, answer.taken(), answer.headers["x-a"]) == (200, b"hello", "b")

    async def test_twenty_megabytes_both_ways(self, leg: PooledLeg) -> None:
        async with Endpoint(saying(whole(b"y" * 20_000_000))) as endpoint:
            assert len(await asked(leg, target(endpoint), b"x" * 20_000_000)) == 20_000_000
            assert endpoint.seen[0].endswith(b"x" * 1000)

    async def test_a_status_is_no_error_here(self, leg: PooledLeg) -> None:
        async with Endpoint(saying(whole(b"no", status="429 Slow Down", headers="retry-after: 7\r\n"))) as endpoint:
            answer = await leg.ask(target(endpoint), b"{}", streamed=True)
            assert (answer.status, answer.headers["retry-after"], await answer.whole()) == (429, "7", b"no")


class TestStreams:
    async def test_pieces_come_when_they_come(self, leg: PooledLeg) -> None:
        go_on = asyncio.Event()

        async def play(_: Endpoint, __: Any, writer: asyncio.StreamWriter, ___: bytes) -> None:
            writer.write(CHUNKED + chunk(b"one"))
            await go_on.wait()
            writer.write(chunk(b"two") + b"0\r\n\r\n")

        async with Endpoint(play) as endpoint:
            answer = await leg.ask(target(endpoint), b"{}", streamed=True)
            assert await answer.piece() == b"one"
            go_on.set()
            assert (await answer.piece(), await answer.piece(), await answer.piece()) == (b"two", b"", b"")
            answer.close()
            assert await asked(leg, target(endpoint)) == b"onetwo"
            assert endpoint.connections == 1

    async def test_a_slow_reader_holds_the_vendor_back(self, leg: PooledLeg) -> None:
        sent = 0

        async def flood(_: Endpoint, __: Any, writer: asyncio.StreamWriter, ___: bytes) -> None:
            nonlocal sent
            writer.write(CHUNKED)
            for _ in range(1000):
                writer.write(chunk(b"x" * 50_000))
                await writer.drain()
                sent += 50_000
            writer.write(b"0\r\n\r\n")

        async with Endpoint(flood) as endpoint:
            answer = await leg.ask(target(endpoint), b"{}", streamed=True)
            await asyncio.sleep(0.3)
            held = sent
            assert held < 20_000_000, "nobody reads, and the vendor goes on"
            size = 0
            while piece := await answer.piece():
                size += len(piece)
            assert size == 50_000_000
            answer.close()

    async def test_closed_amid_a_stream_the_vendor_is_stopped(self, leg: PooledLeg) -> None:
        async def forever(_: Endpoint, __: Any, writer: asyncio.StreamWriter, ___: bytes) -> None:
            writer.write(CHUNKED)
            while True:
                writer.write(chunk(b"x"))
                await writer.drain()
                await asyncio.sleep(0.01)

        async with Endpoint(forever) as endpoint:
            answer = await leg.ask(target(endpoint), b"{}", streamed=True)
            answer.close()
            await asyncio.wait_for(endpoint.lost.wait(), 5)

    async def test_interrupted_whoever_waits_is_told(self, leg: PooledLeg) -> None:
        async def silent(_: Endpoint, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ___: bytes) -> None:
            writer.write(CHUNKED + chunk(b"one"))
            await reader.read()

        async with Endpoint(silent) as endpoint:
            answer = await leg.ask(target(endpoint), b"{}", streamed=True)
            await answer.piece()
            waiting = asyncio.create_task(answer.piece())
            await asyncio.sleep(0.01)
            answer.interrupt(TimeoutError("too long"))
            with pytest.raises(TimeoutError, match="too long"):
                await waiting
            answer.close()
            await asyncio.wait_for(endpoint.lost.wait(), 5)

    async def test_cut_amid_a_stream(self, leg: PooledLeg) -> None:
        async with Endpoint(saying(CHUNKED + chunk(b"one") + b"5\r\nab", close=True)) as endpoint:
            answer = await leg.ask(target(endpoint), b"{}", streamed=True)
            got = await answer.piece()
            with pytest.raises(ConnectionError):
                while piece := await answer.piece():
                    got += piece
            assert got == b"oneab"
            answer.close()


class TestBrokenAnswers:
    @pytest.mark.parametrize(
        "answer",
        [
            b"", b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", CHUNKED + b"5\r\nab",
            b"hello, this is no HTTP\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n", CHUNKED + b"zz\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\nhello",
            b"HTTP/1.1 101 Switching\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
            b"\x16\x03\x01" * 20, b"HTTP/1.1 200 OK\r\n" + b"x-long: " + b"a" * LARGEST_HEAD * 2,
        ],
    )  # fmt: skip
    async def test_is_a_connection_error(self, leg: PooledLeg, answer: bytes) -> None:
        async with Endpoint(saying(answer, close=True)) as endpoint:
            with pytest.raises(ConnectionError):
                await asked(leg, target(endpoint))

    async def test_larger_than_any_answer(self, leg: PooledLeg, monkeypatch: pytest.MonkeyPatch) -> None:
        assert LARGEST_ANSWER > 100_000_000
        monkeypatch.setattr("creative_services.server.upstream.connection.LARGEST_ANSWER", 1000)
        async with Endpoint(saying(whole(b"x" * 2000))) as endpoint:
            with pytest.raises(ConnectionError, match="larger"):
                await asked(leg, target(endpoint))

    async def test_nobody_there(self, leg: PooledLeg) -> None:
        async with Endpoint(saying(b"")) as endpoint:
            gone = target(endpoint)
        with pytest.raises(OSError):
            await asked(leg, gone)

    async def test_a_name_nobody_has(self, leg: PooledLeg) -> None:
        nowhere = Target(origin=Origin(host="no-such-host.invalid", port=80), head=b"POST / HTTP/1.1\r\n")
        with pytest.raises(OSError):
            await asked(leg, nowhere)

    async def test_nobody_picks_up(self, leg: PooledLeg, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("creative_services.server.upstream.dialling.CONNECT_SECONDS", 0.1)

        async def never(*_: Any, **__: Any) -> None:
            await asyncio.sleep(10)

        monkeypatch.setattr("creative_services.server.upstream.dialling._reach", never)
        with pytest.raises(ConnectionError, match=r"within 0\.1 s"):
            await asked(leg, Target(origin=Origin(host="127.0.0.1", port=9), head=b""))


class TestKeptConnections:
    async def test_one_for_one_caller_after_the_other(self, leg: PooledLeg) -> None:
        async with Endpoint(saying(whole(b"x"))) as endpoint:
            for _ in range(20):
                await asked(leg, target(endpoint))
            assert endpoint.connections == 1

    async def test_as_many_as_callers_at_once_and_then_again_the_same(self, leg: PooledLeg) -> None:
        async def late(_: Endpoint, __: Any, writer: asyncio.StreamWriter, ___: bytes) -> None:
            await asyncio.sleep(0.05)
            writer.write(whole(b"x"))

        async with Endpoint(late) as endpoint:
            for _ in range(3):
                await asyncio.gather(*(asked(leg, target(endpoint)) for _ in range(30)))
            assert endpoint.connections == 30

    async def test_a_vendor_that_wants_it_closed(self, leg: PooledLeg) -> None:
        async with Endpoint(saying(whole(b"x", headers="connection: close\r\n"), close=True)) as endpoint:
            for _ in range(3):
                assert await asked(leg, target(endpoint)) == b"x"
            assert endpoint.connections == 3

    async def test_closed_in_the_meantime(self, leg: PooledLeg) -> None:
        async with Endpoint(saying(whole(b"x"), close=True)) as endpoint:
            for _ in range(5):
                assert await asked(leg, target(endpoint)) == b"x"
                await asyncio.sleep(0.02)

    async def test_closed_under_the_request(self, leg: PooledLeg) -> None:
        """The vendor's patience with an idle connection ends just as the next request is sent on it."""
        count = 0

        async def play(_: Endpoint, __: Any, writer: asyncio.StreamWriter, ___: bytes) -> None:
            nonlocal count
            count += 1
            if count == 2:
                writer.transport.abort()
            else:
                writer.write(whole(b"x"))

        async with Endpoint(play) as endpoint:
            assert await asked(leg, target(endpoint)) == b"x"
            assert await asked(leg, target(endpoint)) == b"x"
            assert count == 3

    async def test_a_request_that_kills_its_vendor_is_not_sent_again_and_again(self, leg: PooledLeg) -> None:
        async with Endpoint(saying(b"", close=True)) as endpoint:
            with pytest.raises(ConnectionError):
                await asked(leg, target(endpoint))
            assert len(endpoint.seen) == 1

    async def test_what_comes_unasked_is_no_answer_to_the_next_request(self, leg: PooledLeg) -> None:
        async with Endpoint(saying(whole(b"first") + whole(b"poison"))) as endpoint:
            assert await asked(leg, target(endpoint)) == b"first"
            assert await asked(leg, target(endpoint)) == b"first"
            assert endpoint.connections == 2

    async def test_what_comes_unasked_later_is_none_either(self, leg: PooledLeg) -> None:
        async def play(_: Endpoint, __: Any, writer: asyncio.StreamWriter, ___: bytes) -> None:
            writer.write(whole(b"first"))
            await asyncio.sleep(0.02)
            writer.write(whole(b"poison"))

        async with Endpoint(play) as endpoint:
            assert await asked(leg, target(endpoint)) == b"first"
            await asyncio.sleep(0.1)
            assert await asked(leg, target(endpoint)) == b"first"

    async def test_idle_ones_are_closed(self, leg: PooledLeg, monkeypatch: pytest.MonkeyPatch) -> None:
        for module in ("pool", "pooled"):
            monkeypatch.setattr(f"creative_services.server.upstream.{module}.IDLE_SECONDS", 0.05)
        async with Endpoint(saying(whole(b"x"))) as endpoint:
            await asked(leg, target(endpoint))
            await asyncio.wait_for(endpoint.lost.wait(), 5)


class TestCancellation:
    async def test_a_given_up_request_stops_its_vendor(self, leg: PooledLeg) -> None:
        async def silent(_: Endpoint, reader: asyncio.StreamReader, __: Any, ___: bytes) -> None:
            await reader.read()

        async with Endpoint(silent) as endpoint:
            waiting = asyncio.create_task(asked(leg, target(endpoint)))
            while not endpoint.seen:
                await asyncio.sleep(0.005)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            await asyncio.wait_for(endpoint.lost.wait(), 5)

    async def test_a_hundred_given_up_leave_nothing_behind(self, leg: PooledLeg) -> None:
        async def late(_: Endpoint, __: Any, writer: asyncio.StreamWriter, ___: bytes) -> None:
            await asyncio.sleep(0.05)
            writer.write(whole(b"x"))

        async with Endpoint(late) as endpoint:
            to = target(endpoint)
            waiting = [asyncio.create_task(asked(leg, to)) for _ in range(100)]
            await asyncio.sleep(0.02)
            for place, task in enumerate(waiting):
                if place % 2:
                    task.cancel()
            done = await asyncio.gather(*waiting, return_exceptions=True)
            assert done.count(b"x") == 50
            assert await asked(leg, to) == b"x"
            await asyncio.sleep(0.05)
            assert len(leg._pools[to.origin]._open) == 50


class TestLimits:
    async def test_no_more_connections_than_allowed_and_everyone_has_a_turn(
        self, leg: PooledLeg, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def late(_: Endpoint, __: Any, writer: asyncio.StreamWriter, ___: bytes) -> None:
            await asyncio.sleep(0.01)
            writer.write(whole(b"x"))

        async with Endpoint(late) as endpoint:
            to = target(endpoint)
            leg._pool(to.origin).most = 3
            waiting = [asyncio.create_task(asked(leg, to)) for _ in range(30)]
            await asyncio.sleep(0.02)
            waiting[-1].cancel()
            done = await asyncio.gather(*waiting, return_exceptions=True)
            assert done.count(b"x") == 29
            assert endpoint.connections == 3


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's and a client's context, of an authority that exists for this test only."""
    from tests.server.upstream.authority import contexts

    return contexts(tmp_path)


class TestTLS:
    async def test_through_tls(self, leg: PooledLeg, certificate: Any) -> None:
        ours, theirs = certificate
        async with Endpoint(saying(whole(b"safe")), tls=theirs) as endpoint:
            to = target(endpoint, host="localhost", tls=ours)
            for _ in range(3):
                assert await asked(leg, to, b"x" * 100_000) == b"safe"
            assert endpoint.connections == 1

    async def test_a_certificate_of_another_name(self, leg: PooledLeg, certificate: Any) -> None:
        ours, theirs = certificate
        async with Endpoint(saying(whole(b"safe")), tls=theirs) as endpoint:
            with pytest.raises(ssl.SSLCertVerificationError):
                await asked(leg, target(endpoint, host="127.0.0.1", tls=ours))

    async def test_an_authority_nobody_knows(self, leg: PooledLeg, certificate: Any) -> None:
        _, theirs = certificate
        async with Endpoint(saying(whole(b"safe")), tls=theirs) as endpoint:
            with pytest.raises(ssl.SSLCertVerificationError):
                await asked(leg, target(endpoint, host="localhost", tls=ssl.create_default_context()))


async def relaying(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A proxy: opens a tunnel to where CONNECT says."""
    head = await reader.readuntil(b"\r\n\r\n")
    _, there, _ = head.split(b" ", 2)
    host, _, port = there.decode().rpartition(":")
    if b"proxy-authorization: Basic dXNlcjpwYXNz" not in head:
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
        writer.close()
        return
    further_reader, further_writer = await asyncio.open_connection(host, int(port))
    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            sink.write(data)
        sink.close()

    await asyncio.gather(pump(reader, further_writer), pump(further_reader, writer), return_exceptions=True)


class TestProxies:
    async def test_a_tunnel_for_tls(self, leg: PooledLeg, certificate: Any) -> None:
        ours, theirs = certificate
        proxy = await asyncio.start_server(relaying, "127.0.0.1", 0)
        at = f"http://user:pass@127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
        async with Endpoint(saying(whole(b"safe")), tls=theirs) as endpoint, proxy:
            to = target(endpoint, host="localhost", tls=ours, proxy=Proxy.of(at))
            assert [await asked(leg, to) for _ in range(2)] == [b"safe", b"safe"]
            assert endpoint.connections == 1
            await leg.stop()

    async def test_a_tunnel_refused(self, leg: PooledLeg, certificate: Any) -> None:
        ours, theirs = certificate
        proxy = await asyncio.start_server(relaying, "127.0.0.1", 0)
        at = f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
        async with Endpoint(saying(whole(b"safe")), tls=theirs) as endpoint, proxy:
            with pytest.raises(ConnectionError, match="407"):
                await asked(leg, target(endpoint, host="localhost", tls=ours, proxy=Proxy.of(at)))

    async def test_plain_requests_are_handed_to_the_proxy(self, leg: PooledLeg) -> None:
        async with Endpoint(saying(whole(b"through"))) as proxy:
            to = target(proxy, host="vendor.invalid", port=80, proxy=Proxy.of(f"http://127.0.0.1:{proxy.port}"))
            assert await asked(leg, to) == b"through"

    @pytest.mark.parametrize("url", ["socks5://127.0.0.1:1080", "https://proxy.test:8443", "http://"])
    def test_a_proxy_of_another_kind_is_declined_plainly(self, url: str) -> None:
        with pytest.raises(ValueError, match="http://"):
            Proxy.of(url)

    def test_a_proxys_password_shows_in_no_repr(self) -> None:
        assert "pass" not in repr(Proxy.of("http://user:pass@127.0.0.1:3128"))

"""WSGI pages behind ASGI, in threads here and in a process beyond a socket: the same promises."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from creative_services.server.control import process
from creative_services.server.control.away import Away
from creative_services.server.control.bridge import Bridge
from creative_services.server.control.forwarded import Proxies
from creative_services.server.control.handover import Handover, LeftError
from tests.server.control.pages import Pages, Visitor, until

Make = Callable[..., Any]


@pytest.fixture
def pages() -> Pages:
    return Pages()


@pytest.fixture(params=["threads", "process"])
async def app(request: pytest.FixtureRequest, pages: Pages, tmp_path: Path) -> AsyncIterator[Make]:
    """The bridge, or the way to one at the other end of a socket."""
    servers: list[Any] = []

    async def make(**options: Any) -> Any:
        if request.param == "threads":
            return Bridge(pages, **options)
        proxies = options.pop("proxies", Proxies())
        listener = process.listening(str(tmp_path / "control"))
        servers.append(await process.open_server(Bridge(pages, **options), listener, set()))
        return Away(str(tmp_path / "control"), proxies=proxies)

    yield make
    pages.let_go.set()
    for server in servers:
        server.close()


async def test_a_page_and_what_it_was_told(app: Make, pages: Pages) -> None:
    visitor = Visitor(
        await app(), "/plain", b"ab", b"cd", method="POST",
        headers=[(b"cookie", b"x=1"), (b"cookie", b"y=2"), (b"accept", b"a"), (b"accept", b"b"),
                 (b"transfer-encoding", b"chunked"), (b"content-type", b"text/plain"), (b"x_forwarded_for", b"1.1.1.1"),
                 (b"x-forwarded-for", b"1.1.1.1"), (b"x-forwarded-host", b"evil.example")],
    )  # fmt: skip
    assert await visitor.answer() == (200, b"hello")
    assert [value for name, value in visitor.sent[0]["headers"] if name == b"set-cookie"] == [b"a=1", b"b=2"]
    told = pages.environ
    assert pages.body == b"abcd"
    assert (told["CONTENT_LENGTH"], told["CONTENT_TYPE"]) == ("4", "text/plain")
    assert (told["HTTP_COOKIE"], told["HTTP_ACCEPT"]) == ("x=1; y=2", "a,b")
    assert (told["HTTP_HOST"], told["SERVER_NAME"], told["SERVER_PORT"]) == ("example.com:8080", "example.com", "8080")
    assert (told["REMOTE_ADDR"], told["wsgi.url_scheme"], told["QUERY_STRING"]) == ("192.0.2.1", "http", "q=1")
    assert not [name for name in told if "FORWARDED" in name or "TRANSFER" in name]


async def test_a_path_is_the_bytes_it_was(app: Make, pages: Pages) -> None:
    visitor = Visitor(await app(), "/größe", raw_path=b"/gr%C3%B6%C3%9Fe")
    assert (await visitor.answer())[0] == 500  # there is no such page; its path is what we look at
    assert pages.environ["PATH_INFO"].encode("latin-1").decode() == "/größe"


async def test_a_known_proxy_is_believed(app: Make, pages: Pages) -> None:
    known = Proxies.parse("192.0.2.0/24", variable="X")
    passed = [(b"x-forwarded-for", b"6.6.6.6, 203.0.113.9, 192.0.2.7"), (b"x-forwarded-proto", b"https"),
              (b"x-forwarded-host", b"llm.example.com")]  # fmt: skip
    assert await Visitor(await app(proxies=known), "/", headers=passed).answer() == (200, b"hello")
    told = pages.environ
    assert (told["REMOTE_ADDR"], told["wsgi.url_scheme"]) == ("203.0.113.9", "https")
    assert (told["HTTP_HOST"], told["SERVER_PORT"]) == ("llm.example.com", "443")


async def test_an_answer_without_a_body(app: Make) -> None:
    assert await Visitor(await app(), "/nothing").answer() == (204, b"")


@pytest.mark.parametrize("page", ["/fails", "/forgets"])
async def test_a_page_that_fails_is_a_plain_500(app: Make, page: str) -> None:
    status, body = await Visitor(await app(), page).answer()
    assert status == 500
    assert b"nobody is told" not in body


async def test_half_an_answer_never_looks_whole(app: Make, pages: Pages) -> None:
    visitor = Visitor(await app(), "/breaks")
    await until(lambda: any(message.get("body") == b"half" for message in visitor.sent))
    pages.let_go.set()
    await asyncio.wait([visitor.task])
    visitor.task.exception()
    assert visitor.sent[-1]["more_body"]


async def test_many_small_parts_come_whole_and_together(app: Make) -> None:
    visitor = Visitor(await app(), "/rows")
    assert await visitor.answer() == (200, b"".join(b"%d\n" % number for number in range(20_000)))
    assert len(visitor.sent) < 2_000


async def test_a_part_does_not_wait_for_the_next(app: Make, pages: Pages) -> None:
    visitor = Visitor(await app(), "/slow")
    await until(lambda: any(message.get("body") == b"first" for message in visitor.sent))
    pages.let_go.set()
    assert await visitor.answer() == (200, b"firstsecond")


async def test_who_leaves_ends_the_page(app: Make, pages: Pages) -> None:
    visitor = Visitor(await app(), "/endless")
    await until(lambda: len(visitor.sent) > 3)
    visitor.left.set()
    assert await asyncio.to_thread(pages.closed.wait, 30)
    await asyncio.wait([visitor.task])


async def test_a_reader_who_stops_reading_holds_little(app: Make, pages: Pages) -> None:
    visitor = Visitor(await app(), "/endless")
    await visitor.news.wait()
    visitor.room.clear()
    await asyncio.sleep(0.3)
    before = len(visitor.sent)
    await asyncio.sleep(0.2)
    assert len(visitor.sent) == before
    visitor.left.set()
    visitor.room.set()
    assert await asyncio.to_thread(pages.closed.wait, 30)


async def test_a_large_body_is_refused(app: Make, pages: Pages) -> None:
    visitor = Visitor(await app(largest_body=1000), "/plain", b"x" * 600, b"x" * 600, method="POST")
    assert (await visitor.answer())[0] == 413
    assert pages.environ == {}


async def test_two_host_headers_are_one_too_many(app: Make, pages: Pages) -> None:
    assert (await Visitor(await app(), headers=[(b"host", b"other")]).answer())[0] == 400
    assert pages.environ == {}


async def test_when_every_thread_is_stuck_the_next_is_told_to_come_back(app: Make, pages: Pages) -> None:
    made = await app(threads=2, waiting=1)
    stuck = [Visitor(made, "/stuck") for _ in range(3)]
    await until(lambda: pages.running == 2)
    visitor = Visitor(made, "/plain")
    assert (await visitor.answer())[0] == 503
    assert (b"retry-after", b"1") in visitor.sent[0]["headers"]
    pages.let_go.set()
    assert [await each.answer() for each in stuck] == [(200, b"hello")] * 3


async def test_without_the_process_there_is_an_answer_all_the_same(tmp_path: Path) -> None:
    visitor = Visitor(Away(str(tmp_path / "nobody")))
    assert (await visitor.answer())[0] == 503


async def test_a_process_that_says_nothing_and_dies_is_answered_for(tmp_path: Path) -> None:
    listener = process.listening(str(tmp_path / "control"))
    visitor = Visitor(Away(str(tmp_path / "control")))
    connection, _ = await asyncio.to_thread(listener.accept)
    connection.shutdown(socket.SHUT_RDWR)
    connection.close()
    listener.close()
    assert (await visitor.answer())[0] == 503


async def test_a_thread_waits_for_a_slow_reader_and_not_for_ever() -> None:
    out = Handover(asyncio.get_running_loop(), stalled=0.05)
    out.begin(200, [])
    out.write(b"x" * 300_000)

    def write() -> None:
        with pytest.raises(LeftError):
            out.write(b"y")

    await asyncio.to_thread(write)

"""Writes gathered for one round of the loop: in order, none lost with another's failure, none held back for long."""

import asyncio
import gc
import weakref
from typing import Any

from creative_services.server.outbox import Outbox, outbox_of


class Transport(asyncio.Transport):
    """Notes what is written, in a list that several may share."""

    def __init__(self, name: str, log: list[tuple[str, bytes]], *, breaks: bool = False) -> None:
        super().__init__()
        self.name = name
        self._log = log
        self._breaks = breaks
        self.closing = False

    def write(self, data: Any) -> None:
        if self._breaks:
            raise RuntimeError("the handler is closed")
        self._log.append((self.name, bytes(data)))

    def is_closing(self) -> bool:
        return self.closing

    def abort(self) -> None:
        self.closing = True


async def test_what_is_put_in_one_round_leaves_in_order_in_the_next() -> None:
    log: list[tuple[str, bytes]] = []
    a, b = Transport("a", log), Transport("b", log)
    outbox = Outbox()
    for transport, data in ((a, b"1"), (b, b"2"), (a, b"3")):
        outbox.put(transport, data)
    assert log == []
    await asyncio.sleep(0)
    assert log == [("a", b"1"), ("b", b"2"), ("a", b"3")]
    outbox.put(a, b"4")  # the next round has its own
    await asyncio.sleep(0)
    assert log[3:] == [("a", b"4")]


async def test_flushed_before_a_close_nothing_is_sent_twice() -> None:
    log: list[tuple[str, bytes]] = []
    outbox = Outbox()
    outbox.put(Transport("a", log), b"last words")
    outbox.flush()
    assert log == [("a", b"last words")]
    await asyncio.sleep(0)
    assert log == [("a", b"last words")]


async def test_a_transport_that_has_closed_meanwhile_gets_nothing() -> None:
    log: list[tuple[str, bytes]] = []
    gone, there = Transport("gone", log), Transport("there", log)
    outbox = Outbox()
    outbox.put(gone, b"x")
    outbox.put(there, b"y")
    gone.abort()
    await asyncio.sleep(0)
    assert log == [("there", b"y")]


async def test_one_failing_write_costs_nobody_else_an_answer() -> None:
    log: list[tuple[str, bytes]] = []
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    broken, there = Transport("broken", log, breaks=True), Transport("there", log)
    outbox = Outbox()
    outbox.put(broken, b"x")
    outbox.put(broken, b"more")
    outbox.put(there, b"y")
    await asyncio.sleep(0)
    assert log == [("there", b"y")]
    assert broken.closing
    assert [str(context["exception"]) for context in told] == ["the handler is closed"]


async def test_much_is_not_held_back_so_that_a_slow_reader_is_noticed_at_once() -> None:
    log: list[tuple[str, bytes]] = []
    outbox, transport = Outbox(), Transport("a", log)
    outbox.put(transport, b"first")
    outbox.put(transport, bytes(200_000))
    assert [len(data) for _, data in log] == [5, 200_000]
    outbox.put(transport, b"after")
    await asyncio.sleep(0)
    assert log[-1] == ("a", b"after")


async def test_a_sender_that_never_waits_meets_its_transports_limit() -> None:
    """Over a real connection whose other end reads nothing."""
    paused: list[bool] = []

    class Sender(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            outbox = outbox_of(asyncio.get_running_loop())
            for _ in range(2000):
                if paused:
                    return
                outbox.put(transport, bytes(16_384))

        def pause_writing(self) -> None:
            paused.append(True)

    loop = asyncio.get_running_loop()
    server = await loop.create_server(Sender, "127.0.0.1", 0)
    _, writer = await asyncio.open_connection(*server.sockets[0].getsockname(), limit=1)
    await asyncio.sleep(0.05)
    assert paused == [True]
    writer.transport.abort()
    server.close()


def test_one_per_loop_and_forgotten_with_it() -> None:
    loop, other = asyncio.new_event_loop(), asyncio.new_event_loop()
    assert outbox_of(loop) is outbox_of(loop)
    assert outbox_of(loop) is not outbox_of(other)
    known = weakref.ref(loop)
    loop.close()
    other.close()
    del loop
    gc.collect()
    assert known() is None


async def test_one_caller_alone_does_not_wait_for_others_that_are_not_there() -> None:
    log: list[tuple[str, bytes]] = []
    outbox, transport = Outbox(), Transport("a", log)
    outbox.put(transport, b"first")
    assert log == []  # there may be others
    await asyncio.sleep(0)
    outbox.put(transport, b"second")
    assert log == [("a", b"first"), ("a", b"second")]


async def test_when_others_come_they_leave_together_again() -> None:
    log: list[tuple[str, bytes]] = []
    outbox, transport = Outbox(), Transport("a", log)
    outbox.put(transport, b"0")
    await asyncio.sleep(0)
    numbers = [b"%d" % number for number in range(1, 40)]
    for number in numbers:
        outbox.put(transport, number)
    assert 1 < len(log) < len(numbers)  # some left at once, the rest waits
    await asyncio.sleep(0)
    assert [data for _, data in log] == [b"0", *numbers]

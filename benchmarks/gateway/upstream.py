"""A vendor that costs next to nothing: ``python -m benchmarks.gateway.upstream`` gives answers made beforehand."""

import argparse
import asyncio
import json

import uvloop

WHOLE = json.dumps(
    {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1700000000, "model": "gpt-x",
        "choices": [{
            "index": 0, "message": {"role": "assistant", "content": "Hello there, this is an answer."},
            "logprobs": None, "finish_reason": "stop",
        }],
        "usage": {"prompt_tokens": 12, "completion_tokens": 9, "total_tokens": 21},
    }
).encode()  # fmt: skip


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def event(delta: object, **members: object) -> bytes:
    """One event of a stream."""
    choices = [] if delta is None else [{"index": 0, "delta": delta, "logprobs": None, **members}]
    told = {
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000, "model": "gpt-x",
        "choices": choices, "usage": members.get("usage"),
    }  # fmt: skip
    return chunk(b"data: " + json.dumps(told, separators=(",", ":")).encode() + b"\n\n")


EVENTS = 100
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(WHOLE), WHOLE)
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
PIECES = [event({"content": f"word{number} "}, finish_reason=None) for number in range(EVENTS)]
USAGE = {"prompt_tokens": 12, "completion_tokens": EVENTS, "total_tokens": EVENTS + 12}
LAST = event({}, finish_reason="stop") + event(None, usage=USAGE) + chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"


class Vendor(asyncio.Protocol):
    """Answers whatever is asked, after ``delay``; a stream has ``events``, ``gap`` apart."""

    def __init__(self, delay: float, gap: float, events: int) -> None:
        self._delay, self._gap, self._events = delay, gap, events
        self._seen = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._seen += data
        head = self._seen.find(b"\r\n\r\n")
        if head < 0:
            return
        # A router's look at our health has no body.
        length = int(self._seen[:head].lower().partition(b"content-length: ")[2].partition(b"\r")[0] or 0)
        if len(self._seen) < head + 4 + length:
            return
        streamed = b'"stream":true' in self._seen or b'"stream": true' in self._seen
        self._seen = b""
        loop = asyncio.get_running_loop()
        if streamed:
            self._task = loop.create_task(self._stream())
        elif self._delay:
            loop.call_later(self._delay, self._transport.write, ANSWER)  # type: ignore[attr-defined]  # a TCP transport
        else:
            self._transport.write(ANSWER)  # type: ignore[attr-defined]  # a TCP transport

    async def _stream(self) -> None:
        write = self._transport.write  # type: ignore[attr-defined]  # a TCP transport
        await asyncio.sleep(self._delay)
        write(HEAD + PIECES[0])
        for piece in PIECES[1 : self._events]:
            await asyncio.sleep(self._gap)
            write(piece)
        write(LAST)


async def serve(port: int, delay: float, gap: float, events: int) -> None:
    """Until killed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Vendor(delay, gap, events), "127.0.0.1", port, backlog=8192)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--gap", type=float, default=0.0)
    parser.add_argument("--events", type=int, default=EVENTS)
    given = parser.parse_args()
    uvloop.run(serve(given.port, given.delay, given.gap, given.events))

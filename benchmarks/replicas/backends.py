"""A model server that answers everything alike: ``python -m benchmarks.replicas.backends PORT STATUS``."""

import asyncio
import sys


class Backend(asyncio.Protocol):
    """Answers each request with the status it was started with."""

    answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._seen = b""

    def data_received(self, data: bytes) -> None:
        self._seen += data
        head, separator, body = self._seen.partition(b"\r\n\r\n")
        if not separator:
            return
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        if len(body) >= length:
            self._seen = body[length:]
            self._transport.write(self.answer)  # type: ignore[attr-defined]  # a TCP transport


async def main(port: int, status: int) -> None:
    """Serve until stopped."""
    body = b'{"choices":[{"text":"Hello"}],"status":"ok"}'
    Backend.answer = b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
        status,
        len(body),
        body,
    )
    server = await asyncio.get_running_loop().create_server(Backend, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))

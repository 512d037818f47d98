"""A request's body, whole before any thread is given to it: a slow sender costs memory or disk, and no thread."""

import asyncio
from tempfile import SpooledTemporaryFile
from typing import IO, Final

from creative_services.server.callers.incoming import GoneError, Receive

_IN_MEMORY: Final = 1024 * 1024
# Between two parts of a body; a person's line may be bad, but whoever says nothing for so long has left.
SILENT_SECONDS: Final = 30.0


class UnreadableError(Exception):
    """The body will not be read; carries the status that says why."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


async def body_in(receive: Receive, largest: int, *, silent: float = SILENT_SECONDS) -> tuple[IO[bytes], int]:
    """The body in a file, in memory while it is small, and its length. Whoever gets the file closes it."""
    body = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed by whoever gets it
    try:
        return body, await _fill(body, receive, largest, silent)
    except BaseException:
        body.close()
        raise


async def _fill(body: IO[bytes], receive: Receive, largest: int, silent: float) -> int:
    size = 0
    while True:
        try:
            async with asyncio.timeout(silent):
                message = await receive()
        except TimeoutError:
            raise UnreadableError(408, "The request did not arrive in time.") from None
        if message["type"] == "http.disconnect":
            raise GoneError
        part = message.get("body", b"")
        size += len(part)
        if size > largest:
            raise UnreadableError(413, f"The request is larger than {largest // 1024 // 1024} MiB.")
        body.write(part)
        if not message.get("more_body"):
            body.seek(0)
            return size

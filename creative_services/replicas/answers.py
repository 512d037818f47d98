"""An HTTP answer read with its doubts: what another server may do better, what none will, and what broke off."""

import asyncio
import json
from collections.abc import Awaitable
from typing import Any, Final, TypeVar

import aiohttp

from creative_services.core.errors import ConfigurationError, ReplicaError
from creative_services.replicas.tries import pause_asked, refusal, rotates

T = TypeVar("T")
_REFUSED: Final = (aiohttp.ClientConnectorError, aiohttp.ServerTimeoutError)


class RotatingError(ReplicaError):
    """This server failed; another one may not."""

    def __init__(self, message: str, *, refused: bool = False, wait: float | None = None) -> None:
        super().__init__(message)
        self.refused = refused
        self.wait = wait


async def refuse(response: aiohttp.ClientResponse, url: str) -> None:
    """Raise what an answer of this status means."""
    text = await response.text(errors="replace")
    if rotates(response.status):
        wait = pause_asked(response.headers.get("Retry-After"))
        raise RotatingError(f"{url} answered {response.status}: {text[:200]}", wait=wait)
    raise refusal(response.status, text, url)


async def document(response: aiohttp.ClientResponse) -> Any:
    """The JSON that came."""
    try:
        return json.loads(await response.read())
    except ValueError:
        raise RotatingError(f"{response.url} answered with bytes that are no JSON") from None


async def next_piece(response: aiohttp.ClientResponse, uri: str, seconds: float) -> bytes:
    """What came of a stream since the last piece; empty at its end."""
    try:
        async with asyncio.timeout(seconds):
            return await response.content.readany()
    except TimeoutError as error:
        raise ReplicaError(f"{uri}: the stream was silent for {seconds:g} s. Keep what came, and ask again.") from error
    except (aiohttp.ClientError, OSError) as error:
        raise ReplicaError(f"{uri}: the stream broke off ({error}). Keep what came, and ask again.") from error


async def translated(asking: Awaitable[T], uri: str, limit: float) -> T:
    """Ask; aiohttp's errors become ours here and nowhere else."""
    try:
        return await asking
    except TimeoutError as error:
        refused = isinstance(error, aiohttp.ServerTimeoutError)
        raise RotatingError(f"{uri} gave no answer within {limit:.2f} s", refused=refused) from error
    except _REFUSED as error:
        raise RotatingError(f"{uri} takes no connections ({error})", refused=True) from error
    except aiohttp.InvalidURL as error:
        raise ConfigurationError(f"The record of {uri} names no address that can be asked.") from error
    except (aiohttp.ClientError, OSError) as error:
        raise RotatingError(f"{uri} broke off ({error or type(error).__name__})") from error

"""No failure shows a key: not in text, traceback with local values, pickle, nor anything it leads to."""

import asyncio
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from creative_services.core.completions import Request
from creative_services.core.errors import CreativeServicesError
from creative_services.core.secrets import Secret
from creative_services.providers import load_provider
from creative_services.testing.vendors import Fault, VendorServer
from tests.providers.conftest import EVERY_PROVIDER, KEY, MakeEntry

ASKING = Request(messages=({"role": "user", "content": "hi"},))
ECHO = f"Incorrect API key provided: {KEY}. You can find your key in the console."

FAULTS: Mapping[str, Fault] = {
    **{
        str(status): Fault.status(status, message=ECHO, headers={"x-echo": KEY})
        for status in (400, 401, 403, 404, 408, 413, 429, 500, 503, 529)
    },
    "redirect": Fault.status(307, message=ECHO, headers={"location": "http://127.0.0.1:9/elsewhere"}),
    "drop": Fault.drop(),
    "cut": Fault.cut(after=1),
    "malformed": Fault.malformed(after=1),
    "empty": Fault.empty(),
    "html": Fault.html(),
    "html 200": Fault.html(200),
    "error event": Fault.error_event(after=1, message=ECHO),
}


async def _generate(provider: Any, entry: Any) -> None:
    await provider.generate(entry, ASKING)


async def _stream(provider: Any, entry: Any) -> None:
    async for _ in provider.stream(entry, ASKING):
        pass


@pytest.mark.parametrize("ask", [_generate, _stream])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", EVERY_PROVIDER)
def test_a_forced_error_shows_no_key(
    name: str,
    fault: str,
    ask: Callable[[Any, Any], Any],
    server: VendorServer,
    make_entry: MakeEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, logger="creative_services")
    server.script(FAULTS[fault])
    with pytest.raises(CreativeServicesError) as caught:
        asyncio.run(ask(load_provider(name), make_entry(name)))
    assert len(server.requests) == 1, "and a redirect is not followed"
    _search(caught.value)
    assert KEY not in caplog.text


@pytest.mark.parametrize("name", EVERY_PROVIDER)
@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9", "http://does-not-exist.invalid", "https://127.0.0.1:9"])
def test_a_vendor_out_of_reach(name: str, endpoint: str, make_entry: MakeEntry) -> None:
    with pytest.raises(CreativeServicesError) as caught:
        asyncio.run(_generate(load_provider(name), make_entry(name, api_endpoint=endpoint)))
    assert isinstance(caught.value, ConnectionError)
    _search(caught.value)


@pytest.mark.parametrize("name", EVERY_PROVIDER)
@pytest.mark.parametrize("key", [f"{KEY}…", f"{KEY}\nX-Other: 1", f"{KEY} and more", f"{KEY}\x00"])
def test_a_key_that_no_header_can_carry(name: str, key: str, server: VendorServer, make_entry: MakeEntry) -> None:
    with pytest.raises(CreativeServicesError, match="copied whole") as caught:
        asyncio.run(_generate(load_provider(name), make_entry(name, api_key=key)))
    assert not server.requests
    _search(caught.value)


@pytest.mark.parametrize("name", EVERY_PROVIDER)
def test_a_key_with_its_quotes(name: str, server: VendorServer, make_entry: MakeEntry) -> None:
    with pytest.raises(CreativeServicesError, match="without quotes") as caught:
        asyncio.run(_generate(load_provider(name), make_entry(name, api_key=f'"{KEY}"')))
    assert not server.requests
    _search(caught.value)


@pytest.mark.parametrize("name", EVERY_PROVIDER)
def test_a_provider_in_use_leads_to_no_key(name: str, make_entry: MakeEntry) -> None:
    async def main() -> None:
        provider = load_provider(name)
        await _generate(provider, make_entry(name))
        assert KEY not in repr(provider)
        assert not hasattr(provider, "__dict__")
        _no_key_in(provider)
        await provider.aclose()

    asyncio.run(main())


def test_the_search_finds_what_is_there() -> None:
    error = ValueError("no")
    error.context = {"headers": [("authorization", f"Bearer {KEY}".encode())]}  # type: ignore[attr-defined]
    with pytest.raises(AssertionError):
        _no_key_in(error)


def _search(error: BaseException) -> None:
    told = traceback.TracebackException.from_exception(error, capture_locals=True, compact=False)
    ours = [line for line in told.format() if "tests/providers" not in line]
    assert KEY not in "".join(ours)
    assert KEY not in f"{error!s}{error!r}"
    assert KEY.encode() not in pickle.dumps(error)
    _no_key_in(error)


def _no_key_in(thing: Any) -> None:
    """Through attributes, items and chained exceptions, wherever plain looking leads."""
    seen: set[int] = set()
    waiting: list[tuple[str, Any]] = [("it", thing)]
    while waiting:
        path, value = waiting.pop()
        if id(value) in seen or isinstance(value, Secret | type) or path.count(".") > 12:
            continue
        seen.add(id(value))
        text = value.decode("latin-1") if isinstance(value, bytes | bytearray) else value
        assert not (isinstance(text, str) and KEY in text), path
        waiting.extend((f"{path}.{name}", inner) for name, inner in _inside(value))


def _inside(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from ((f"[{key!r}]", inner) for key, inner in value.items())
        yield from ((f"key {key!r}", key) for key in value)
    elif isinstance(value, list | tuple | set | frozenset):
        yield from ((f"[{place}]", inner) for place, inner in enumerate(value))
    elif not callable(value) and hasattr(value, "__dict__"):
        yield from vars(value).items()
    if isinstance(value, BaseException):
        yield from (("args", value.args), ("cause", value.__cause__), ("context", value.__context__))

"""Foreign errors become ours here: most specific first, the cause kept, its secrets taken out."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from creative_services.core import errors as e
from creative_services.core.failures import kind_of
from creative_services.core.llm_registry import LLMEntry
from creative_services.core.secrets import redact
from creative_services.providers._waits import retry_after
from creative_services.wire.faults import Fault, FaultError, WrongShapeError, fault_in

# By the names of classes, so that no library is imported to recognise its errors. The nearest ancestor that is named
# here counts; of a chain of causes the innermost, since wrappers guess (aiohttp's "server disconnected" reaches an SDK
# as a connect timeout).
KINDS: Final[Mapping[str, type[e.ProviderError]]] = {
    "TimeoutError": e.TimedOutError,
    "TimeoutException": e.TimedOutError,
    "APITimeoutError": e.TimedOutError,
    "SSLError": e.UnreachableError,
    "OSError": e.UnreachableError,
    "NetworkError": e.UnreachableError,
    "TransportError": e.UnreachableError,
    "ClientConnectionError": e.UnreachableError,
    "ClientPayloadError": e.UnreachableError,
    "APIConnectionError": e.UnreachableError,
    "StreamError": e.UnreachableError,
    "DecodingError": e.MalformedAnswerError,
    "RemoteProtocolError": e.UnreachableError,
    "UnsupportedProtocol": e.BadRequestError,
    "InvalidURL": e.BadRequestError,
    "APIResponseValidationError": e.MalformedAnswerError,
    "JSONDecodeError": e.MalformedAnswerError,
    "UnicodeDecodeError": e.MalformedAnswerError,
    "WrongShapeError": e.MalformedAnswerError,
    "ClientResponseError": e.MalformedAnswerError,
    "ClientError": e.UnreachableError,
    "HTTPError": e.UnreachableError,
    "TypeError": e.BadRequestError,
    "ValueError": e.BadRequestError,
    "RuntimeError": e.UnreachableError,
}

_SECRET_HEADERS: Final = ("authorization", "x-api-key", "api-key", "proxy-authorization", "cookie")
_FOREIGN: Final = frozenset({"openai", "anthropic", "groq", "httpx", "httpx2", "httpcore", "httpcore2", "aiohttp"})


def translated(error: Exception, entry: LLMEntry, headers: Mapping[str, str] | None = None) -> e.CreativeServicesError:
    """Our error for a foreign one, with the foreign one, made safe, as its cause. ``headers`` came with the answer."""
    if isinstance(error, e.CreativeServicesError):
        return error
    request_id = request_id_in(headers) if headers is not None else None
    if isinstance(error, FaultError):
        return of_fault(error.fault, entry, request_id=request_id)
    response = getattr(error, "response", None)
    status = getattr(error, "status_code", None)
    if isinstance(status, int) and response is not None:
        ours = refusal(status, response.headers, _content(response), entry)
    else:
        ours = _of_kind(error, entry, request_id)
    ours.__cause__ = defused(error, entry)
    return ours


def refusal(status: int, headers: Mapping[str, str], content: bytes, entry: LLMEntry) -> e.ProviderError:
    """Our error for an answer whose status says no."""
    request_id = request_id_in(headers)
    if 300 <= status < 400:
        where = headers.get("location") or "elsewhere"
        return e.MalformedAnswerError(
            f"a redirect to {where}, not followed since the key would go along; if it is right, make it api_endpoint",
            llm=entry,
            status=status,
            request_id=request_id,
        )
    fault = _fault(content)
    return of_fault(fault, entry, status=status, request_id=request_id, wait=retry_after(headers, status))


def _fault(content: bytes) -> Fault:
    with suppress(ValueError, RecursionError):
        fault = fault_in(json.loads(content))
        if fault:
            return fault
    text = content[:2000].decode("utf-8", "replace").strip()
    return Fault(message=text[:300] if text and not text.startswith("<") else "no reason given")


def of_fault(
    fault: Fault,
    entry: LLMEntry,
    *,
    status: int | None = None,
    request_id: str | None = None,
    wait: float | None = None,
) -> e.ProviderError:
    """Our error for what a vendor said."""
    number = fault.status or status
    # Without a status an unknown code counts as the vendor's own trouble: that is what vendors send amid a stream.
    kind = kind_of(number or 500, fault.code, fault.message)
    return kind(
        fault.message,
        llm=entry,
        status=number,
        code=fault.code,
        param=fault.param,
        request_id=request_id,
        retry_after=wait,
    )


def request_id_in(headers: Mapping[str, str]) -> str | None:
    """The vendor's name for this request, for its support."""
    return headers.get("x-request-id") or headers.get("request-id")


def _of_kind(error: Exception, entry: LLMEntry, request_id: str | None) -> e.ProviderError:
    chain = list(_causes(error))
    for foreign in reversed(chain):
        kind = next((KINDS[base.__name__] for base in type(foreign).__mro__ if base.__name__ in KINDS), None)
        if kind:
            return kind(_said(foreign, chain), llm=entry, request_id=request_id)
    return e.ProviderError(_said(error, chain), llm=entry, request_id=request_id)


def _said(foreign: BaseException, chain: list[BaseException]) -> str:
    if isinstance(foreign, WrongShapeError):
        return str(foreign)
    if isinstance(foreign, json.JSONDecodeError):
        return f"the answer is no JSON ({foreign.msg} at character {foreign.pos})"
    words = next((text for text in (str(each).strip() for each in (foreign, *chain)) if text), "no further word")
    return f"{words} ({type(foreign).__name__})"


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        # What our reading stumbled on says nothing about the request.
        current = None if isinstance(current, WrongShapeError) else current.__cause__


def defused(error: Exception, entry: LLMEntry) -> Exception | None:
    """The error without what could show a key: traceback frames, request headers, a vendor's echo of the key."""
    if isinstance(error, UnicodeError) and not isinstance(error, UnicodeDecodeError):
        return None  # carries the whole header value it choked on
    for each in _causes(error):
        each.__traceback__ = None
        context = each.__context__
        if context is not None and type(context).__module__.partition(".")[0] in _FOREIGN:
            each.__context__ = None
        with suppress(Exception):  # whatever an unknown library made read-only stays; it was looked at
            each.args = tuple(_cleaned(arg, entry) for arg in each.args)
        _disarm(each, entry)
        _wash(each, entry)
    return error


def _wash(thing: Any, entry: LLMEntry) -> None:
    """Take keys out of the texts a foreign object carries."""
    for name, value in list(getattr(thing, "__dict__", {}).items()):
        if isinstance(value, str | bytes | list | dict):
            vars(thing)[name] = _cleaned(value, entry)


def _disarm(error: BaseException, entry: LLMEntry) -> None:
    # httpx raises RuntimeError when an error has no request.
    with suppress(RuntimeError):
        _mask(getattr(error, "request", None))
    info = getattr(error, "request_info", None)
    if info is not None:  # aiohttp's; its headers cannot be changed in place
        with suppress(Exception):
            vars(error)["request_info"] = info._replace(headers={})
    response: Any = getattr(error, "response", None)
    if response is None:
        return
    with suppress(RuntimeError, AttributeError):
        _mask(response.request)
    # One leads to the transport and its session's headers, the other is the request a redirect asks for.
    for name in ("stream", "next_request"):
        if hasattr(response, name):
            setattr(response, name, None)
    _wash(response, entry)
    _wash_headers(getattr(response, "headers", None), entry)


def _wash_headers(headers: Any, entry: LLMEntry) -> None:
    # Proxies in their debug mode send a request's headers back.
    for name, value in list(headers.items()) if headers else ():
        cleaned = _cleaned(value, entry)
        if cleaned != value:
            with suppress(TypeError):
                headers[name] = cleaned


def _mask(request: Any) -> None:
    headers: Any = getattr(request, "headers", None)
    for name in _SECRET_HEADERS if headers is not None else ():
        if name in headers:
            with suppress(TypeError):
                headers[name] = "****"


def _content(response: Any) -> bytes:
    # httpx raises when a streamed answer was never read.
    with suppress(Exception):
        return bytes(response.content)
    return b""


def _cleaned(value: Any, entry: LLMEntry) -> Any:
    if isinstance(value, str):
        return redact(value, entry.api_key)
    if isinstance(value, bytes):
        return redact(value.decode("utf-8", "surrogateescape"), entry.api_key).encode("utf-8", "surrogateescape")
    if isinstance(value, Mapping):
        return {key: _cleaned(item, entry) for key, item in value.items()}
    return [_cleaned(item, entry) for item in value] if isinstance(value, list) else value

"""How an entry's endpoint is reached and which surfaces it speaks itself: a table, and a door per entry."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit
from urllib.request import getproxies, proxy_bypass

import orjson

from creative_services.core.errors import BadRequestError
from creative_services.core.llm_registry import LLMEntry
from creative_services.providers._keys import checked_url, key_of, stays_here
from creative_services.providers._tls import context_for
from creative_services.providers.vendors import VENDORS, Vendor
from creative_services.server.upstream.origins import Origin, Proxy, Target
from creative_services.wire import openai_chat
from creative_services.wire.endpoints import groq_base, normal_ollama, with_v1, without_v1
from creative_services.wire.extras import CONNECTION

AGENT: Final = "creative-services-gateway"


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """A provider's way of being spoken to: where, with which key header, and the path of each surface it speaks."""

    dialect: str
    home: str | None
    base: Callable[[str], str]
    paths: Mapping[str, str]
    words: Callable[[LLMEntry], openai_chat.Dialect] = lambda _: openai_chat.PLAIN
    key_header: str = "authorization"
    key_prefix: str = "Bearer "
    # Headers a caller of this dialect may say to the vendor, and what is said otherwise; all others stay here.
    handed_on: tuple[tuple[bytes, bytes | None], ...] = ((b"openai-beta", None),)


def _as_written(url: str) -> str:
    return url.rstrip("/")


_CHAT: Final = {"chat": "/chat/completions"}
_OPENAI: Final = {**_CHAT, "embeddings": "/embeddings"}
# Only OpenAI itself is sure to have this one; elsewhere an entry's capabilities say so, or it is translated.
RESPONSES: Final = "/responses"


def _words_of(vendor: Vendor) -> Callable[[LLMEntry], openai_chat.Dialect]:
    words = openai_chat.Dialect(max_tokens=vendor.max_tokens, schema=vendor.schema)
    return lambda _: words


def _openais_words(_: LLMEntry) -> openai_chat.Dialect:
    # Its newer models refuse the older word; the older models take both.
    return openai_chat.Dialect(max_tokens="max_completion_tokens")


def _groqs_words(entry: LLMEntry) -> openai_chat.Dialect:
    # Only some of its models take a schema, the others JSON in general.
    schema = "json_schema" if "json_schema" in entry.capabilities else "json_object"
    return openai_chat.Dialect(max_tokens="max_completion_tokens", schema=schema)


SPEECHES: Final[dict[str, Speech]] = {
    "openai": Speech(
        dialect="openai", home="https://api.openai.com/v1", base=with_v1, paths=_OPENAI, words=_openais_words
    ),
    "groq": Speech(
        dialect="openai",
        home="https://api.groq.com",
        base=lambda url: f"{groq_base(url)}/openai/v1",
        paths=_CHAT,
        words=_groqs_words,
    ),
    "anthropic": Speech(
        dialect="anthropic",
        home="https://api.anthropic.com",
        base=without_v1,
        paths={"messages": "/v1/messages"},
        key_header="x-api-key",
        key_prefix="",
        handed_on=((b"anthropic-version", b"2023-06-01"), (b"anthropic-beta", None)),
    ),
    # Ollama speaks OpenAI's dialect beside its own; options of its own dialect need its own provider.
    "ollama": Speech(
        dialect="openai", home="http://127.0.0.1:11434", base=lambda url: f"{normal_ollama(url)}/v1", paths=_OPENAI
    ),
    **{
        name: Speech(dialect="openai", home=vendor.base_url, base=_as_written, paths=_OPENAI, words=_words_of(vendor))
        for name, vendor in VENDORS.items()
    },
}


def entry_headers(entry: LLMEntry) -> tuple[tuple[bytes, bytes], ...]:
    """Which entry it was, for a caller to read."""
    # A model's name may hold any character, a header's value may not.
    model = quote(entry.model, safe="/:.-_+@ ").encode()
    return (b"x-llm-id", b"%d" % entry.id), (b"x-llm-model", model)


class Door:
    """What all calls through one entry have in common, made once."""

    __slots__ = ("dialect", "entry", "handed_on", "headers", "model", "options", "targets", "words")

    def __init__(self, entry: LLMEntry, speech: Speech | None) -> None:
        self.entry = entry
        self.model = orjson.dumps(entry.model)
        self.headers = entry_headers(entry)
        # What the entry's owner has set for every call, unless the caller says otherwise.
        self.options = {name: orjson.dumps(value) for name, value in entry.options.items() if name not in CONNECTION}
        self.dialect = speech.dialect if speech else None
        self.handed_on = speech.handed_on if speech else ()
        self.words = speech.words(entry) if speech else openai_chat.PLAIN
        self.targets = _targets(entry, speech) if speech else {}

    def limit(self, surface: str, without: frozenset[str]) -> dict[str, bytes]:
        """The entry's own limit to an answer's length, as a member of a request."""
        name = {"chat": openai_chat.limit_word(self.words, without), "responses": "max_output_tokens"}.get(surface)
        return {name: b"%d" % self.entry.max_tokens} if name else {}


def _speech_of(entry: LLMEntry) -> Speech | None:
    if entry.provider == "ollama" and "options" in entry.options:
        return None
    return SPEECHES.get(entry.provider)


def _targets(entry: LLMEntry, speech: Speech) -> dict[str, Target]:
    given = (entry.api_endpoint or "").strip() or None
    if given is None and speech.home is None:
        raise BadRequestError(f"the provider '{entry.provider}' needs an api_endpoint", llm=entry)
    base = checked_url(speech.base(given or speech.home or ""), entry)
    paths = dict(speech.paths)
    if (entry.provider == "openai" and given is None) or "responses" in entry.capabilities:
        paths["responses"] = RESPONSES
    origin = origin_of(base, entry)
    lines = _lines(entry, speech, needs_key=given is None and _vendors_own(entry))
    return {surface: Target(origin=origin, head=_head(base + path, origin, lines)) for surface, path in paths.items()}


def _vendors_own(entry: LLMEntry) -> bool:
    vendor = VENDORS.get(entry.provider)
    return entry.provider != "ollama" and (vendor is None or vendor.key_variable is not None)


def origin_of(url: str, entry: LLMEntry) -> Origin:
    """The other end of connections to ``url``, through the environment's proxy unless the entry stays here."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    host = parts.hostname or ""
    return Origin(
        host=host,
        port=parts.port or (443 if secure else 80),
        tls=context_for(url) if secure else None,
        proxy=None if stays_here(entry) else _proxy(parts.scheme, host, entry),
    )


def _proxy(scheme: str, host: str, entry: LLMEntry) -> Proxy | None:
    proxies = getproxies()
    named = proxies.get(scheme) or proxies.get("all")
    if not named or proxy_bypass(host):
        return None
    try:
        return Proxy.of(named)
    except ValueError as error:
        raise BadRequestError(f"{error}; set NO_PROXY for {host}, or name an http:// proxy", llm=entry) from None


def _lines(entry: LLMEntry, speech: Speech, *, needs_key: bool) -> dict[str, str]:
    # Without a word about coding a server may choose one, and what is passed on is read on the way.
    lines = {"content-type": "application/json", "accept-encoding": "identity", "user-agent": AGENT}
    key = key_of(entry, needed=needs_key)
    if key:
        lines[speech.key_header] = speech.key_prefix + key
    for option, header in (("organization", "openai-organization"), ("project", "openai-project")):
        if option in entry.options:
            lines[header] = str(entry.options[option])
    for name, value in (entry.options.get("headers") or {}).items():
        lines[str(name).lower()] = str(value)
    return lines


def _head(url: str, origin: Origin, lines: Mapping[str, str]) -> bytes:
    parts = urlsplit(url)
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    credentials: Iterable[tuple[str, str]] = ()
    if origin.proxy is not None and origin.tls is None:
        path = f"http://{origin.authority}{path}"
        credentials = [("proxy-authorization", origin.proxy.authorization)] if origin.proxy.authorization else ()
    head = [f"POST {path} HTTP/1.1", f"host: {origin.authority}"]
    head += [f"{name}: {value}" for name, value in (*lines.items(), *credentials)]
    if any("\r" in line or "\n" in line or "\0" in line for line in head):
        raise ValueError("a header of the entry holds a line break, which would begin another header")
    return ("\r\n".join(head) + "\r\n").encode("latin-1")


class Doors:
    """The doors of a registry's entries. An edited entry is another object, and gets a new door."""

    __slots__ = ("_known", "_own")

    def __init__(self, *, own: frozenset[str] = frozenset()) -> None:
        self._own = own  # providers that their owner brought along: they are asked, whatever they are called
        self._known: dict[int, Door] = {}

    def of(self, entry: LLMEntry) -> Door:
        """The door to ``entry``."""
        door = self._known.get(entry.id)
        if door is None or door.entry is not entry:
            speech = None if entry.provider in self._own else _speech_of(entry)
            door = self._known[entry.id] = _opened(entry, speech)
        return door


def _opened(entry: LLMEntry, speech: Speech | None) -> Door:
    try:
        return Door(entry, speech)
    except (ValueError, UnicodeError) as error:
        if isinstance(error, BadRequestError):
            raise
        raise BadRequestError(f"the entry cannot be reached as it is written: {error}", llm=entry) from None

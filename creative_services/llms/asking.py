"""From what a caller writes to what we work with: a wish, a request, and the account they go on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from random import getrandbits
from typing import Any, TypedDict, TypeVar

from creative_services.core.completions import Message, Request
from creative_services.core.errors import ConfigurationError
from creative_services.core.events import Call
from creative_services.core.llm_registry import LLMTier
from creative_services.core.needs import NO_NEEDS, Needs
from creative_services.core.orders import Order
from creative_services.core.wishes import Wish
from creative_services.llms.structured import Shape

_Number = TypeVar("_Number", int, float)


class CallOptions(TypedDict, total=False):
    """Everything a call may say besides its prompt."""

    messages: Sequence[Message]
    system_prompt: str
    tier: LLMTier | str
    llm_id: int
    needs: Needs
    fallback_tiers: Sequence[LLMTier | str]
    order: Order
    tools: Sequence[Mapping[str, Any]]
    tool_choice: str | Mapping[str, Any]
    response_model: Any
    max_tokens: int
    temperature: float
    stop: str | Sequence[str]
    seed: int
    timeout: float
    user_id: str
    metadata: Mapping[str, Any]
    extra: Mapping[str, Any]


_KNOWN = frozenset(CallOptions.__annotations__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One call, understood."""

    wish: Wish
    request: Request
    call: Call
    shape: Shape | None = None
    timeout: float | None = None


def understand(prompt: str | None, options: CallOptions, *, streamed: bool = False) -> Asked:
    """Check and sort what the caller wrote."""
    _refuse_unknown(options)
    shape = Shape.of(options["response_model"]) if options.get("response_model") is not None else None
    messages = _messages(prompt, options)
    request = Request(
        messages=messages,
        tools=tuple(options.get("tools") or ()),
        tool_choice=options.get("tool_choice"),
        max_tokens=_positive("max_tokens", options.get("max_tokens")),
        temperature=options.get("temperature"),
        stop=_stops(options.get("stop")),
        seed=options.get("seed"),
        schema=shape.schema if shape else None,
        extra=options.get("extra") or {},
    )
    wish = understand_wish(options, request)
    return Asked(
        wish=wish,
        request=request,
        call=new_call("chat", wish, options, streamed=streamed),
        shape=shape,
        timeout=_positive("timeout", options.get("timeout")),
    )


def understand_wish(options: CallOptions, request: Request | None = None) -> Wish:
    """The wish alone: a tier or an id, and what narrows it."""
    tier, llm_id = options.get("tier"), options.get("llm_id")
    if (tier is None) == (llm_id is None):
        raise ConfigurationError(
            "Say what to ask: tier=LLMTier.ECONOMY (or another tier), or llm_id=...; one of the two."
        )
    wish = Wish(
        tier=None if tier is None else known_tier(tier),
        llm_id=llm_id,
        needs=options.get("needs") or NO_NEEDS,
        implied=implied_by(request) if request else NO_NEEDS,
        fallback_tiers=tuple(known_tier(name) for name in options.get("fallback_tiers") or ()),
        order=options.get("order"),
    )
    if wish.tier is LLMTier.LOCAL and any(other is not LLMTier.LOCAL for other in wish.fallback_tiers):
        raise ConfigurationError("A LOCAL request never leaves home, so it takes no fallback_tiers.")
    return wish


def new_call(operation: str, wish: Wish, options: CallOptions, *, streamed: bool = False) -> Call:
    """The account the call goes on."""
    return Call(
        id=f"{getrandbits(64):016x}",
        operation=operation,
        tier=wish.tier.value if wish.tier else None,
        llm_id=wish.llm_id,
        user_id=options.get("user_id"),
        metadata=options.get("metadata") or {},
        streamed=streamed,
        max_tokens=options.get("max_tokens"),
        temperature=options.get("temperature"),
    )


def known_tier(name: LLMTier | str) -> LLMTier:
    """The tier of this name, or an error that lists the tiers."""
    try:
        return LLMTier(name)
    except ValueError:
        raise ConfigurationError(f"There is no tier {name!r}. Tiers: {', '.join(LLMTier)}.") from None


def _refuse_unknown(options: Mapping[str, Any]) -> None:
    for name in options.keys() - _KNOWN:
        near = get_close_matches(name, _KNOWN, n=1)
        hint = f" Did you mean '{near[0]}'?" if near else f" Options: {', '.join(sorted(_KNOWN))}."
        raise TypeError(f"A call has no option '{name}'.{hint}")


def _messages(prompt: str | None, options: CallOptions) -> tuple[Message, ...]:
    given = options.get("messages")
    if (prompt is None) == (given is None):
        raise ConfigurationError("A call needs prompt=... or messages=[...]; one of the two.")
    messages: tuple[Message, ...] = tuple(given or ()) if prompt is None else ({"role": "user", "content": prompt},)
    for message in messages:
        if not isinstance(message, Mapping) or "role" not in message:
            raise ConfigurationError(f"A message is a mapping with 'role' and 'content'; got {type(message).__name__}.")
    if not messages:
        raise ConfigurationError("messages=[] holds nothing to ask.")
    system = options.get("system_prompt")
    return ({"role": "system", "content": system}, *messages) if system else messages


def _stops(stop: str | Iterable[str] | None) -> tuple[str, ...]:
    return (stop,) if isinstance(stop, str) else tuple(stop or ())


def _positive(name: str, value: _Number | None) -> _Number | None:
    if value is not None and value <= 0:
        raise ConfigurationError(f"{name}={value} cannot be kept; give a number above 0.")
    return value


def implied_by(request: Request) -> Needs:
    """What the request itself shows that a model must be able to do."""
    vision = False
    for message in request.messages:
        content = message.get("content")
        if content.__class__ is not str and _has_image(content):
            vision = True
            break
    if not (vision or request.tools or request.schema is not None):
        return NO_NEEDS
    return Needs(tools=bool(request.tools), json=request.schema is not None, vision=vision)


def _has_image(content: Any) -> bool:
    if isinstance(content, str) or not isinstance(content, Sequence):
        return False
    return any(isinstance(part, Mapping) and "image" in str(part.get("type", "")) for part in content)

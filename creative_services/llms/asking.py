"""From what a caller writes to what we work with: a wish, a request, and the account they go on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import getrandbits
from typing import Any, TypedDict

from creative_services.core.completions import Message, Request
from creative_services.core.errors import ConfigurationError
from creative_services.core.events import Call
from creative_services.core.llm_registry import LLMTier
from creative_services.core.needs import NO_NEEDS, Needs
from creative_services.core.orders import Order
from creative_services.core.wishes import Wish
from creative_services.llms.misfits import messages_in, refuse_misfits, tools_in
from creative_services.llms.structured import Shape


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
    refuse_misfits(options)
    shape = Shape.of(options["response_model"]) if options.get("response_model") is not None else None
    messages = _messages(prompt, options)
    request = Request(
        messages=messages,
        tools=tools_in(options.get("tools")),
        tool_choice=options.get("tool_choice"),
        max_tokens=options.get("max_tokens"),
        temperature=options.get("temperature"),
        stop=_one_or_more(options.get("stop")),
        seed=options.get("seed"),
        schema=shape.schema if shape else None,
        extra=options.get("extra") or {},
    )
    wish = _wish(options, request)
    return Asked(
        wish=wish,
        request=request,
        call=new_call("chat", wish, options, streamed=streamed),
        shape=shape,
        timeout=options.get("timeout"),
    )


def understand_wish(options: CallOptions) -> Wish:
    """The wish alone: a tier or an id, and what narrows it."""
    refuse_misfits(options)
    return _wish(options, None)


def _wish(options: CallOptions, request: Request | None) -> Wish:
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
        fallback_tiers=tuple(known_tier(name) for name in _one_or_more(options.get("fallback_tiers"))),
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
        user_id=None if (user := options.get("user_id")) is None else str(user),
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


def _messages(prompt: str | None, options: CallOptions) -> tuple[Message, ...]:
    given = options.get("messages")
    if (prompt is None) == (given is None):
        raise ConfigurationError("A call needs prompt=... or messages=[...]; one of the two.")
    if prompt is not None:
        if not isinstance(prompt, str):
            raise ConfigurationError(f"prompt is of type {type(prompt).__name__}; give text, or messages=[...].")
        messages: tuple[Message, ...] = ({"role": "user", "content": prompt},)
    else:
        messages = messages_in(given)
    system = options.get("system_prompt")
    return ({"role": "system", "content": system}, *messages) if system else messages


def _one_or_more(given: Sequence[str] | None) -> tuple[str, ...]:
    """A string alone is one, not its letters."""
    return (given,) if given and isinstance(given, str) else tuple(given or ())


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

"""What cannot be asked, refused before anything is sent: misspelt options, and values of the wrong kind."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from math import inf
from typing import Any, Final

from creative_services.core.completions import Message
from creative_services.core.errors import ConfigurationError
from creative_services.core.needs import Needs


def _anything(value: object) -> bool:
    return True


def _text(value: object) -> bool:
    return isinstance(value, str)


def _mapping(value: object) -> bool:
    return isinstance(value, Mapping)


def _whole(value: object) -> bool:
    # True is an int to Python, but nobody who writes it means 1.
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -inf < value < inf


def _texts(value: object) -> bool:
    return isinstance(value, str) or (isinstance(value, Iterable) and not isinstance(value, bytes | Mapping))


# Option: whether a value fits, and what to give instead.
_FITTING: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "messages": (_anything, ""),
    "system_prompt": (_text, "text"),
    "tier": (_anything, ""),
    "llm_id": (_whole, "an entry's id, which is a whole number"),
    "needs": (lambda value: isinstance(value, Needs), "Needs(...), such as Needs(tools=True)"),
    "fallback_tiers": (_texts, "a list of tiers"),
    "order": (lambda value: callable(getattr(value, "key", None)), "Blended(), Expected() or an order of your own"),
    "tools": (_anything, ""),
    "tool_choice": (lambda value: _text(value) or _mapping(value), "'auto', 'none', 'required' or a tool's name"),
    "response_model": (_anything, ""),
    "max_tokens": (lambda value: _whole(value) and value > 0, "a whole number above 0"),
    "temperature": (_number, "a number"),
    "stop": (_texts, "a text or a list of texts"),
    "seed": (_whole, "a whole number"),
    "timeout": (lambda value: (_number(value) or value == inf) and value > 0, "seconds, a number above 0"),
    "user_id": (_anything, ""),
    "metadata": (_mapping, "a mapping"),
    "extra": (_mapping, "a mapping of the vendor's own parameters"),
}


def refuse_misfits(options: Mapping[str, Any]) -> None:
    """An option nobody knows is a ``TypeError``, as for any Python function; a value that cannot fit is ours."""
    for name, value in options.items():
        known = _FITTING.get(name)
        if known is None:
            raise TypeError(_unknown(name))
        if value is not None and not known[0](value):
            raise ConfigurationError(f"{name}={repr(value)[:60]} cannot be kept; give {known[1]}.")


def _unknown(name: str) -> str:
    near = get_close_matches(name, (*_FITTING, "prompt"), n=1)
    hint = f" Did you mean '{near[0]}'?" if near else f" Options: {', '.join(sorted(_FITTING))}."
    return f"A call has no option '{name}'.{hint}"


_SUCH: Final = "{'role': 'user', 'content': 'Hello'}"


def messages_in(given: Any) -> tuple[Message, ...]:
    """The messages, each with a role and a content that can be said."""
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise ConfigurationError(
            f"messages is no list but of type {type(given).__name__}; give something like [{_SUCH}]."
        )
    messages: tuple[Message, ...] = tuple(given)
    if not messages:
        raise ConfigurationError("messages=[] holds nothing to ask.")
    for place, message in enumerate(messages):
        if why := _unsayable(message):
            raise ConfigurationError(
                f"messages[{place}] {why}; give {{'role': 'user', 'content': 'Hello'}} or the like."
            )
    return messages


def _unsayable(message: Any) -> str | None:
    if not isinstance(message, Mapping):
        return f"is of type {type(message).__name__}"
    if not isinstance(message.get("role"), str):
        return "has no 'role'"
    content = message.get("content")
    if isinstance(content, str):
        return None
    if content is None:
        # Only an assistant that calls tools may say nothing.
        return None if message["role"] == "assistant" else "has no 'content'"
    # No generator: a second entry would be asked with what the first one left of it.
    sayable = isinstance(content, Sequence | Mapping | bytearray)
    return None if sayable else f"has a 'content' of type {type(content).__name__}"


def tools_in(given: Any) -> tuple[Mapping[str, Any], ...]:
    """The tools, each a mapping with a name."""
    if given is None:
        return ()
    odd = [given] if isinstance(given, str | Mapping) or not isinstance(given, Iterable) else []
    tools = tuple(odd or given)
    odd += [tool for tool in tools if not isinstance(tool, Mapping)]
    if odd:
        raise ConfigurationError(
            f"tools={repr(odd[0])[:40]} is no list of mappings; give something like "
            "[{'name': 'weather', 'parameters': {'type': 'object', 'properties': {...}}}]."
        )
    return tools

"""What callers of ours send in a vendor's dialect, read as our nouns. What no noun holds stays where it is."""

from collections.abc import Mapping
from typing import Any, Final

from creative_services.core.completions import Message

_CONTENT: Final = (str, list, type(None))


class InboundError(ValueError):
    """A caller's request that is no request of its dialect."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


def messages_in(document: Mapping[str, Any], name: str = "messages") -> tuple[Message, ...]:
    """The conversation so far."""
    given = document.get(name)
    if not isinstance(given, list) or not given:
        raise InboundError(f"'{name}' must be a list with at least one message.", name)
    for place, message in enumerate(given):
        if not isinstance(message, dict):
            raise InboundError(f"{name}[{place}] must be an object with 'role' and 'content'.", name)
        if not isinstance(message.get("content"), _CONTENT):
            raise InboundError(f"{name}[{place}].content must be a text or a list of parts.", name)
    return tuple(given)


def objects_in(document: Mapping[str, Any], name: str) -> tuple[Mapping[str, Any], ...]:
    """A list of objects that may be missing."""
    given = document.get(name)
    if given is None:
        return ()
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise InboundError(f"'{name}' must be a list of objects.", name)
    return tuple(given)


def count_in(document: Mapping[str, Any], *names: str) -> int | None:
    """A whole number above 0 that may be missing, under the first of the names that has it."""
    for name in names:
        given = document.get(name)
        if given is not None:
            if type(given) is not int or given < 1:
                raise InboundError(f"'{name}' must be a whole number above 0.", name)
            return given
    return None


def number_in(document: Mapping[str, Any], name: str) -> float | None:
    """A number that may be missing."""
    given = document.get(name)
    if given is None or type(given) is float or type(given) is int:
        return given
    raise InboundError(f"'{name}' must be a number.", name)


def texts_in(document: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A text or a list of texts that may be missing."""
    given = document.get(name)
    if given is None:
        return ()
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise InboundError(f"'{name}' must be a text or a list of texts.", name)
    return tuple(texts)

"""A caller's request for vectors in OpenAI's dialect."""

from collections.abc import Mapping
from typing import Any

from creative_services.core.completions import Request
from creative_services.wire.inbound import InboundError


def texts(document: Mapping[str, Any]) -> list[str] | None:
    """The texts; None when they are given as tokens, which only a model of the same vocabulary can read."""
    given = document.get("input")
    if isinstance(given, str):
        return [given]
    if not isinstance(given, list) or not given:
        raise InboundError("'input' must be a text or a list with at least one text.", "input")
    if all(isinstance(text, str) for text in given):
        return given
    if all(isinstance(token, int | list) for token in given):
        return None
    raise InboundError("'input' must hold texts only, or tokens only.", "input")


def request(document: Mapping[str, Any]) -> Request:
    """The texts as messages, which is how their length is estimated; vectors have no output to reserve money for."""
    told = texts(document)
    if told is None:
        # A token is about as long as a word's piece: what is estimated from it is the count of tokens again.
        told = ["tok" * _tokens(document["input"])]
    return Request(messages=tuple({"role": "user", "content": text} for text in told), max_tokens=0)


def _tokens(given: list[Any]) -> int:
    return sum(len(each) if isinstance(each, list) else 1 for each in given)

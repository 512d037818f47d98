"""Changing single members of a JSON object in its bytes, so that everything else travels exactly as it was written."""

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

_NAME: Final = b'"model"'
_MODEL: Final = re.compile(rb'"model"\s*:\s*("(?:[^"\\]|\\.)*")')
_TOKENS: Final = re.compile(rb'"(?:[^"\\]+|\\.)*"|[{}\[\],:]')
_OPENING: Final = b"{["
_CLOSING: Final = b"}]"
_COLON: Final = 0x3A
_COMMA: Final = 0x2C
_BACKSLASH: Final = 0x5C

Span = tuple[int, int]


def with_model(body: bytes, document: Mapping[str, Any], model: bytes) -> bytes:
    """``body`` with another model in it; ``model`` is JSON already."""
    place = body.find(_NAME)
    # Written once and no letter written as an escape: then it is the outermost object's. Inside a text its quotes
    # would be written \\".
    if body.find(_NAME, place + 1) < 0 and b"\\u00" not in body and body[place - 1] != _BACKSLASH:
        found = _MODEL.match(body, place)
        if found:
            start, end = found.span(1)
            return body[:start] + model + body[end:]
    return with_members(body, document, {"model": model})


def with_members(body: bytes, document: Mapping[str, Any], members: Mapping[str, bytes]) -> bytes:
    """``body``, which parses to ``document``, with these members set; the values are JSON already."""
    present = [name for name in members if name in document]
    if present:
        spans = _spans(body)
        places = sorted((span, name) for name in present for span in spans[name])
        for (start, end), name in reversed(places):
            body = body[:start] + members[name] + body[end:]
    added = [b"%b:%b" % (orjson.dumps(name), value) for name, value in members.items() if name not in document]
    if added:
        end = body.rindex(b"}")
        body = body[:end] + (b"," if document else b"") + b",".join(added) + body[end:]
    return body


def _spans(body: bytes) -> dict[str, list[Span]]:
    """Where the values of the outermost object's members are; a name written twice has two places."""
    spans: dict[str, list[Span]] = {}
    depth, name, value_from = 0, "", -1
    for token in _TOKENS.finditer(body):
        first = body[token.start()]
        if first in _CLOSING or (first == _COMMA and depth == 1):
            if depth == 1 and value_from >= 0:
                spans.setdefault(name, []).append(_trimmed(body, value_from, token.start()))
                value_from = -1
            depth -= first in _CLOSING
        elif first in _OPENING:
            depth += 1
        elif depth == 1 and value_from < 0:
            if first == _COLON:
                value_from = token.end()
            else:
                name = orjson.loads(token.group())
    return spans


def _trimmed(body: bytes, start: int, end: int) -> Span:
    value = body[start:end]
    return start + len(value) - len(value.lstrip()), end - (len(value) - len(value.rstrip()))

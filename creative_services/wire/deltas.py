"""What a stream adds, in no vendor's dialect: text, thoughts, the beginning of a tool call, a part of its arguments."""

from typing import NamedTuple


class TextDelta(NamedTuple):
    """More of the answer."""

    text: str


class ThoughtDelta(NamedTuple):
    """More of what the model thinks before it answers."""

    text: str


class CallBegun(NamedTuple):
    """The model begins to call a tool; ``place`` counts the calls of this answer from 0."""

    place: int
    id: str
    name: str


class ArgumentsDelta(NamedTuple):
    """More of a call's arguments, as the model writes them."""

    place: int
    text: str


Delta = TextDelta | ThoughtDelta | CallBegun | ArgumentsDelta

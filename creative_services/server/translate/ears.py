"""How endpoints of each dialect are asked and understood."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from creative_services.core.completions import Completion, Request
from creative_services.server.upstream.doors import Door
from creative_services.wire import anthropic_messages, openai_chat
from creative_services.wire.anthropic_deltas import MessagesReader
from creative_services.wire.deltas import Delta
from creative_services.wire.openai_deltas import ChatReader


class Reader(Protocol):
    """Reads a stream."""

    @property
    def complete(self) -> bool:
        """Whether the vendor has said why it stopped."""
        ...

    @property
    def finished(self) -> bool:
        """Whether nothing will follow."""
        ...

    def feed(self, document: Mapping[str, Any], /) -> list[Delta]:
        """What this document adds."""
        ...

    def completion(self) -> Completion:
        """The whole answer so far."""
        ...


Without = frozenset[str]
# Nobody's defaults are added to what a caller asked for.
PLAIN: Final[Without] = frozenset({"temperature", "max_tokens"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ear:
    """A dialect of endpoints. ``surface`` is the one of ours whose path its requests go to."""

    surface: str
    body: Callable[[Door, Request, Mapping[str, Any], bool, Without], dict[str, Any]]
    completion: Callable[[Any], Completion]
    reader: Callable[[], Reader]
    musts: Without = frozenset()


def _chat(door: Door, request: Request, asked: Mapping[str, Any], stream: bool, without: Without) -> dict[str, Any]:
    told = openai_chat.body(door.entry, request, door.words, stream=stream, without=without)
    choice = asked.get("tool_choice")
    one_by_one = isinstance(choice, dict) and choice.get("disable_parallel_tool_use")
    if request.tools and (one_by_one or asked.get("parallel_tool_calls") is False):
        told["parallel_tool_calls"] = False
    return told


def _messages(door: Door, request: Request, asked: Mapping[str, Any], stream: bool, without: Without) -> dict[str, Any]:
    if request.temperature is not None and request.temperature > 1:
        # OpenAI's scale goes to 2, Anthropic's to 1: as warm as it gets.
        request = replace(request, temperature=1.0)
    told = anthropic_messages.body(door.entry, request, stream=stream, without=without)
    if request.tools and asked.get("parallel_tool_calls") is False:
        choice = told.get("tool_choice") or {"type": "auto"}
        told["tool_choice"] = {**choice, "disable_parallel_tool_use": True}
    if isinstance(asked.get("user"), str):
        told["metadata"] = {"user_id": asked["user"]}
    return told


EARS: Final[Mapping[str, Ear]] = {
    "openai": Ear(surface="chat", body=_chat, completion=openai_chat.completion, reader=ChatReader),
    "anthropic": Ear(
        surface="messages",
        body=_messages,
        completion=anthropic_messages.completion,
        reader=MessagesReader,
        musts=frozenset({"max_tokens"}),
    ),
}

"""Anthropic's messages: JSON, and the events of its streams."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from creative_services.testing.vendors.anthropic_failures import ANTHROPIC_FAILURES
from creative_services.testing.vendors.failures import FailureTable, RefusedError
from creative_services.testing.vendors.faults import STATUS_OF_CODE, Fault
from creative_services.testing.vendors.http1 import Request
from creative_services.testing.vendors.replies import Spoken, Tokens, ToolCall, cut
from creative_services.testing.vendors.shapes import (
    REQUEST_ID,
    Asked,
    Frame,
    Json,
    bearer,
    prompt_tokens,
    text_field,
    to_json,
)

STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}
OLDEST_VERSION = "2023-06-01"
OLDEST_ROLES = frozenset({"user", "assistant"})
ROLES = OLDEST_ROLES | {"system"}  # what the SDK's second major, which asks for a later version, may send


@dataclass(frozen=True, slots=True)
class AnthropicShape:
    """POST /v1/messages as Anthropic answers it."""

    vendor: str = "anthropic"
    failures: FailureTable = ANTHROPIC_FAILURES
    request_id_header: str = "request-id"
    stream_type: str = "text/event-stream; charset=utf-8"
    broken_frame: bytes = b'event: content_block_delta\ndata: {"type":"content_block_delta","ind\n\n'

    def check_key(self, headers: Mapping[str, str], keys: frozenset[str]) -> None:
        # The SDK sent its key as x-api-key up to its first major; since its second, as a bearer token.
        key = headers.get("x-api-key") or bearer(headers)
        if not key:
            raise RefusedError(401, "x-api-key header is required")
        if keys and key not in keys:
            raise RefusedError(401, "invalid x-api-key")
        if not headers.get("anthropic-version"):
            raise RefusedError(400, "anthropic-version: header is required")

    def asked(self, request: Request, body: Json) -> Asked:
        model = text_field(body, "model", "model: Field required")
        if not isinstance(body.get("max_tokens"), int):
            raise RefusedError(400, "max_tokens: Field required")
        roles = OLDEST_ROLES if request.headers.get("anthropic-version") == OLDEST_VERSION else ROLES
        messages = _messages(body, roles)
        return Asked(
            path=request.path,
            model=model,
            stream=bool(body.get("stream")),
            prompt_tokens=prompt_tokens(messages, body.get("system")),
        )

    def completion(self, asked: Asked, spoken: Spoken) -> Json:
        content: list[Json] = [{"type": "text", "text": spoken.text}] if spoken.text else []
        content += [
            {**_tool_use(call, place), "input": dict(call.arguments)} for place, call in enumerate(spoken.tool_calls)
        ]
        return {
            **_message(asked, content, _usage(spoken.tokens)),
            "stop_reason": STOP_REASONS.get(spoken.finish_reason, spoken.finish_reason),
        }

    def frames(self, asked: Asked, spoken: Spoken) -> list[Frame]:
        # The opening counts one token out, as Anthropic does; the closing message_delta has the whole.
        begun = {**_usage(spoken.tokens), "output_tokens": min(1, spoken.tokens.output)}
        stop_reason = STOP_REASONS.get(spoken.finish_reason, spoken.finish_reason)
        return [
            _event("message_start", message=_message(asked, [], begun)),
            *_blocks(spoken),
            _event(
                "message_delta",
                delta={"stop_reason": stop_reason, "stop_sequence": None},
                usage=_usage(spoken.tokens),
            ),
            _event("message_stop"),
        ]

    def error(self, fault: Fault, model: str) -> Json:
        failure = self.failures.failure(fault, model)
        error: Json = {"type": failure.type, "message": failure.message}
        # Only Anthropic's own codes are sent; the ones known to every vendor are told apart by type there.
        if fault.code and fault.code not in STATUS_OF_CODE:
            error["details"] = {"error_code": fault.code}
        return {"type": "error", "error": error, "request_id": f"req_{REQUEST_ID}"}

    def error_frame(self, fault: Fault, model: str) -> bytes:
        return b"event: error\ndata: " + to_json(self.error(fault, model)) + b"\n\n"


def _messages(body: Json, roles: frozenset[str]) -> list[Any]:
    messages = body.get("messages")
    if not isinstance(messages, list):
        raise RefusedError(400, "messages: Field required")
    if not messages:
        raise RefusedError(400, "messages: at least one message is required")
    for place, message in enumerate(messages):
        role = message.get("role") if isinstance(message, dict) else None
        if role not in roles:
            raise RefusedError(
                400,
                f'messages.{place}: Unexpected role "{role}". The Messages API accepts a top-level `system` '
                'parameter, not "system" as an input message role.',
            )
    return messages


def _message(asked: Asked, content: list[Json], usage: Json) -> Json:
    return {
        "id": f"msg_{REQUEST_ID}",
        "type": "message",
        "role": "assistant",
        "model": asked.model,
        "content": content,
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }


def _usage(tokens: Tokens) -> Json:
    usage: Json = {
        "input_tokens": tokens.uncached,  # unlike OpenAI's, this leaves the cached ones out
        "cache_creation_input_tokens": tokens.cache_write,
        "cache_read_input_tokens": tokens.cache_read,
        "output_tokens": tokens.output,
    }
    if tokens.reasoning:
        usage["output_tokens_details"] = {"thinking_tokens": tokens.reasoning}
    return usage


def _tool_use(call: ToolCall, place: int) -> Json:
    return {"type": "tool_use", "id": call.id or f"toolu_{REQUEST_ID}{place}", "name": call.name, "input": {}}


def _event(name: str, *, content: bool = False, **fields: Any) -> Frame:
    data = to_json({"type": name, **fields})
    return Frame(b"event: " + name.encode() + b"\ndata: " + data + b"\n\n", content)


def _blocks(spoken: Spoken) -> Iterator[Frame]:
    ping = _event("ping")
    index = 0
    if spoken.text:
        deltas = [{"type": "text_delta", "text": chunk} for chunk in spoken.chunks]
        yield from _block(index, {"type": "text", "text": ""}, deltas, ping)
        index += 1
    for place, call in enumerate(spoken.tool_calls):
        # The first fragment is empty, as Anthropic's is.
        parts = ["", *cut(call.arguments_json, 2)]
        deltas = [{"type": "input_json_delta", "partial_json": part} for part in parts]
        yield from _block(index, _tool_use(call, place), deltas, None if index else ping)
        index += 1


def _block(index: int, block: Json, deltas: list[dict[str, str]], ping: Frame | None) -> Iterator[Frame]:
    yield _event("content_block_start", index=index, content_block=block)
    if ping is not None:
        yield ping
    for delta in deltas:
        yield _event("content_block_delta", content=True, index=index, delta=delta)
    yield _event("content_block_stop", index=index)

"""OpenAI's chat completions, and Groq's, which differ in a few fields."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from creative_services.testing.vendors.failures import FailureTable, RefusedError
from creative_services.testing.vendors.faults import Fault
from creative_services.testing.vendors.http1 import Request
from creative_services.testing.vendors.openai_failures import GROQ_FAILURES, OPENAI_FAILURES
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

DONE = Frame(b"data: [DONE]\n\n")


@dataclass(frozen=True, slots=True)
class OpenAIShape:
    """POST /v1/chat/completions as OpenAI answers it."""

    vendor: str = "openai"
    failures: FailureTable = OPENAI_FAILURES
    request_id_header: str = "x-request-id"
    stream_type: str = "text/event-stream; charset=utf-8"
    broken_frame: bytes = b'data: {"id":"chatcmpl-broken","choices":[{"index":0,"del\n\n'

    def check_key(self, headers: Mapping[str, str], keys: frozenset[str]) -> None:
        if keys and bearer(headers) not in keys:
            raise RefusedError(401, self.failures.by_code["invalid_api_key"].message, code="invalid_api_key")

    def asked(self, request: Request, body: Json) -> Asked:
        model = text_field(body, "model", "you must provide a model parameter")
        messages = body.get("messages")
        if not isinstance(messages, list) or not messages:
            raise RefusedError(400, "Missing required parameter: 'messages'.", param="messages")
        stream = bool(body.get("stream"))
        options = body.get("stream_options")
        if options is not None and not stream:
            message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
            raise RefusedError(400, message, param="stream_options")
        return Asked(
            path=request.path,
            model=model,
            stream=stream,
            prompt_tokens=prompt_tokens(messages),
            include_usage=bool((options or {}).get("include_usage")),
        )

    def completion(self, asked: Asked, spoken: Spoken) -> Json:
        message: Json = {"role": "assistant", "content": spoken.text or None, "refusal": None}
        if spoken.tool_calls:
            message["tool_calls"] = [_call(call, place) for place, call in enumerate(spoken.tool_calls)]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": spoken.finish_reason}
        return {
            **self._common(asked, "chat.completion"),
            "choices": [choice],
            "usage": self._usage(spoken.tokens),
        }

    def frames(self, asked: Asked, spoken: Spoken) -> list[Frame]:
        common = self._common(asked, "chat.completion.chunk")
        if asked.include_usage:
            common["usage"] = None  # present and null on every chunk but the last, as OpenAI does
        opening = {"role": "assistant", "content": "" if spoken.text else None}
        events = [Frame(self._event({**common, **_choice(opening)}, opening=True))]
        events += [Frame(self._event({**common, **_choice(delta)}), content=True) for delta in _deltas(spoken)]
        last = {**common, **_choice({}, spoken.finish_reason)}
        events.append(Frame(self._event(last, usage=self._usage(spoken.tokens))))
        if asked.include_usage:
            events.append(Frame(_sse({**common, "choices": [], "usage": self._usage(spoken.tokens)})))
        return [*events, DONE]

    def error(self, fault: Fault, model: str) -> Json:
        failure = self.failures.failure(fault, model)
        return {
            "error": {
                "message": failure.message,
                "type": failure.type,
                "param": failure.param,
                "code": failure.code,
            }
        }

    def error_frame(self, fault: Fault, model: str) -> bytes:
        return _sse(self.error(fault, model))

    def _common(self, asked: Asked, kind: str) -> Json:
        return {
            "id": f"chatcmpl-{REQUEST_ID}",
            "object": kind,
            "created": int(time.time()),
            "model": asked.model,
            "service_tier": "default",
            "system_fingerprint": "fp_testdouble",
        }

    def _usage(self, tokens: Tokens) -> Json:
        read, written = tokens.cache_read, tokens.cache_write
        return {
            "prompt_tokens": tokens.input,
            "completion_tokens": tokens.output,
            "total_tokens": tokens.total,
            "prompt_tokens_details": {"cached_tokens": read, "cache_write_tokens": written, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": tokens.reasoning, "audio_tokens": 0},
        }

    def _event(self, chunk: Json, *, opening: bool = False, usage: Json | None = None) -> bytes:
        return _sse(chunk)


@dataclass(frozen=True, slots=True)
class GroqShape(OpenAIShape):
    """The same at /openai/v1, with Groq's timings and its `x_groq`."""

    vendor: str = "groq"
    failures: FailureTable = GROQ_FAILURES

    def completion(self, asked: Asked, spoken: Spoken) -> Json:
        # Not super(): slots=True makes a second class, which the zero-argument form does not know.
        answer = OpenAIShape.completion(self, asked, spoken)
        del answer["choices"][0]["message"]["refusal"]
        return {**answer, "service_tier": "on_demand", "x_groq": {"id": f"req_{REQUEST_ID}"}}

    def error_frame(self, fault: Fault, model: str) -> bytes:
        return b"event: error\n" + _sse(self.error(fault, model))

    def _usage(self, tokens: Tokens) -> Json:
        prompt_time, completion_time = tokens.input / 10_000, tokens.output / 500
        usage: Json = {
            "queue_time": 0.001,
            "prompt_tokens": tokens.input,
            "prompt_time": prompt_time,
            "completion_tokens": tokens.output,
            "completion_time": completion_time,
            "total_tokens": tokens.total,
            "total_time": prompt_time + completion_time,
        }
        # Groq leaves the details out when there is nothing to tell.
        if tokens.cache_read:
            usage["prompt_tokens_details"] = {"cached_tokens": tokens.cache_read}
        if tokens.reasoning:
            usage["completion_tokens_details"] = {"reasoning_tokens": tokens.reasoning}
        return usage

    def _event(self, chunk: Json, *, opening: bool = False, usage: Json | None = None) -> bytes:
        if opening:
            return _sse({**chunk, "x_groq": {"id": f"req_{REQUEST_ID}"}})
        if usage is not None:
            return _sse({**chunk, "x_groq": {"id": f"req_{REQUEST_ID}", "usage": usage}})
        return _sse(chunk)


def _sse(payload: Json) -> bytes:
    return b"data: " + to_json(payload) + b"\n\n"


def _call(call: ToolCall, place: int) -> Json:
    function = {"name": call.name, "arguments": call.arguments_json}
    return {"id": call.id or f"call_{REQUEST_ID}{place}", "type": "function", "function": function}


def _choice(delta: Any, finish_reason: str | None = None) -> Json:
    return {"choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}]}


def _deltas(spoken: Spoken) -> Iterator[Json]:
    for chunk in spoken.chunks:
        yield {"content": chunk}
    for place, call in enumerate(spoken.tool_calls):
        whole = _call(call, place)
        begun = {**whole, "index": place, "function": {"name": call.name, "arguments": ""}}
        yield {"tool_calls": [begun]}
        # In two halves, so that whoever joins the fragments is tried.
        for part in cut(call.arguments_json, 2):
            yield {"tool_calls": [{"index": place, "function": {"arguments": part}}]}

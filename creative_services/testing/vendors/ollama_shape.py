"""Ollama's own API: chat and generate, as JSON and as lines of JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from creative_services.testing.vendors.failures import Failure, FailureTable, RefusedError
from creative_services.testing.vendors.faults import Fault
from creative_services.testing.vendors.http1 import Request
from creative_services.testing.vendors.replies import Spoken, ToolCall
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

NANOSECONDS_A_TOKEN = 20_000_000  # fifty tokens a second, a laptop's pace
DONE_REASONS = {"tool_calls": "stop", "content_filter": "stop"}

OLLAMA_FAILURES = FailureTable(
    by_status={
        400: Failure("", "invalid request"),
        401: Failure("", "unauthorized"),
        403: Failure("", "forbidden"),
        404: Failure("", "model 'MODEL' not found"),
        413: Failure("", "request body too large"),
        429: Failure("", "too many requests"),
        503: Failure("", "server busy, please try again.  maximum pending requests exceeded"),
    },
    by_code={
        "unsupported_parameter": Failure("", "MODEL does not support tools"),
        "context_length_exceeded": Failure("", "the input length exceeds the context length"),
        "overloaded": Failure("", "server busy, please try again.  maximum pending requests exceeded"),
    },
    otherwise=Failure("", "llama runner process has terminated: exit status 2"),
)


@dataclass(frozen=True, slots=True)
class OllamaShape:
    """POST /api/chat and /api/generate as Ollama answers them."""

    vendor: str = "ollama"
    failures: FailureTable = OLLAMA_FAILURES
    request_id_header: str = ""  # Ollama has none
    stream_type: str = "application/x-ndjson"
    broken_frame: bytes = b'{"model":"broken","message":{"role":"assist\n'

    def check_key(self, headers: Mapping[str, str], keys: frozenset[str]) -> None:
        # A local Ollama knows no keys; one behind a proxy is sent a bearer token, which must then be right.
        if keys and "authorization" in headers and bearer(headers) not in keys:
            raise RefusedError(401, "unauthorized")

    def asked(self, request: Request, body: Json) -> Asked:
        return Asked(
            path=request.path,
            model=text_field(body, "model", "model is required"),
            stream=body.get("stream", True) is not False,  # Ollama streams unless told not to
            prompt_tokens=prompt_tokens(body.get("messages"), body.get("prompt"), body.get("system")),
        )

    def completion(self, asked: Asked, spoken: Spoken) -> Json:
        calls = [_call(call, place) for place, call in enumerate(spoken.tool_calls)]
        return {**_piece(asked, spoken.text, calls), **_done(spoken)}

    def frames(self, asked: Asked, spoken: Spoken) -> list[Frame]:
        pieces = [_piece(asked, chunk) for chunk in spoken.chunks]
        # Ollama sends a tool call whole, its arguments already parsed.
        pieces += [_piece(asked, "", [_call(call, place)]) for place, call in enumerate(spoken.tool_calls)]
        lines = [Frame(to_json({**piece, "done": False}) + b"\n", content=True) for piece in pieces]
        return [*lines, Frame(to_json({**_piece(asked, ""), **_done(spoken)}) + b"\n")]

    def error(self, fault: Fault, model: str) -> Json:
        return {"error": self.failures.failure(fault, model).message}

    def error_frame(self, fault: Fault, model: str) -> bytes:
        return to_json(self.error(fault, model)) + b"\n"


def _piece(asked: Asked, text: str, calls: list[Json] | None = None) -> Json:
    common = {"model": asked.model, "created_at": datetime.now(UTC).isoformat().replace("+00:00", "Z")}
    if asked.path.endswith("/generate"):
        return {**common, "response": text}
    message: Json = {"role": "assistant", "content": text}
    return {**common, "message": {**message, "tool_calls": calls} if calls else message}


def _call(call: ToolCall, place: int) -> Json:
    function = {"index": place, "name": call.name, "arguments": dict(call.arguments)}
    return {"id": call.id or f"call_{REQUEST_ID}{place}", "function": function}


def _done(spoken: Spoken) -> Json:
    tokens = spoken.tokens
    reading, writing = tokens.input * NANOSECONDS_A_TOKEN // 10, tokens.output * NANOSECONDS_A_TOKEN
    return {
        "done": True,
        "done_reason": DONE_REASONS.get(spoken.finish_reason, spoken.finish_reason),
        "total_duration": reading + writing + 1_000_000,
        "load_duration": 1_000_000,
        "prompt_eval_count": tokens.input,
        "prompt_eval_duration": reading,
        "eval_count": tokens.output,
        "eval_duration": writing,
    }

"""A caller's chat request in OpenAI's dialect, as our noun."""

from collections.abc import Mapping
from typing import Any, Final

from creative_services.core.completions import Request
from creative_services.wire.inbound import InboundError, count_in, messages_in, number_in, objects_in, texts_in

NOTHING: Final[Mapping[str, Any]] = {}

# Fields that change what is answered and that only an endpoint of OpenAI's own shape can honour.
ONLY_NATIVE: Final = frozenset(
    {"functions", "function_call", "logprobs", "top_logprobs", "logit_bias", "audio", "prediction"}
)


def request(document: Mapping[str, Any]) -> Request:
    """The request, as far as our nouns go."""
    given = document.get
    choice = given("tool_choice")
    if choice is not None and not isinstance(choice, str | dict):
        raise InboundError("'tool_choice' must be a text or an object.", "tool_choice")
    # Most requests say little: what is not there is not looked at.
    return Request(
        messages=messages_in(document),
        tools=objects_in(document, "tools") if "tools" in document else (),
        tool_choice=choice,
        max_tokens=count_in(document, "max_completion_tokens", "max_tokens"),
        temperature=number_in(document, "temperature") if "temperature" in document else None,
        stop=texts_in(document, "stop") if "stop" in document else (),
        seed=given("seed"),
        schema=_schema(given("response_format")) if "response_format" in document else None,
        extra={"top_p": given("top_p")} if "top_p" in document else NOTHING,
    )


def _schema(form: Any) -> Mapping[str, Any] | None:
    if form is None:
        return None
    if not isinstance(form, dict):
        raise InboundError("'response_format' must be an object.", "response_format")
    if form.get("type") == "json_object":
        return {"type": "object"}
    if form.get("type") != "json_schema":
        return None
    described = form.get("json_schema")
    schema = described.get("schema") if isinstance(described, dict) else None
    if not isinstance(schema, dict):
        raise InboundError("'response_format.json_schema.schema' must be an object.", "response_format")
    return schema


def native_only(document: Mapping[str, Any]) -> str | None:
    """The first field that no other dialect has a word for; None when every entry can answer."""
    if (document.get("n") or 1) != 1:
        return "n"
    if ONLY_NATIVE.isdisjoint(document):
        return None
    return next((name for name in document if name in ONLY_NATIVE and document[name]), None)

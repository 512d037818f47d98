"""LangChain's models in front of the gateway; run by a Python that has LangChain, and none of ours."""

import json
import sys
from typing import Any

from langchain_anthropic import ChatAnthropic
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SCHEMA = {
    "title": "Weather",
    "description": "Where it is.",
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOL = {"type": "function", "function": {"name": "weather", "description": "The weather.", "parameters": SCHEMA}}


def model_of(kind: str, url: str, key: str, model: str) -> Any:
    """LangChain's own class, with nothing but an address, a key and a tier."""
    if kind == "anthropic":
        return ChatAnthropic(model=model, base_url=url, api_key=key, max_retries=0, max_tokens=100)
    return ChatOpenAI(
        model=model, base_url=f"{url}/v1", api_key=key, max_retries=0, use_responses_api=kind == "responses"
    )


def main(kind: str, url: str, key: str, name: str) -> dict[str, Any]:
    """Everything the other callers do, in LangChain's words."""
    model = model_of(kind, url, key, name)
    hello = HumanMessage("hello")
    plain: AIMessage = model.invoke([hello])
    told: dict[str, Any] = {"plain": plain.text, "usage": plain.usage_metadata["total_tokens"] > 0}

    whole = None
    for piece in model.stream([hello]):
        whole = piece if whole is None else whole + piece
    told |= {"streamed": whole.text, "streamed_usage": whole.usage_metadata["total_tokens"] > 0}

    tooled = model.bind_tools([TOOL])
    asked: AIMessage = tooled.invoke([hello])
    told["called"] = [call["args"] for call in asked.tool_calls]
    results = [ToolMessage("sunny", tool_call_id=call["id"]) for call in asked.tool_calls]
    told["answered"] = tooled.invoke([hello, asked, *results]).text

    whole = None
    for piece in tooled.stream([hello]):
        whole = piece if whole is None else whole + piece
    told["called_streamed"] = [call["args"] for call in whole.tool_calls]

    told["structured"] = model.with_structured_output(SCHEMA, method="json_schema").invoke([hello])
    picture = {"type": "image", "source_type": "base64", "mime_type": "image/png", "data": PICTURE}
    told["seen"] = model.invoke([HumanMessage([{"type": "text", "text": "what?"}, picture])]).text
    if kind == "openai":
        # Its own tokens would be OpenAI's, which no other model reads.
        vectors = OpenAIEmbeddings(
            model="Vectors", base_url=f"{url}/v1", api_key=key, max_retries=0, check_embedding_ctx_length=False
        )
        told["vectors"] = [len(row) for row in vectors.embed_documents(["one", "two"])]
    return told


print(json.dumps(main(*sys.argv[1:])))

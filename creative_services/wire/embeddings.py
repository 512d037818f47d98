"""Texts into vectors, in the two dialects that do it."""

import base64
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from creative_services.core.completions import Embeddings
from creative_services.core.llm_registry import LLMEntry
from creative_services.core.usage import Usage
from creative_services.wire.counts import count
from creative_services.wire.extras import CONNECTION
from creative_services.wire.faults import FaultError, WrongShapeError, fault_in

Vector = tuple[float, ...]


def openai_body(entry: LLMEntry, texts: Sequence[str]) -> dict[str, Any]:
    """What to post to OpenAI and its kin."""
    return {"model": entry.model, "input": list(texts), "encoding_format": "float", **_options(entry)}


def ollama_body(entry: LLMEntry, texts: Sequence[str]) -> dict[str, Any]:
    """What to post to Ollama."""
    return {"model": entry.model, "input": list(texts), **_options(entry)}


def _options(entry: LLMEntry) -> dict[str, Any]:
    return {key: value for key, value in entry.options.items() if key not in CONNECTION}


def openai_vectors(answer: Any, wanted: int) -> Embeddings:
    """The vectors in the order of the texts; their index counts, not their place."""
    try:
        rows = sorted(answer["data"], key=lambda row: row["index"])
        vectors = tuple(_vector(row["embedding"]) for row in rows)
        told = answer.get("usage")
        usage = Usage(input_tokens=count(told, "prompt_tokens")) if isinstance(told, Mapping) else None
        model = answer.get("model") or ""
    except (KeyError, TypeError, AttributeError, ValueError, struct.error) as wrong:
        raise _no_vectors(answer) from wrong
    return _checked(Embeddings(vectors=vectors, usage=usage, model=model, raw=answer), wanted)


def ollama_vectors(answer: Any, wanted: int) -> Embeddings:
    """The vectors in the order of the texts."""
    try:
        vectors = tuple(_vector(row) for row in answer["embeddings"])
        usage = Usage(input_tokens=count(answer, "prompt_eval_count")) if "prompt_eval_count" in answer else None
        model = answer.get("model") or ""
    except (KeyError, TypeError, AttributeError, ValueError) as wrong:
        raise _no_vectors(answer) from wrong
    return _checked(Embeddings(vectors=vectors, usage=usage, model=model, raw=answer), wanted)


def _vector(told: Any) -> Vector:
    if isinstance(told, str):  # some endpoints send base64 whatever was asked for
        data = base64.b64decode(told, validate=True)
        return struct.unpack(f"<{len(data) // 4}f", data)
    return tuple(map(float, told))


def _checked(made: Embeddings, wanted: int) -> Embeddings:
    if len(made.vectors) != wanted:
        raise WrongShapeError(f"{len(made.vectors)} vectors came back for {wanted} texts")
    return made


def _no_vectors(answer: Any) -> Exception:
    fault = fault_in(answer)
    return FaultError(fault) if fault else WrongShapeError("the answer has no vectors")

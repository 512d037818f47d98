"""Embeddings made from the input alone: the same text is always the same vector, of length one."""

import base64
import hashlib
import math
import struct
from typing import Any

from creative_services.testing.vendors.failures import RefusedError
from creative_services.testing.vendors.shapes import REQUEST_ID, Json, prompt_tokens, text_field, to_json

DIMENSIONS = 8


def embed(value: Any, dimensions: int = DIMENSIONS) -> list[float]:
    """A unit vector that depends on nothing but the value and its length."""
    digest = hashlib.shake_256(to_json(value)).digest(4 * dimensions)
    # Odd numbers only, so that no vector is all zeros.
    raw = [number | 1 for number in struct.unpack(f"<{dimensions}i", digest)]
    norm = math.sqrt(sum(number * number for number in raw))
    # As 32-bit floats, which is what base64 carries: both encodings then give the very same numbers.
    return list(struct.unpack(f"<{dimensions}f", struct.pack(f"<{dimensions}f", *(n / norm for n in raw))))


def openai_embeddings(body: Json) -> Json:
    """POST /v1/embeddings as OpenAI and Groq answer it."""
    model = text_field(body, "model", "you must provide a model parameter")
    inputs = _inputs(body)
    vectors = [embed(value, _dimensions(body)) for value in inputs]
    in_base64 = body.get("encoding_format") == "base64"
    used = prompt_tokens(inputs)
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": _base64(vector) if in_base64 else vector}
            for index, vector in enumerate(vectors)
        ],
        "model": model,
        "usage": {"prompt_tokens": used, "total_tokens": used},
        "id": f"embd-{REQUEST_ID}",
    }


def ollama_embeddings(body: Json) -> Json:
    """POST /api/embed as Ollama answers it."""
    inputs = _inputs(body)
    return {
        "model": text_field(body, "model", "model is required"),
        "embeddings": [embed(value, _dimensions(body)) for value in inputs],
        "total_duration": 2_000_000,
        "load_duration": 1_000_000,
        "prompt_eval_count": prompt_tokens(inputs),
    }


def _inputs(body: Json) -> list[Any]:
    given = body.get("input")
    if given in (None, "", []):
        raise RefusedError(400, "Missing required parameter: 'input'.", param="input")
    # A flat list of numbers is one text, already cut into tokens.
    if isinstance(given, list) and not isinstance(given[0], int):
        return given
    return [given]


_MOST_DIMENSIONS = 100_000


def _dimensions(body: Json) -> int:
    wanted = body.get("dimensions", DIMENSIONS)
    if not isinstance(wanted, int) or wanted is True or not 1 <= wanted <= _MOST_DIMENSIONS:
        raise RefusedError(400, "Invalid value for 'dimensions'.", param="dimensions")
    return wanted


def _base64(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()

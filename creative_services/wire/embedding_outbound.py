"""Vectors in OpenAI's dialect, from our noun."""

import struct
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from creative_services.core.completions import Embeddings


def answer(found: Embeddings, model: str, *, in_base64: bool) -> dict[str, Any]:
    """The whole answer. OpenAI's own SDK asks for base64, a third of the size of digits."""
    rows = [
        {"object": "embedding", "index": index, "embedding": _packed(vector) if in_base64 else list(vector)}
        for index, vector in enumerate(found.vectors)
    ]
    tokens = found.usage.input_tokens if found.usage else 0
    return {"object": "list", "data": rows, "model": model, "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}


def _packed(vector: Sequence[float]) -> str:
    return b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode("ascii")

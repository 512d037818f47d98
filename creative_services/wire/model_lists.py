"""The names in a vendor's list of models."""

from typing import Any

from creative_services.wire.faults import WrongShapeError


def openai(answer: Any) -> tuple[str, ...]:
    """OpenAI's shape, which Anthropic and Groq share; some endpoints send the bare list."""
    try:
        rows = answer if isinstance(answer, list) else answer["data"]
        return tuple(str(row["id"]) for row in rows)
    except (KeyError, TypeError) as wrong:
        raise WrongShapeError("the answer is no list of models") from wrong


def ollama(answer: Any) -> tuple[str, ...]:
    """Ollama's shape."""
    try:
        return tuple(str(row.get("model") or row["name"]) for row in answer["models"])
    except (KeyError, TypeError, AttributeError) as wrong:
        raise WrongShapeError("the answer is no list of models") from wrong

"""Which models each vendor says it has, in the vendor's own listing."""

from collections.abc import Sequence

from creative_services.testing.vendors.failures import RefusedError
from creative_services.testing.vendors.shapes import Json

MODELS: dict[str, tuple[str, ...]] = {
    "openai": ("gpt-3.5-turbo", "gpt-4o-mini", "gpt-4o", "text-embedding-3-small"),
    "anthropic": ("claude-3-haiku-20240307", "claude-3-5-sonnet-20241022", "claude-3-opus-20240229"),
    "groq": ("llama-3.1-8b-instant", "llama-3.3-70b-versatile"),
    "ollama": ("llama3.2", "nomic-embed-text"),
}
RELEASED = 1_700_000_000
RELEASED_DATE = "2023-11-14T22:13:20Z"
LLAMA = {
    "parent_model": "",
    "format": "gguf",
    "family": "llama",
    "families": ["llama"],
    "parameter_size": "3.2B",
    "quantization_level": "Q4_K_M",
}


def openai_models(names: Sequence[str], owner: str) -> Json:
    """GET /v1/models as OpenAI and Groq answer it."""
    return {"object": "list", "data": [openai_model(name, names, owner) for name in names]}


def openai_model(name: str, names: Sequence[str], owner: str) -> Json:
    """GET /v1/models/{id} as OpenAI and Groq answer it."""
    if name not in names:
        raise RefusedError(404, f"The model '{name}' does not exist", code="model_not_found", param="model")
    return {"id": name, "object": "model", "created": RELEASED, "owned_by": owner}


def anthropic_models(names: Sequence[str]) -> Json:
    """GET /v1/models as Anthropic answers it, all on one page."""
    return {
        "data": [anthropic_model(name, names) for name in names],
        "has_more": False,
        "first_id": names[0] if names else None,
        "last_id": names[-1] if names else None,
    }


def anthropic_model(name: str, names: Sequence[str]) -> Json:
    """GET /v1/models/{id} as Anthropic answers it."""
    if name not in names:
        raise RefusedError(404, f"model: {name}")
    return {
        "type": "model",
        "id": name,
        "display_name": name.replace("-", " ").title(),
        "created_at": RELEASED_DATE,
        "lifecycle": "active",
    }


def ollama_tags(names: Sequence[str]) -> Json:
    """GET /api/tags; a name without a tag is listed as `:latest`, as Ollama does."""
    return {"models": [_ollama_model(name if ":" in name else f"{name}:latest") for name in names]}


def _ollama_model(name: str) -> Json:
    return {
        "name": name,
        "model": name,
        "modified_at": RELEASED_DATE,
        "size": 2_019_393_189,
        "digest": "a80c4f17acd55265feec403c7aef86be0c25983ab279d83f3bcd3abbcb5b8b72",
        "details": LLAMA,
    }


def ollama_show(name: str, names: Sequence[str]) -> Json:
    """POST /api/show."""
    if name.removesuffix(":latest") not in {known.removesuffix(":latest") for known in names}:
        raise RefusedError(404, f"model '{name}' not found")
    embeds = "embed" in name
    return {
        "modelfile": f"FROM {name}",
        "parameters": "",
        "template": "{{ .Prompt }}",
        "details": LLAMA,
        "model_info": {"general.architecture": "llama", "llama.context_length": 131_072},
        "capabilities": ["embedding"] if embeds else ["completion", "tools"],
        "modified_at": RELEASED_DATE,
    }

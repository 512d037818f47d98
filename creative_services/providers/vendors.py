"""Endpoints that speak OpenAI's dialect, as rows. A new one is a line here, or an entry with an endpoint of its own."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """One endpoint: where it is, which environment variable usually holds its key, what it calls things."""

    name: str
    base_url: str | None
    key_variable: str | None = None
    max_tokens: str = "max_tokens"
    schema: str = "json_schema"


_ROWS: Final = (
    # name, base URL, variable of the key
    ("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    ("together", "https://api.together.xyz/v1", "TOGETHER_API_KEY"),
    ("fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
    ("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    ("xai", "https://api.x.ai/v1", "XAI_API_KEY"),
    ("cerebras", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
    ("perplexity", "https://api.perplexity.ai", "PERPLEXITY_API_KEY"),
    ("nvidia", "https://integrate.api.nvidia.com/v1", "NVIDIA_API_KEY"),
    ("sambanova", "https://api.sambanova.ai/v1", "SAMBANOVA_API_KEY"),
    ("huggingface", "https://router.huggingface.co/v1", "HF_TOKEN"),
    ("gemini", "https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY"),
    # On this machine, at the port each one listens on unless told otherwise; keys are optional there.
    ("vllm", "http://127.0.0.1:8000/v1", None),
    ("llamacpp", "http://127.0.0.1:8080/v1", None),
    ("lmstudio", "http://127.0.0.1:1234/v1", None),
)

VENDORS: Final[dict[str, Vendor]] = {
    **{name: Vendor(name=name, base_url=url, key_variable=variable) for name, url, variable in _ROWS},
    # DeepSeek takes JSON without a schema only.
    "deepseek": Vendor(
        name="deepseek", base_url="https://api.deepseek.com", key_variable="DEEPSEEK_API_KEY", schema="json_object"
    ),
    "compatible": Vendor(name="compatible", base_url=None),
}

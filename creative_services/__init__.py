"""Ask for a tier, not a model.

Every public name lives here. Each is imported when first used, so that ``import creative_services``
costs a program nothing it does not use (asyncio alone would be most of the bill).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from creative_services.core.budgets import Budget as Budget
    from creative_services.core.completions import EmbeddingResponse as EmbeddingResponse
    from creative_services.core.completions import LLMResponse as LLMResponse
    from creative_services.core.completions import Piece as Piece
    from creative_services.core.completions import ToolCall as ToolCall
    from creative_services.core.errors import BudgetExceededError as BudgetExceededError
    from creative_services.core.errors import ConfigurationError as ConfigurationError
    from creative_services.core.errors import CreativeServicesError as CreativeServicesError
    from creative_services.core.errors import NoEntryError as NoEntryError
    from creative_services.core.errors import ProviderError as ProviderError
    from creative_services.core.errors import StreamInterruptedError as StreamInterruptedError
    from creative_services.core.llm_registry import LLMEntry as LLMEntry
    from creative_services.core.llm_registry import LLMRegistry as LLMRegistry
    from creative_services.core.llm_registry import LLMTier as LLMTier
    from creative_services.core.needs import Needs as Needs
    from creative_services.core.orders import Blended as Blended
    from creative_services.core.orders import Expected as Expected
    from creative_services.core.pricing import Pricing as Pricing
    from creative_services.core.secrets import Secret as Secret
    from creative_services.core.usage import Usage as Usage
    from creative_services.llms.client import DynamicLLMClient as DynamicLLMClient
    from creative_services.llms.desk import Patience as Patience
    from creative_services.llms.dict_registry import DictRegistry as DictRegistry

_HOMES = {
    "Blended": "core.orders",
    "Budget": "core.budgets",
    "BudgetExceededError": "core.errors",
    "ConfigurationError": "core.errors",
    "CreativeServicesError": "core.errors",
    "DictRegistry": "llms.dict_registry",
    "DynamicLLMClient": "llms.client",
    "EmbeddingResponse": "core.completions",
    "Expected": "core.orders",
    "LLMEntry": "core.llm_registry",
    "LLMRegistry": "core.llm_registry",
    "LLMResponse": "core.completions",
    "LLMTier": "core.llm_registry",
    "Needs": "core.needs",
    "NoEntryError": "core.errors",
    "Patience": "llms.desk",
    "Piece": "core.completions",
    "Pricing": "core.pricing",
    "ProviderError": "core.errors",
    "Secret": "core.secrets",
    "StreamInterruptedError": "core.errors",
    "ToolCall": "core.completions",
    "Usage": "core.usage",
}

__all__ = [
    "Blended",
    "Budget",
    "BudgetExceededError",
    "ConfigurationError",
    "CreativeServicesError",
    "DictRegistry",
    "DynamicLLMClient",
    "EmbeddingResponse",
    "Expected",
    "LLMEntry",
    "LLMRegistry",
    "LLMResponse",
    "LLMTier",
    "Needs",
    "NoEntryError",
    "Patience",
    "Piece",
    "Pricing",
    "ProviderError",
    "Secret",
    "StreamInterruptedError",
    "ToolCall",
    "Usage",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return _version()
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("creative-services")
    except PackageNotFoundError:  # used from a source tree that was never installed
        return "0+source"


def __dir__() -> list[str]:
    return __all__

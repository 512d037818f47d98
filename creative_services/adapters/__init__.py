"""Joints between our nouns and other people's frameworks, each loaded when first named."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from creative_services.adapters.django import DjangoLLMRegistry as DjangoLLMRegistry

__all__ = ["DjangoLLMRegistry"]


def __getattr__(name: str) -> Any:
    if name != "DjangoLLMRegistry":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from creative_services.adapters.django import DjangoLLMRegistry
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "django":
            raise
        from creative_services.core.errors import MissingDependencyError

        raise MissingDependencyError("DjangoLLMRegistry", extra="django", missing="django") from error
    globals()[name] = DjangoLLMRegistry
    return DjangoLLMRegistry

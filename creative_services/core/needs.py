"""What a request needs of a model beyond its tier."""

from collections.abc import Iterator
from dataclasses import dataclass

from creative_services.core.llm_registry import LLMEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """Requirements that narrow the choice: ``Needs(tools=True, vision=True, context=200_000)``."""

    tools: bool = False
    vision: bool = False
    json: bool = False
    embeddings: bool = False
    context: int = 0

    def unmet_by(self, entry: LLMEntry) -> str | None:
        """Why ``entry`` cannot serve, in a few words; None when it can."""
        if self.tools or self.vision or self.json or self.embeddings:  # most calls ask for none of them
            lacking = [name for name in self._wanted() if name not in entry.capabilities]
            if lacking:
                return f"lacks {', '.join(lacking)}"
        if not self.embeddings and _only_embeds(entry):
            return "only makes embeddings"
        return self._too_small(entry)

    def _wanted(self) -> Iterator[str]:
        for name in ("tools", "vision", "json", "embeddings"):
            if getattr(self, name):
                yield name

    def _too_small(self, entry: LLMEntry) -> str | None:
        if not self.context:
            return None
        if entry.context_window is None:
            return f"has no known context window ({self.context:,} tokens wanted)"
        if entry.context_window < self.context:
            return f"holds {entry.context_window:,} tokens ({self.context:,} wanted)"
        return None


def _only_embeds(entry: LLMEntry) -> bool:
    return "embeddings" in entry.capabilities and "chat" not in entry.capabilities


NO_NEEDS = Needs()

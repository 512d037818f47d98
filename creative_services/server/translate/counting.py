"""A count of tokens for answers whose vendor gives none: callers and the ledger are always told one."""

from collections.abc import Iterable
from dataclasses import replace

from creative_services.core.completions import Completion, Message
from creative_services.core.estimates import estimated_usage


def counted(completion: Completion, messages: Iterable[Message]) -> Completion:
    """The completion with a usage: an estimate when its vendor told none."""
    if completion.usage is not None:
        return completion
    said = len(completion.content) + sum(len(call.name) + len(call.arguments_text) for call in completion.tool_calls)
    return replace(completion, usage=estimated_usage(messages, said))

"""Token counts without a tokenizer: good enough to set money aside, and always marked as estimates."""

from collections.abc import Iterable
from typing import Any, Final

from creative_services.core.completions import Message
from creative_services.core.usage import Usage

# English prose has about four characters to a token, code and other scripts fewer: three errs on the dear side.
_CHARACTERS_PER_TOKEN: Final = 3
# Vendors charge 85 to 1,600 tokens for an image, depending on its size, which a URL does not tell.
_IMAGE_TOKENS: Final = 1600
_MESSAGE_TOKENS: Final = 4


def text_tokens(text: str) -> int:
    """About how many tokens ``text`` is, rather too many than too few."""
    return -(-len(text) // _CHARACTERS_PER_TOKEN)


def input_tokens(messages: Iterable[Message]) -> int:
    """About how many tokens the messages are."""
    return sum(_MESSAGE_TOKENS + _content_tokens(message.get("content")) for message in messages)


def _content_tokens(content: Any) -> int:
    if isinstance(content, str):
        return text_tokens(content)
    if not isinstance(content, (list, tuple)):
        return 0
    return sum(text_tokens(part["text"]) if "text" in part else _IMAGE_TOKENS for part in content)


def estimated_usage(messages: Iterable[Message], answer: str) -> Usage:
    """A usage for answers whose vendor reported none."""
    return Usage(input_tokens=input_tokens(messages), output_tokens=text_tokens(answer), estimated=True)

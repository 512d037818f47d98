"""Token counts without a tokenizer: good enough to set money aside, and always marked as estimates."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from creative_services.core.completions import Message
from creative_services.core.usage import Usage

# English prose has about four characters to a token, code and other scripts fewer: three errs on the dear side.
_CHARACTERS_PER_TOKEN: Final = 3
# Vendors charge 85 to 1,600 tokens for an image, depending on its size, which a URL does not tell.
_IMAGE_TOKENS: Final = 1600
_MESSAGE_TOKENS: Final = 4


def text_tokens(text: str | int) -> int:
    """About how many tokens ``text``, or a text of so many characters, is: rather too many than too few."""
    return -(-(text if isinstance(text, int) else len(text)) // _CHARACTERS_PER_TOKEN)


def input_tokens(messages: Iterable[Message]) -> int:
    """About how many tokens the messages are."""
    tokens = 0
    for message in messages:
        tokens += _MESSAGE_TOKENS + _content_tokens(message.get("content"))
    return tokens


def _content_tokens(content: Any) -> int:
    if isinstance(content, str):
        return text_tokens(content)
    if not isinstance(content, (list, tuple)):
        return 0
    return sum(map(_part_tokens, content))


def _part_tokens(part: Any) -> int:
    text = part.get("text") if isinstance(part, Mapping) else part
    return text_tokens(text) if isinstance(text, str) else _IMAGE_TOKENS


def estimated_usage(messages: Iterable[Message], answer: str | int) -> Usage:
    """A usage for answers whose vendor reported none; of an answer that was only passed on, its length is enough."""
    return Usage(input_tokens=input_tokens(messages), output_tokens=text_tokens(answer), estimated=True)

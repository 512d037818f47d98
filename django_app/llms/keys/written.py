"""What the text in the ``api_key`` column is: nothing, a reference, a sealed key, or a plain one that must go."""

import re
from enum import StrEnum
from typing import Any, Final

from creative_services.core.secrets import Secret
from django_app.llms.keys import resolving

# What code that writes keys has in hand: text, or a plain key that does not show itself.
Written = str | Secret | None

SEALED_PREFIX: Final = "v1$"
_SEALED: Final = re.compile(r"v1\$[0-9a-f]{8}\$[A-Za-z0-9_-]+={0,2}")


class Kind(StrEnum):
    """How a key is given."""

    NONE = "none"
    REFERENCE = "reference"
    SEALED = "sealed"
    PLAIN = "plain"


def kind_of(text: Written) -> Kind:
    """Which of the four ``text`` is."""
    if not text:
        return Kind.NONE
    if isinstance(text, Secret):
        return Kind.PLAIN
    if _SEALED.fullmatch(text):
        return Kind.SEALED
    scheme, colon, rest = text.partition(":")
    return Kind.REFERENCE if colon and rest and scheme in resolving.schemes() else Kind.PLAIN


def hidden(value: Any) -> Any:
    """``value``, a plain key wrapped so that no error page, local variable, serializer or pickle shows it."""
    return Secret(value) if isinstance(value, str) and kind_of(value) is Kind.PLAIN else value


def source_of(text: Written) -> str:
    """Where the key comes from, for people: ``env:OPENAI_API_KEY``, ``sealed``, or ``none``."""
    return text if isinstance(text, str) and kind_of(text) is Kind.REFERENCE else kind_of(text).value

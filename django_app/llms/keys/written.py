"""What the text in the ``api_key`` column is: nothing, a reference, a sealed key, or a plain one that must go."""

import re
from enum import StrEnum
from typing import Final

from django_app.llms.keys import resolving

SEALED_PREFIX: Final = "v1$"
_SEALED: Final = re.compile(r"v1\$[0-9a-f]{8}\$[A-Za-z0-9_-]+={0,2}")


class Kind(StrEnum):
    """How a key is given."""

    NONE = "none"
    REFERENCE = "reference"
    SEALED = "sealed"
    PLAIN = "plain"


def kind_of(text: str | None) -> Kind:
    """Which of the four ``text`` is."""
    if not text:
        return Kind.NONE
    if _SEALED.fullmatch(text):
        return Kind.SEALED
    scheme, colon, rest = text.partition(":")
    return Kind.REFERENCE if colon and rest and scheme in resolving.schemes() else Kind.PLAIN


def source_of(text: str | None) -> str:
    """Where the key comes from, for people: ``env:OPENAI_API_KEY``, ``sealed``, or ``none``."""
    kind = kind_of(text)
    return text if kind is Kind.REFERENCE and text else kind.value

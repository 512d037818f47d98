"""Keys that do not show themselves."""

import re
from typing import Any, Final

_MASK: Final = "****"

# What vendors' keys look like when a vendor's error text quotes one back at us.
_KEY_SHAPES: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?:sk|gsk)[-_][A-Za-z0-9_*\-]{6,}"
    # Prefixes that are also English want a digit or a star behind them, or "key-value-store" would be a key.
    r"|(?:pk|rk|xai|key|cs)[-_](?=[A-Za-z0-9_\-]*[\d*])[A-Za-z0-9_*\-]{6,}"
    r"|(?i:bearer|x-api-key:?|api[-_ ]key:)\s+[^\s'\",;]+)"
)


class Secret:
    """A value that only ``reveal()`` shows: never ``repr``, ``str``, ``vars``, a pickle or a log line."""

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        """The value itself; call it only at the edge that needs it."""
        return self.__value

    @property
    def hint(self) -> str:
        """The last four characters of a long enough value, for people who must tell two keys apart."""
        return _MASK + self.__value[-4:] if len(self.__value) >= 16 else _MASK

    def __bool__(self) -> bool:
        return bool(self.__value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.__value == other.__value

    def __hash__(self) -> int:
        return hash(self.__value)

    def __repr__(self) -> str:
        return f"Secret('{_MASK}')"

    __str__ = __repr__

    def __copy__(self) -> "Secret":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "Secret":
        # Copying goes through __reduce__ otherwise, and a copied configuration would have lost its keys.
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # A pickle outlives the process and its access rules, so the value stays behind.
        return (Secret, ("",))


def secret(value: "str | Secret | None") -> Secret | None:
    """Wrap a plain string; an empty one counts as none."""
    if isinstance(value, Secret):
        return value or None
    if value is not None and not isinstance(value, str):
        # Its text is not shown: it may well be the key, as bytes.
        raise TypeError(f"A key is text, not of type {type(value).__name__}.")
    return Secret(value) if value else None


def redact(text: str, *known: Secret | None) -> str:
    """``text`` without the known secrets and without anything that looks like a vendor's key."""
    values = {item.reveal() for item in known if item}
    # The longest first: of a key that begins with another one, the rest would stay.
    for value in sorted(values, key=len, reverse=True):
        if len(value) >= 4:
            text = text.replace(value, _MASK)
    return _KEY_SHAPES.sub(_MASK, text)


def without_frames(error: BaseException) -> BaseException:
    """The error, and whatever it came from, without tracebacks: the frames of a vendor's SDK hold the key.

    Tools that report errors with local values would show it, were the call cut off in the middle.
    """
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            each.__traceback__ = None
            waiting += (each.__cause__, each.__context__)
    return error

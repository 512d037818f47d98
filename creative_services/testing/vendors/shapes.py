"""What every vendor's shape has in common: what was asked, the frames of a stream, reading a prompt."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from creative_services.testing.vendors.failures import FailureTable, RefusedError
from creative_services.testing.vendors.faults import Fault
from creative_services.testing.vendors.http1 import Request
from creative_services.testing.vendors.replies import Spoken, count_tokens

Json = dict[str, Any]

# Stands for the id of a request in rendered bytes, so that they can be kept and only this be replaced
# when they are sent. Ids have just this length, so lengths counted beforehand stay right.
REQUEST_ID = "id-of-the-request-here.."


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a chat request asks for, as far as the answer depends on it."""

    path: str
    model: str
    stream: bool
    prompt_tokens: int
    include_usage: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """One event of a stream as bytes; `content` marks the pieces that faults count."""

    data: bytes
    content: bool = False


class Shape(Protocol):
    """One vendor's wire format."""

    @property
    def vendor(self) -> str: ...
    @property
    def stream_type(self) -> str: ...
    @property
    def request_id_header(self) -> str: ...
    @property
    def broken_frame(self) -> bytes: ...
    @property
    def failures(self) -> FailureTable: ...

    def check_key(self, headers: Mapping[str, str], keys: frozenset[str]) -> None: ...
    def asked(self, request: Request, body: Json) -> Asked: ...
    def completion(self, asked: Asked, spoken: Spoken) -> Json: ...
    def frames(self, asked: Asked, spoken: Spoken) -> list[Frame]: ...
    def error(self, fault: Fault, model: str) -> Json: ...
    def error_frame(self, fault: Fault, model: str) -> bytes: ...


def to_json(value: Any) -> bytes:
    """Compact UTF-8, as the vendors send it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def text_field(body: Json, name: str, missing: str) -> str:
    """A required text of a request."""
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise RefusedError(400, missing, param=name)
    return value


def prompt_tokens(*contents: Any) -> int:
    """A plausible count for whatever text the contents of a request hold."""
    return count_tokens(sum(map(_characters, contents)))


def _characters(content: Any) -> int:
    if isinstance(content, str):
        return len(content)
    if isinstance(content, Mapping):
        return _characters(content.get("content") or content.get("text"))
    return sum(map(_characters, content)) if isinstance(content, Iterable) else 0


def bearer(headers: Mapping[str, str]) -> str:
    """The key in an Authorization header, or an empty text."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""

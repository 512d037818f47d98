"""The parts of a conversation every dialect needs: text, images, tools and their calls, in any common spelling."""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from creative_services.core.completions import ToolCall

_MAGIC: Final[tuple[tuple[bytes, str], ...]] = (
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"RIFF", "image/webp"),
)

_NO_IMAGE: Final = "An image part needs a URL, a data: URL or bytes, such as {'type': 'image', 'image': b'...'}."
# The beginning is enough to tell base64 from a file's name, and megabytes need not be read twice.
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_\-\s]{1,256}(?:=|$|(?<=[A-Za-z0-9+/_\-\s]{256}))")


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A picture: either a link to it, or its bytes in base64 with their media type."""

    url: str | None = None
    data: str | None = None
    media_type: str = "image/png"
    detail: str | None = None

    @property
    def link(self) -> str:
        """A link to it; one that carries the bytes when there is no other."""
        return self.url or f"data:{self.media_type};base64,{self.data}"


def media_type_of(data: bytes) -> str:
    """The media type that the first bytes of a picture give away; PNG when they do not."""
    return next((kind for magic, kind in _MAGIC if data.startswith(magic)), "image/png")


def image_in(part: Any) -> Image | None:
    """The image in a message part: OpenAI's, Anthropic's and our shorter spelling, a link or bytes."""
    if isinstance(part, bytes | bytearray):
        return _from_source(bytes(part))
    if not isinstance(part, Mapping):
        return None
    kind = part.get("type")
    if kind in ("image_url", "input_image"):
        given = part.get("image_url")
        nested = given if isinstance(given, Mapping) else {"url": given}
        return _from_source(nested.get("url"), part.get("media_type"), nested.get("detail", part.get("detail")))
    if kind != "image":
        return None
    source = part.get("source")
    fields = source if isinstance(source, Mapping) else part
    given = next((fields[key] for key in ("image", "data", "url", "source") if fields.get(key)), None)
    return _from_source(given, fields.get("media_type"), part.get("detail"))


def _from_source(source: Any, media_type: str | None = None, detail: str | None = None) -> Image:
    if isinstance(source, bytes | bytearray | memoryview):
        data = bytes(source)
        kind = media_type or media_type_of(data)
        return Image(data=base64.b64encode(data).decode("ascii"), media_type=kind, detail=detail)
    if not isinstance(source, str) or not source:
        raise ValueError(_NO_IMAGE)
    if source.startswith("data:"):
        head, _, encoded = source[5:].partition(",")
        return Image(data=encoded, media_type=head.partition(";")[0] or "image/png", detail=detail)
    if "://" in source:
        return Image(url=source, detail=detail)
    if not _BASE64.match(source):
        raise ValueError(f"{_NO_IMAGE} {source[:60]!r} is none of them; of a file give Path(...).read_bytes().")
    return Image(data=source, media_type=media_type or "image/png", detail=detail)


def text_in(content: Any) -> str:
    """The text of a message's content: a string, or the text parts of a list joined."""
    if isinstance(content, str):
        return content
    if not content:
        return ""
    if isinstance(content, Mapping):
        return str(content.get("text") or "")
    return "".join(text_in(part) for part in content if isinstance(part, str) or _is_text(part))


def _is_text(part: Any) -> bool:
    return isinstance(part, Mapping) and part.get("type") in ("text", "input_text", "output_text", None)


def parts_of(content: Any) -> Sequence[Any]:
    """A message's content as a list of parts, whatever it was given as."""
    if content is None or content == "":
        return ()
    return (content,) if isinstance(content, str | bytes | bytearray | Mapping) else tuple(content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A function the model may call."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any]
    strict: bool | None = None


_NO_PARAMETERS: Final[Mapping[str, Any]] = {"type": "object", "properties": {}}


def tool_in(given: Mapping[str, Any]) -> Tool | None:
    """A tool in OpenAI's, Anthropic's or the minimal form; None when it is one of a vendor's own built-in tools."""
    inner = given.get("function")
    fields = inner if isinstance(inner, Mapping) else given
    if given.get("type") not in (None, "function", "custom") or not fields.get("name"):
        return None
    parameters = fields.get("parameters") or fields.get("input_schema") or _NO_PARAMETERS
    return Tool(
        name=str(fields["name"]),
        description=str(fields.get("description") or ""),
        parameters=parameters,
        strict=fields.get("strict"),
    )


def arguments_in(written: Any) -> tuple[Mapping[str, Any], str]:
    """A call's arguments and the text the model wrote; models write broken JSON, so what cannot be read is empty."""
    if isinstance(written, Mapping):
        return written, json.dumps(written, ensure_ascii=False)
    text = written if isinstance(written, str) else ""
    try:
        parsed = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        parsed = None
    return (parsed if isinstance(parsed, dict) else {}), text


def call_in(given: Any) -> ToolCall | None:
    """A tool call in a message of the conversation so far: ours, or OpenAI's shape."""
    if isinstance(given, ToolCall):
        return given
    if not isinstance(given, Mapping):
        return None
    inner = given.get("function")
    fields = inner if isinstance(inner, Mapping) else given
    if not fields.get("name"):
        return None
    arguments, text = arguments_in(fields.get("arguments"))
    return ToolCall(id=str(given.get("id") or ""), name=str(fields["name"]), arguments=arguments, arguments_text=text)


def wanted_tool(choice: str | Mapping[str, Any]) -> str | None:
    """The name in a tool_choice that names one tool, in OpenAI's or Anthropic's shape."""
    if isinstance(choice, str):
        return None
    inner = choice.get("function")
    name = inner.get("name") if isinstance(inner, Mapping) else choice.get("name")
    return str(name) if name else None

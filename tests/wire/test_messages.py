"""Images, tools and calls are understood in every common spelling."""

import base64
from pathlib import PurePath
from typing import Any

import pytest

from creative_services.core.completions import ToolCall
from creative_services.wire import messages as m

PNG = b"\x89PNG\r\n\x1a\n-"
PNG64 = base64.b64encode(PNG).decode()
LINK = "https://example.com/cat.jpg"


@pytest.mark.parametrize(
    ("part", "link"),
    [
        ({"type": "image_url", "image_url": {"url": LINK}}, LINK),
        ({"type": "image_url", "image_url": LINK}, LINK),
        ({"type": "input_image", "image_url": LINK}, LINK),
        ({"type": "image", "image": LINK}, LINK),
        ({"type": "image", "url": LINK}, LINK),
        ({"type": "image", "source": {"type": "url", "url": LINK}}, LINK),
        ({"type": "image", "image": PNG}, f"data:image/png;base64,{PNG64}"),
        ({"type": "image", "data": PNG64, "media_type": "image/png"}, f"data:image/png;base64,{PNG64}"),
        ({"type": "image", "image": f"data:image/gif;base64,{PNG64}"}, f"data:image/gif;base64,{PNG64}"),
        ({"type": "image", "image": PNG, "media_type": "image/webp"}, f"data:image/webp;base64,{PNG64}"),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": PNG64}},
            f"data:image/jpeg;base64,{PNG64}",
        ),
        (PNG, f"data:image/png;base64,{PNG64}"),
    ],
)
def test_images(part: Any, link: str) -> None:
    found = m.image_in(part)
    assert found is not None
    assert found.link == link


@pytest.mark.parametrize("part", ["text", {"type": "text", "text": "x"}, {"type": "input_audio"}, 7, None])
def test_what_is_no_image(part: Any) -> None:
    assert m.image_in(part) is None


@pytest.mark.parametrize(
    "given", ["photos/ulm.png", "/ulm/a.b", "C:\\ulm", "not an image!", PurePath("photos/ulm.png")]
)
def test_a_files_name_is_no_image(given: Any) -> None:
    with pytest.raises(ValueError, match="needs a URL, a data: URL or bytes"):
        m.image_in({"type": "image", "image": given})


def test_an_image_without_anything_says_what_is_missing() -> None:
    with pytest.raises(ValueError, match="data: URL or bytes"):
        m.image_in({"type": "image"})


@pytest.mark.parametrize(
    ("data", "kind"),
    [(PNG, "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF89a", "image/gif"), (b"RIFF..", "image/webp")],
)
def test_the_first_bytes_give_the_kind_away(data: bytes, kind: str) -> None:
    assert m.media_type_of(data) == kind


PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}}
FORMS: list[dict[str, Any]] = [
    {"type": "function", "function": {"name": "f", "description": "d", "parameters": PARAMETERS}},
    {"name": "f", "description": "d", "input_schema": PARAMETERS},
    {"type": "custom", "name": "f", "description": "d", "input_schema": PARAMETERS},
    {"name": "f", "description": "d", "parameters": PARAMETERS},
    {"type": "function", "name": "f", "description": "d", "parameters": PARAMETERS},
]


@pytest.mark.parametrize("given", FORMS)
def test_a_tool_in_any_form(given: dict[str, Any]) -> None:
    assert m.tool_in(given) == m.Tool(name="f", description="d", parameters=PARAMETERS)


def test_a_vendor_s_own_tool_is_left_alone() -> None:
    assert m.tool_in({"type": "web_search_20250305", "name": "web_search"}) is None


@pytest.mark.parametrize(
    ("written", "arguments", "text"),
    [
        ('{"a": 1}', {"a": 1}, '{"a": 1}'),
        ({"a": 1}, {"a": 1}, '{"a": 1}'),
        ('{"a": ', {}, '{"a": '),
        ("[1]", {}, "[1]"),
        ("", {}, ""),
        (None, {}, ""),
        ("[" * 100_000, {}, "[" * 100_000),
    ],
)
def test_arguments_never_break_us(written: Any, arguments: dict[str, Any], text: str) -> None:
    assert m.arguments_in(written) == (arguments, text)


def test_our_own_call_can_be_given_back() -> None:
    call = ToolCall(id="c1", name="f", arguments={})
    assert m.call_in(call) is call
    assert m.call_in({"id": "c1", "function": {"name": "f", "arguments": "{}"}}) == ToolCall(
        id="c1", name="f", arguments={}, arguments_text="{}"
    )
    assert m.call_in("nonsense") is None


@pytest.mark.parametrize(
    ("content", "text"),
    [("a", "a"), (None, ""), (["a", {"type": "text", "text": "b"}, {"type": "image", "image": PNG}], "ab"), ([], "")],
)
def test_text(content: Any, text: str) -> None:
    assert m.text_in(content) == text


@pytest.mark.parametrize(
    ("choice", "name"),
    [("auto", None), ({"type": "function", "function": {"name": "f"}}, "f"), ({"type": "tool", "name": "f"}, "f")],
)
def test_the_wanted_tool(choice: Any, name: str | None) -> None:
    assert m.wanted_tool(choice) == name

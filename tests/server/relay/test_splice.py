"""Changing members of a JSON object in its bytes is changing them in the object, and touches nothing else."""

import json
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from creative_services.server.relay.splice import with_members, with_model

names = st.sampled_from(
    ["model", "messages", "stream_options", "mod\\el", 'mo"del', "model ", "ключ", "", "a"]
) | st.text(max_size=6)
texts = st.text(max_size=20) | st.sampled_from(['"model":"x"', '\\"model\\":', '{"model":1}', "\\", '"', "model"])
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
documents = st.dictionaries(names, values, max_size=5)


def spelled(document: Any, style: int) -> bytes:
    """The same document in one of several spellings that clients use."""
    if style == 0:
        return orjson.dumps(document)
    if style == 1:
        return json.dumps(document).encode()
    if style == 2:
        return json.dumps(document, indent=2, ensure_ascii=False).encode()
    # Every letter of every name and text as an escape, with blanks wherever they may be.
    return json.dumps(document, separators=(" ,\t", "\r\n:  ")).replace("model", "\\u006dodel").encode()


@settings(max_examples=400)
@given(documents, texts, st.integers(0, 3), st.randoms(use_true_random=False))
def test_the_model_alone_is_another(document: dict[str, Any], model: str, style: int, random: Any) -> None:
    members = [*document.items(), ("model", model)]
    random.shuffle(members)
    whole = {**dict(members), "model": model}
    body = spelled(whole, style)
    changed = with_model(body, orjson.loads(body), b'"gpt-9"')
    assert orjson.loads(changed) == {**orjson.loads(body), "model": "gpt-9"}


@settings(max_examples=400)
@given(documents, st.dictionaries(names, values, max_size=3), st.integers(0, 3))
def test_any_members_alone_are_others(document: dict[str, Any], members: dict[str, Any], style: int) -> None:
    body = spelled(document, style)
    changed = with_members(body, orjson.loads(body), {name: orjson.dumps(value) for name, value in members.items()})
    assert orjson.loads(changed) == {**orjson.loads(body), **members}


def test_what_is_not_changed_keeps_its_spelling() -> None:
    body = b'{ "big" : 123456789012345678901234567890 ,"model":"economy", "float":1.10, "text":"\\u00e9" }'
    assert with_model(body, orjson.loads(body), b'"m"') == body.replace(b'"economy"', b'"m"')


def test_a_name_written_twice_is_changed_twice() -> None:
    body = b'{"model":"a","x":{"model":"inner"},"model":"b"}'
    assert with_model(body, orjson.loads(body), b'"m"') == b'{"model":"m","x":{"model":"inner"},"model":"m"}'

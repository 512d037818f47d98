"""Estimates err on the dear side and grow with the text."""

from hypothesis import given
from hypothesis import strategies as st

from creative_services.core.estimates import estimated_usage, input_tokens, text_tokens


@given(st.text(max_size=500), st.text(max_size=500))
def test_more_text_is_never_fewer_tokens(one: str, more: str) -> None:
    assert text_tokens(one) <= text_tokens(one + more) <= text_tokens(one) + text_tokens(more)
    assert text_tokens(one) * 3 >= len(one)


def test_parts_and_images_count() -> None:
    text = {"type": "text", "text": "Look at this."}
    image = {"type": "image_url", "image_url": {"url": "http://127.0.0.1/x.png"}}
    said = input_tokens([{"role": "user", "content": "Look at this."}])
    assert input_tokens([{"role": "user", "content": [text]}]) == said
    assert input_tokens([{"role": "user", "content": [text, image]}]) == said + 1600
    assert input_tokens([{"role": "assistant", "content": None, "tool_calls": []}]) == input_tokens([{"role": "user"}])


def test_an_estimate_says_it_is_one() -> None:
    usage = estimated_usage([{"role": "user", "content": "Hi"}], "Hello!")
    assert usage.estimated
    assert (usage.input_tokens, usage.output_tokens) == (5, 2)

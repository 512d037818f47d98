"""Replies, faults and embeddings as values: what may be said, how it is cut, what is refused."""

import math

import pytest

from creative_services.testing.vendors import Fault, Reply, Tokens, ToolCall
from creative_services.testing.vendors.embeddings import embed
from creative_services.testing.vendors.faults import FaultKind, fault_of_model
from creative_services.testing.vendors.replies import cut, speak
from creative_services.testing.vendors.scripts import Scripts


@pytest.mark.parametrize("chunks", [None, 1, 2, 3, 100, ["Good ", "", "morning, ", "world "]])
def test_a_text_is_cut_into_pieces_that_make_it_up_again(chunks: int | list[str] | None) -> None:
    text = "Good morning, world "
    pieces = cut(text, chunks)
    assert "".join(pieces) == text
    assert all(pieces)


def test_a_text_without_chunks_is_cut_into_words() -> None:
    assert cut("Hello from me. ", None) == ("Hello", " from", " me.", " ")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Reply(text="a", json={}),
        lambda: Reply(chunks=0),
        lambda: Reply(text="ab", chunks=["a", "c"]),
        lambda: Tokens(input=1, output=1, cache_read=2),
        lambda: Tokens(input=1, output=1, reasoning=2),
        lambda: Fault.named("no_such_error"),
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_written(wrong: object) -> None:
    with pytest.raises(ValueError, match=r"Reply|Tokens|Fault"):
        wrong()  # type: ignore[operator]  # each is a lambda


def test_an_open_reply_is_filled_in_for_the_request() -> None:
    spoken = speak(Reply(), model="m", prompt_tokens=9)
    assert (spoken.text, spoken.finish_reason, spoken.tokens) == ("Hello from m.", "stop", Tokens(input=9, output=3))


def test_a_reply_with_tool_calls_says_nothing_and_ends_for_them() -> None:
    spoken = speak(Reply(tool_calls=[ToolCall("add", {"a": 1})]), model="m", prompt_tokens=9)
    assert (spoken.text, spoken.finish_reason) == ("", "tool_calls")


def test_an_embedding_depends_on_its_input_alone_and_has_length_one() -> None:
    assert embed("a") == embed("a") != embed("b")
    assert len(embed("a")) == 8
    assert len(embed("a", 1536)) == 1536
    assert math.isclose(math.fsum(x * x for x in embed("a", 1536)), 1, rel_tol=1e-6)


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("gpt-4o-mini-500", FaultKind.STATUS),
        ("llama-hang", FaultKind.HANG),
        ("llama-drop", FaultKind.DROP),
        ("gpt-4o-mini", None),
        ("claude-3-5-sonnet-20241022", None),
        ("hang", None),
    ],
)
def test_a_model_name_may_end_in_a_fault(model: str, kind: FaultKind | None) -> None:
    fault = fault_of_model(model)
    assert (fault and fault.kind) == kind


def test_a_models_own_script_comes_before_its_ending_and_the_common_one_last() -> None:
    scripts, own, common = Scripts(), Reply(), Reply()
    scripts.add(common)
    scripts.add_for("m-500", own)
    first, second = scripts.next("m-500"), scripts.next("m-500")
    assert first is own
    assert isinstance(second, Fault)
    assert (scripts.next("m"), scripts.next("m")) == (common, None)

"""No way of looking at a secret shows it."""

import copy
import json
import logging
import pickle
import string
import traceback

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from creative_services.core.secrets import Secret, redact, secret

# Nothing of the mask or of the class's own name may be drawn, or finding it would prove nothing.
VALUES = st.text(string.ascii_uppercase + string.digits, min_size=8, max_size=60)
WORDS = st.text(string.ascii_lowercase + " .,:'\"\n", max_size=40)


@given(VALUES)
def test_no_text_of_it_shows_the_value(value: str) -> None:
    hidden = Secret(value)
    shown = [repr(hidden), str(hidden), f"{hidden}", f"{hidden!s}", "%s" % hidden, "{}".format(hidden), repr([hidden])]  # noqa: UP031, UP032 - every way of formatting
    assert all(value not in text for text in shown)
    assert hidden.reveal() == value


@given(VALUES)
def test_nor_does_anything_that_leaves_the_process(value: str) -> None:
    hidden = Secret(value)
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        pickled = pickle.dumps({"key": hidden}, protocol)
        assert value.encode() not in pickled
        assert not pickle.loads(pickled)["key"]
    with pytest.raises(TypeError):
        json.dumps(hidden)
    with pytest.raises(TypeError):
        vars(hidden)


def test_nor_does_a_log_line_or_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    hidden = Secret("ABCDEFGH12345678")
    logging.getLogger("test").warning("key %s and %r", hidden, {"key": hidden})
    try:
        raise ValueError(hidden)
    except ValueError as error:
        told = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert "hidden = Secret('****')" in told
    assert "ABCDEFGH" not in told
    assert "ABCDEFGH" not in caplog.text


@pytest.mark.parametrize("spec", [">40", "x", "s"])
def test_a_format_with_a_width_is_refused_rather_than_obeyed(spec: str) -> None:
    with pytest.raises(TypeError):
        format(Secret("ABCDEFGH12345678"), spec)


@given(VALUES, VALUES)
def test_equality_is_that_of_the_values(one: str, other: str) -> None:
    assert (Secret(one) == Secret(other)) == (one == other)
    assert hash(Secret(one)) == hash(Secret(one))
    assert Secret(one) != one


def test_copies_keep_it() -> None:
    hidden = Secret("ABCDEFGH12345678")
    assert copy.copy(hidden) is hidden
    assert copy.deepcopy({"nested": [hidden]})["nested"][0] is hidden


def test_a_hint_tells_two_long_keys_apart_and_gives_no_short_one_away() -> None:
    assert Secret("ABCDEFGH12345678").hint == "****5678"
    assert Secret("ABCDEFGH1234567").hint == "****"


def test_nothing_counts_as_none() -> None:
    assert secret(None) is secret("") is secret(Secret("")) is None
    hidden = Secret("a")
    assert secret(hidden) is hidden
    assert secret("a") == hidden


@given(st.lists(WORDS, min_size=1, max_size=4), st.lists(VALUES, min_size=1, max_size=3))
def test_a_known_secret_never_survives(words: list[str], values: list[str]) -> None:
    text = "".join(word + values[i % len(values)] for i, word in enumerate(words))
    assert not any(value in redact(text, *map(Secret, values)) for value in values)


def test_of_a_key_that_begins_with_another_nothing_remains() -> None:
    short, long = Secret("ABCDEFGH"), Secret("ABCDEFGH-REST")
    for known in ((short, long), (long, short)):
        assert redact("sent ABCDEFGH-REST", *known) == "sent ****"


@given(WORDS, st.sampled_from(["sk-", "sk-proj-", "sk-ant-api03-", "gsk_", "xai-"]), VALUES)
@example("Incorrect API key provided: ", "sk-proj-", "ABC1********WXYZ")
def test_what_looks_like_a_vendors_key_is_masked(words: str, prefix: str, value: str) -> None:
    body = value + "7"
    told = redact(f"{words} {prefix}{body}.")
    assert body not in told
    assert words in told or "bearer" in words or "key" in words


@given(st.one_of(WORDS, VALUES, st.text(max_size=60)))
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = redact(text, Secret("ABCDEFGH"))
    assert redact(once, Secret("ABCDEFGH")) == once


@pytest.mark.parametrize(
    "harmless",
    [
        "the task-manager failed",
        "/srv/risk-models/docs_building",
        "a key-value-store",
        "disk_usage",
        "monkey_business_9",
    ],
)
def test_ordinary_words_stay(harmless: str) -> None:
    assert redact(harmless) == harmless


@pytest.mark.parametrize("header", ["Authorization: Bearer abc.def", "x-api-key: abc", "API key: abc", "bearer abc"])
def test_what_stands_behind_a_key_header_is_masked(header: str) -> None:
    assert "abc" not in redact(header)

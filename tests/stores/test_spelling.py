"""How keys and ends are spelled for stores that are particular: it can be undone, and none is taken for another."""

import re

from hypothesis import given
from hypothesis import strategies as st

from creative_services.stores._edge import shown
from creative_services.stores._keys import escaped, escaped_prefix, unescaped
from creative_services.stores._leased import split_end, with_end

KEYS = st.text(min_size=1, max_size=60)


@given(key=KEYS)
def test_a_key_comes_back(key: str) -> None:
    assert unescaped(escaped(key)) == key


@given(key=KEYS)
def test_only_harmless_characters_are_left(key: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_=-]+", escaped(key))


@given(one=KEYS, other=KEYS)
def test_no_two_keys_are_spelled_alike(one: str, other: str) -> None:
    assert (escaped(one) == escaped(other)) == (one == other)


@given(prefix=st.text(max_size=20), rest=KEYS)
def test_a_beginning_stays_a_beginning(prefix: str, rest: str) -> None:
    assert escaped(prefix + rest).startswith(escaped_prefix(prefix))


@given(name=st.text(alphabet="aAgG19=_-%.é", max_size=12))
def test_a_name_that_is_no_spelling_stands_for_no_key(name: str) -> None:
    key = unescaped(name)
    assert key is None or not key or escaped(key) == name or unescaped(escaped(key)) == key


@given(value=st.binary(max_size=200), ends_at=st.none() | st.floats(min_value=0.001, max_value=4e9))
def test_an_end_comes_back_and_never_early(value: bytes, ends_at: float | None) -> None:
    got, end = split_end(with_end(value, ends_at))
    assert got == value
    assert (end is None) == (ends_at is None)
    assert end is None or ends_at is None or 0 <= end - ends_at <= 0.0011


@given(value=st.binary(max_size=50), ends_at=st.floats(min_value=1, max_value=4e9))
def test_a_value_that_looks_like_one_with_an_end_keeps_its_tail(value: bytes, ends_at: float) -> None:
    lookalike = with_end(value, ends_at)
    assert split_end(with_end(lookalike, None)) == (lookalike, None)


def test_an_address_is_shown_without_its_account() -> None:
    assert shown("redis://ada:geheim@h:1/0?x=1") == "redis://****@h:1/0?x=1"
    assert shown("redis://h:1/0") == "redis://h:1/0"
    assert shown("/plain/path@home") == "/plain/path@home"

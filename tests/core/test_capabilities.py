"""The subset rule in words and examples; the index against the rule, whatever comes and goes."""

import random
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creative_services.core.capabilities import (
    MOST_WISHES,
    CapabilityIndex,
    Pool,
    as_text,
    matches,
    satisfies,
    wish_of,
)

QWEN = {"model": "qwen2", "type": "chat"}


@pytest.mark.parametrize(
    ("wish", "found"),
    [
        ({"model": "qwen2"}, True),
        ({"type": "chat"}, True),
        ({"model": "qwen2", "type": "chat"}, True),
        ({"model": "qwen3"}, False),
        ({"model": "qwen2", "gpu": "1"}, False),
        ({}, True),
        ({"model": "qwen"}, False),
    ],
)
def test_the_documented_rule(wish: dict[str, str], found: bool) -> None:
    assert satisfies(QWEN, wish_of(wish)) is found


def test_two_capabilities_that_hold_half_each_do_not_match() -> None:
    halves = ({"model": "qwen2"}, {"type": "chat"})
    assert matches(halves, wish_of({"model": "qwen2"}))
    assert not matches(halves, wish_of(QWEN))


@pytest.mark.parametrize(
    ("registered", "asked"),
    [(2, "2"), (2, "2.0"), (2.0, "2"), (True, "true"), (True, "True"), (False, "false"), (None, "null"), ("2", "2"),
     (0.5, "0.5"), ("true", "true"), (10**30, str(10**30))],
)  # fmt: skip
def test_values_compare_by_meaning(registered: object, asked: str) -> None:
    assert satisfies({"it": registered}, (("it", asked),))


@pytest.mark.parametrize(
    ("registered", "asked"),
    [(1, "true"), (True, "1"), ("1.10", "1.1"), (2, "3"), (0, "false"), ("qwen2", "Qwen2"), ([1], "[1]"), (2, "2_0"),
     (20, "2_0"), (float("nan"), "nan")],
)  # fmt: skip
def test_values_that_mean_something_else_do_not(registered: object, asked: str) -> None:
    assert not satisfies({"it": registered}, (("it", asked),))


VALUES = st.one_of(st.booleans(), st.integers(-2, 3), st.sampled_from(["a", "b", "1", "true", "1.0"]), st.none())
CAPABILITIES = st.dictionaries(st.sampled_from("xyz"), VALUES, max_size=3)
HELD = st.lists(CAPABILITIES, max_size=3)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 5), HELD),
        st.tuples(st.just("drop"), st.integers(0, 5), st.none()),
        st.tuples(st.just("ask"), st.none(), CAPABILITIES),
    ),
    max_size=40,
)


@settings(max_examples=300, deadline=None)
@given(STEPS)
def test_the_index_finds_whom_the_rule_names(steps: list[tuple[str, int | None, object]]) -> None:
    index, known, wishes = CapabilityIndex(), {}, {()}
    for step, number, given_value in steps:
        if step == "put":
            known[str(number)] = given_value
            index.put(str(number), given_value)  # type: ignore[arg-type]  # of the step's kind
        elif step == "drop":
            known.pop(str(number), None)
            index.drop(str(number))
        else:
            wishes.add(wish_of(given_value))  # type: ignore[arg-type]  # of the step's kind
        for wish in wishes:
            expected = {name for name, held in known.items() if matches(held, wish)} if wish else set(known)
            assert set(index.find(wish)) == expected
            assert len(index.find(wish)) == len(expected)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9))))
def test_a_pool_is_a_set_that_counts_from_nought(steps: list[tuple[bool, int]]) -> None:
    pool, twin = Pool(), set()
    for adds, number in steps:
        (pool.add if adds else pool.discard)(str(number))
        (twin.add if adds else twin.discard)(str(number))
        assert sorted(pool.names) == sorted(twin)
        assert all(name in pool for name in twin)


def test_wishes_of_strangers_do_not_fill_the_memory() -> None:
    index = CapabilityIndex()
    index.put("r", [QWEN])
    for number in range(MOST_WISHES * 3):
        assert not index.find((("model", f"invented-{number}"),))
    assert len(index._wishes) <= MOST_WISHES
    assert sum(map(len, index._watched.values())) <= MOST_WISHES
    assert "r" in index.find(wish_of(QWEN))


def seconds_per_look_up(replicas: int) -> float:
    index = CapabilityIndex()
    for number in range(replicas):
        index.put(str(number), [{"model": f"m{number % 7}", "type": "chat", "gpus": number % 3}])
    wish = wish_of({"model": "m3", "gpus": 2})
    index.find(wish)
    started = perf_counter()
    for _ in range(2000):
        found = index.find(wish).names
        found[random.randrange(len(found))]
    return (perf_counter() - started) / 2000


def test_a_look_up_does_not_grow_with_the_replicas() -> None:
    few, many = (min(seconds_per_look_up(count) for _ in range(3)) for count in (100, 10_000))
    print(f"a look-up: {few * 1e6:.2f} us among 100, {many * 1e6:.2f} us among 10,000")
    assert many < few * 10  # a scan would be a hundred times as long


def test_a_wish_is_text_in_one_order() -> None:
    assert wish_of({"b": True, "a": 2}) == (("a", "2"), ("b", "true"))
    assert as_text(None) == "null"

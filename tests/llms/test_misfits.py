"""What cannot be asked is refused before anything is sent, in words that say what to give instead."""

import math

import pytest

from creative_services import Budget, ConfigurationError, DictRegistry, DynamicLLMClient, Patience
from creative_services.testing import ScriptedProvider

from .conftest import entry

TEXT = {"role": "user", "content": "x"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"llm_id": "1"}, "whole number"),
        ({"llm_id": True}, "whole number"),
        ({"llm_id": [1]}, "whole number"),
        ({"tier": "standard", "needs": {"tools": True}}, "Needs"),
        ({"tier": "standard", "order": "cheap"}, "Blended"),
        ({"tier": "standard", "fallback_tiers": 5}, "list of tiers"),
        ({"tier": "standard", "max_tokens": "5"}, "whole number above 0"),
        ({"tier": "standard", "max_tokens": 0}, "whole number above 0"),
        ({"tier": "standard", "max_tokens": 5.5}, "whole number above 0"),
        ({"tier": "standard", "temperature": "hot"}, "give a number"),
        ({"tier": "standard", "temperature": math.nan}, "give a number"),
        ({"tier": "standard", "timeout": math.nan}, "seconds"),
        ({"tier": "standard", "timeout": -1}, "seconds"),
        ({"tier": "standard", "timeout": "5"}, "seconds"),
        ({"tier": "standard", "stop": 5}, "list of texts"),
        ({"tier": "standard", "seed": "a"}, "whole number"),
        ({"tier": "standard", "system_prompt": 5}, "give text"),
        ({"tier": "standard", "metadata": [1]}, "mapping"),
        ({"tier": "standard", "extra": [1]}, "mapping"),
        ({"tier": "standard", "tools": {"name": "f"}}, "list of mappings|such as"),
        ({"tier": "standard", "tools": [print]}, "list of mappings"),
        ({"tier": "standard", "tools": "f"}, "list of mappings"),
        ({"tier": "standard", "tool_choice": 5}, "tool's name"),
        ({"tier": "standard", "response_model": [1]}, "no shape"),
        ({"tier": "standard", "response_model": "City"}, "no shape"),
        ({"tier": "standard", "response_model": {"type": "banana"}}, "no shape"),
    ],
)
async def test_an_option_of_the_wrong_kind(make_client, options, words):
    provider = ScriptedProvider()
    client = make_client(entry(1), providers={"first": provider})
    with pytest.raises(ConfigurationError, match=words):
        await client.generate("x", **options)
    assert not provider.asked


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ("hello", "of type str"),
        (TEXT, "of type dict"),
        (5, "of type int"),
        ([], "nothing to ask"),
        (["hello"], r"messages\[0\] is of type str"),
        ([TEXT, {"content": "x"}], r"messages\[1\] has no 'role'"),
        ([{"role": "user"}], "no 'content'"),
        ([{"role": "user", "content": 5}], "'content' of type int"),
        ([{"role": "user", "content": (part for part in "ab")}], "'content' of type generator"),
    ],
)
async def test_messages_nobody_could_say(make_client, messages, words):
    with pytest.raises(ConfigurationError, match=words):
        await make_client(entry(1)).generate(messages=messages, tier="standard")


@pytest.mark.parametrize("prompt", [5, b"x", ["x"], TEXT])
async def test_a_prompt_is_text(make_client, prompt):
    with pytest.raises(ConfigurationError, match="give text"):
        await make_client(entry(1)).generate(prompt, tier="standard")


async def test_what_is_unusual_but_fits(make_client):
    provider = ScriptedProvider()
    client = make_client(entry(1), providers={"first": provider})
    called = {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}
    await client.generate(messages=(each for each in (TEXT, called)), tier=" Standard ", timeout=math.inf, stop="")
    await client.generate("x", tier="economy", fallback_tiers="standard", stop="END", user_id=0)
    first, second = (asked[1] for asked in provider.asked)
    assert (first.messages, first.stop, second.stop) == ((TEXT, called), (), ("END",))


async def test_an_unknown_option_is_a_type_error_wherever_it_stands(make_client):
    client = make_client(entry(1))
    with pytest.raises(TypeError, match="Did you mean 'tier'"):
        await client.aexplain(teir="standard")
    with pytest.raises(TypeError, match="Did you mean 'tier'"):
        await client.embed(["x"], teir="standard")
    with pytest.raises(TypeError, match="Did you mean 'prompt'"):
        await client.generate_many([{"promt": "x"}], tier="standard")


@pytest.mark.parametrize(
    ("prompts", "words"),
    [("hello", "one str"), ({"prompt": "x"}, "one dict"), ([None], r"prompts\[0\]"), (["x", 5], "int")],
)
async def test_a_batch_is_a_list_of_prompts(make_client, prompts, words):
    provider = ScriptedProvider()
    client = make_client(entry(1), providers={"first": provider})
    with pytest.raises(ConfigurationError, match=words):
        await client.generate_many(prompts, tier="standard")
    assert not provider.asked


@pytest.mark.parametrize("registry", [None, [], DictRegistry, {"standard": entry(1)}])
def test_a_client_needs_a_registry(registry):
    with pytest.raises(ConfigurationError, match="get_by_id, get_by_tier and list_active"):
        DynamicLLMClient(registry)


def test_a_listener_can_be_called(make_client):
    with pytest.raises(ConfigurationError, match="__call__"):
        make_client(entry(1), listeners=[None])
    with pytest.raises(ConfigurationError, match="__call__"):
        make_client(entry(1)).listen("log")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"id": "1"}, "no whole number"),
        ({"model": ""}, "must both be named"),
        ({"max_tokens": 0}, "above 0"),
        ({"capabilities": "tools"}, "give a set"),
        ({"retires_on": "2027-01-14"}, "no date"),
        ({"api_key": b"sk-never-shown-anywhere-1234"}, "key is text"),
    ],
)
def test_an_entry_that_could_never_answer(fields, words):
    with pytest.raises(ConfigurationError, match=words) as caught:
        entry(1).using(**fields)
    assert "sk-never" not in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [
        lambda: {"budgets": Budget(limit=1)},
        lambda: {"budgets": [5]},
        lambda: {"patience": 30},
        lambda: {"patience": Patience(timeout="30")},
        lambda: {"patience": Patience(idle_timeout=0)},
        lambda: {"patience": Patience(max_retries=-1)},
    ],
)
def test_a_client_is_set_up_with_our_records(given):
    with pytest.raises(ConfigurationError, match=r"Budget\(|Patience"):
        DynamicLLMClient(DictRegistry([]), **given())


def test_budgets_may_come_one_by_one():
    client = DynamicLLMClient(DictRegistry([]), budgets=(Budget(limit=limit) for limit in (1, 2)))
    assert len(client._desk.accounts._budgets) == 2


def test_a_budget_of_no_window():
    with pytest.raises(ConfigurationError, match="hour, day, month, ever"):
        Budget(limit=5, per="fortnight")


class GivesText:
    """What a first attempt at a provider of one's own looks like."""

    async def generate(self, entry, request):
        return "text"

    async def stream(self, entry, request):
        yield "text"

    async def aclose(self):
        """Nothing to close."""


async def test_a_provider_that_gives_no_completion_is_told_so_and_its_money_is_free_again(make_client):
    budgets = [Budget(limit=1)]
    client = make_client(entry(1), providers={"first": GivesText()}, budgets=budgets)
    for _ in range(20):
        with pytest.raises(ConfigurationError, match="An answer is a Completion"):
            await client.generate("x", tier="standard")
        with pytest.raises(ConfigurationError, match="gave a str"):
            await client.stream("x", tier="standard").final()


@pytest.mark.parametrize("provider", [object(), ScriptedProvider, None])
def test_a_provider_has_three_methods(make_client, provider):
    with pytest.raises(ConfigurationError, match="generate, stream, aclose"):
        make_client(entry(1), providers={"first": provider})


@pytest.mark.parametrize("texts", ["x", [], [None], [5], {"a": 1}])
async def test_vectors_are_of_texts(make_client, texts):
    with pytest.raises(ConfigurationError, match="list of texts"):
        await make_client(entry(1)).embed(texts, tier="standard")


def test_a_registry_holds_entries():
    with pytest.raises(ConfigurationError, match="'gpt-4o' is none"):
        DictRegistry(["gpt-4o"])


async def test_a_prompt_of_a_batch_may_ask_another_entry_or_tier(make_client):
    client = make_client(entry(1), entry(2), entry(3, tier="economy"))
    results = await client.generate_many(["x", {"prompt": "x", "llm_id": 2}], tier="standard")
    results += await client.generate_many([{"prompt": "x", "tier": "economy"}], llm_id=1)
    assert [result.response.llm.id for result in results] == [1, 2, 3]

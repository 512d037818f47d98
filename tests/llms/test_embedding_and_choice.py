"""Vectors; explanations; other orders; registries of three methods and of async ones."""

from decimal import Decimal

import pytest

from creative_services import Blended, ConfigurationError, Expected, LLMTier, Needs, NoEntryError
from creative_services.core import errors as e
from creative_services.core.llm_registry import LLMRegistry
from creative_services.testing import ScriptedProvider, fails

from .conftest import entry


async def test_vectors_with_their_account(make_client):
    embedder = entry(2, capabilities={"embeddings"})
    response = await make_client(entry(1), embedder).embed(["a", "b"], tier="standard")
    assert (response.llm.id, len(response.vectors)) == (2, 2)
    assert response.vectors[0] != response.vectors[1]
    assert response.cost == Decimal("0.004")


async def test_chat_never_goes_to_a_model_that_only_embeds(make_client):
    client = make_client(entry(1, capabilities={"embeddings"}), entry(2))
    assert (await client.generate("x", tier="standard")).llm.id == 2


async def test_a_provider_without_the_power_says_so(make_client):
    class Talker(ScriptedProvider):
        embed = None

    client = make_client(entry(1, capabilities={"embeddings"}), providers={"first": Talker()})
    with pytest.raises(ConfigurationError, match="makes no embeddings"):
        await client.embed(["a"], tier="standard")
    with pytest.raises(ConfigurationError, match="list of texts"):
        await client.embed("a", tier="standard")


async def test_explain_lists_every_candidate_with_its_reason(make_client):
    client = make_client(
        entry(1, is_active=False), entry(2, capabilities={"json"}), entry(3, capabilities={"tools"}),
        entry(4, "second", capabilities={"tools"}), entry(5, tier="premium"),
        providers={"first": ScriptedProvider(fails(e.RateLimitedError, retry_after=9)), "second": ScriptedProvider()},
    )  # fmt: skip
    wish = {"tier": "standard", "needs": Needs(tools=True)}
    assert client.explain(**wish).winner.id == 3
    await client.generate("x", **wish)
    told = {verdict.llm.id: verdict.reason for verdict in client.explain(**wish).verdicts}
    assert told == {
        4: "wins at 4/4 USD per 1k in/out",
        3: "rests for 9.0 s after failures",
        2: "lacks tools",
        1: "is switched off",
    }


async def test_explain_of_an_empty_tier(make_client):
    explanation = make_client(entry(1)).explain(tier="premium")
    assert explanation.winner is None
    assert "no entry at all" in str(explanation)


async def test_other_orders(make_client):
    # Cheap to read and dear to write, and the reverse.
    reader = entry(1, cost_per_1k_input="0.001", cost_per_1k_output="0.1")
    writer = entry(2, cost_per_1k_input="0.002", cost_per_1k_output="0.002")
    client = make_client(reader, writer)
    assert client.explain(tier="standard").winner is reader
    assert client.explain(tier="standard", order=Blended(input=1, output=1)).winner is writer
    assert client.explain(tier="standard", order=Blended(input=1000, output=1)).winner is reader
    long, short = {"prompt": "x" * 60_000, "max_tokens": 1}, {"prompt": "x", "max_tokens": 1000}
    assert (await client.generate(**long, tier="standard", order=Expected())).llm is reader
    assert (await client.generate(**short, tier="standard", order=Expected())).llm is writer


class ThreeMethods:
    """A user's plain registry, which prefers its dearer entry."""

    def __init__(self, *entries):
        self._entries = entries

    def get_by_id(self, llm_id):
        return next((each for each in self._entries if each.id == llm_id), None)

    def get_by_tier(self, tier):
        return self._entries[-1] if self._entries[-1].tier == tier else None

    def list_active(self):
        return list(self._entries)


class AsyncTwins(ThreeMethods):
    async def aget_by_id(self, llm_id):
        return super().get_by_id(llm_id)

    async def aget_by_tier(self, tier):
        return super().get_by_tier(tier)

    async def alist_active(self):
        return super().list_active()

    def get_by_tier(self, tier):
        raise AssertionError("the async twin comes first")

    get_by_id = list_active = get_by_tier


@pytest.mark.parametrize("kind", [ThreeMethods, AsyncTwins])
async def test_a_plain_registry_has_the_first_word_and_falls_back_by_price(make_client, kind):
    registry = kind(entry(1), entry(2), entry(3, "second"))
    assert isinstance(registry, LLMRegistry)
    providers = {"first": ScriptedProvider("fallback"), "second": ScriptedProvider(fails(e.ServerError))}
    client = make_client(registry=registry, providers=providers)
    response = await client.generate("x", tier=LLMTier.STANDARD)
    assert [attempt.llm.id for attempt in response.attempts] == [3, 1]
    assert (await client.generate("x", llm_id=2)).llm.id == 2
    with pytest.raises(NoEntryError, match="no active entry"):
        await client.generate("x", tier="premium")


async def test_closing(make_client):
    provider = ScriptedProvider()
    client = make_client(entry(1), providers={"first": provider})
    async with client:
        await client.generate("x", tier="standard")
    assert provider.closed >= 1


async def test_a_registry_may_have_the_last_word(make_client):
    class Guarded(ThreeMethods):
        async def before_call(self, entry):
            raise ConfigurationError(f"{entry} leads to a private address.")

    provider = ScriptedProvider()
    client = make_client(registry=Guarded(entry(1)), providers={"first": provider})
    with pytest.raises(ConfigurationError, match="private address"):
        await client.generate("x", tier="standard")
    assert not provider.asked

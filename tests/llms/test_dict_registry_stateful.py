"""Whatever is added, replaced and removed, the registry answers as a plain dictionary with a sort would."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from creative_services import DictRegistry, LLMEntry, LLMTier
from creative_services.core.errors import ConfigurationError, NoEntryError

PRICES = st.sampled_from([None, "0", "0.0001", "0.00010000", "0.0002", "1"])
IDS = st.integers(0, 6)


@st.composite
def entries(draw) -> LLMEntry:
    return LLMEntry(
        id=draw(IDS),
        name=draw(st.sampled_from(["a", "b"])),
        provider="offline",
        model="m",
        tier=draw(st.sampled_from(LLMTier)),
        cost_per_1k_input=draw(PRICES),
        cost_per_1k_output=draw(PRICES),
        is_active=draw(st.booleans()),
    )


def naive_order(entry: LLMEntry) -> tuple[float, float, int]:
    dear = float("inf")
    prices = (entry.cost_per_1k_input, entry.cost_per_1k_output)
    return *(dear if price is None else float(price) for price in prices), entry.id


class RegistryAsDict(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.registry = DictRegistry()
        self.model: dict[int, LLMEntry] = {}

    @rule(added=st.lists(entries(), max_size=3))
    def add(self, added: list[LLMEntry]) -> None:
        ids = [entry.id for entry in added]
        clash = len(set(ids)) < len(ids) or any(llm_id in self.model for llm_id in ids)
        try:
            self.registry.add(*added)
        except ConfigurationError:
            assert clash
        else:
            assert not clash
            self.model |= {entry.id: entry for entry in added}

    @rule(entry=entries())
    def replace(self, entry: LLMEntry) -> None:
        try:
            self.registry.replace(entry)
        except NoEntryError:
            assert entry.id not in self.model
        else:
            assert entry.id in self.model
            self.model[entry.id] = entry

    @rule(llm_id=IDS)
    def remove(self, llm_id: int) -> None:
        try:
            self.registry.remove(llm_id)
        except NoEntryError:
            assert llm_id not in self.model
        else:
            del self.model[llm_id]

    @invariant()
    def it_answers_as_the_dictionary(self) -> None:
        assert list(self.registry) == list(self.model.values())
        for llm_id in range(7):
            assert self.registry.get_by_id(llm_id) is self.model.get(llm_id)

    @invariant()
    def it_chooses_as_the_sort(self) -> None:
        active = sorted((entry for entry in self.model.values() if entry.is_active), key=naive_order)
        assert self.registry.list_active() == active
        for tier in LLMTier:
            wanted = [entry for entry in active if entry.tier == tier]
            assert list(self.registry.candidates(tier)) == wanted
            assert self.registry.get_by_tier(tier) == (wanted[0] if wanted else None)

    @invariant()
    def names_find_the_cheapest(self) -> None:
        for name in "ab":
            named = [entry for entry in self.registry.list_active() if entry.name == name]
            assert self.registry.get_by_name(name) == (named[0] if named else None)


TestRegistryAsDict = RegistryAsDict.TestCase
TestRegistryAsDict.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)

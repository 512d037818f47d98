"""Entries from a TOML file: every field, every mistake, and how they meet the defaults."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from creative_services import DictRegistry, LLMEntry, LLMTier
from creative_services.catalog.entry_file import FIELDS
from creative_services.core.errors import ConfigurationError
from creative_services.core.usage import Usage
from creative_services.testing import SteppingClock

DAY = date(2026, 11, 21)
LEAST = '[[entries]]\nid = 40\nprovider = "openai"\nmodel = "gpt-6-luna"\ntier = "economy"\n'


class Setup:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "llms.toml"
        self.environ = {"CREATIVE_SERVICES_CONFIG": str(self.path), "OLLAMA_HOST": ""}

    def registry(self, text: str, **environ: str) -> DictRegistry:
        self.path.write_text(text, encoding="utf-8")
        return DictRegistry.from_env(self.environ | environ, clock=SteppingClock(DAY))

    def entry(self, text: str, **environ: str) -> LLMEntry:
        found = self.registry(text, **environ).get_by_id(40)
        assert found is not None
        return found

    def refused(self, text: str, match: str, **environ: str) -> str:
        with pytest.raises(ConfigurationError, match=match) as caught:
            self.registry(text, **environ)
        return str(caught.value)


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    return Setup(tmp_path)


def test_the_least_an_entry_needs(setup: Setup) -> None:
    entry = setup.entry(LEAST)
    assert (entry.name, entry.tier, entry.is_active) == ("GPT-6 Luna", LLMTier.ECONOMY, True)
    assert (entry.cost_per_1k_input, entry.context_window) == (Decimal("0.0001"), 1_050_000)
    assert entry.temperature is None, "known models bring what is known of them"
    assert entry.api_key is None


WHOLE = """
[[entries]]
id = 40
name = "Our box"
provider = "openai"
model = "house-model"
tier = "LOCAL"
api_key = "sk-test-abcdefgh12345678"
api_endpoint = "http://gpu-box:8000/v1"
max_tokens = 1000
temperature = 0.2
cost_per_1k_input = 0.00000001
cost_per_1k_output = "0.5"
is_active = false
capabilities = ["chat", "tools"]
context_window = 32_768
retires_on = 2027-05-01
successor = "house-model-2"
replaces = false
options = { top_p = 0.9, stop = ["x"], nested = { penalty = 1.5 } }
pricing = { cached_input = 0.1, input = 0.00000001, output = 0.5 }
"""


def test_every_field(setup: Setup) -> None:
    assert all(f"{name} =" in WHOLE for name in FIELDS), "this test writes every field there is"
    entry = setup.entry(WHOLE)
    assert (entry.name, entry.provider, entry.model, entry.tier) == ("Our box", "openai", "house-model", LLMTier.LOCAL)
    assert entry.api_key is not None
    assert (entry.api_key.reveal(), entry.api_endpoint) == ("sk-test-abcdefgh12345678", "http://gpu-box:8000/v1")
    assert (entry.max_tokens, entry.temperature, entry.is_active) == (1000, 0.2, False)
    assert isinstance(entry.temperature, float)
    assert (entry.cost_per_1k_input, entry.cost_per_1k_output) == (Decimal("0.00000001"), Decimal("0.5"))
    assert (entry.capabilities, entry.context_window) == ({"chat", "tools"}, 32_768)
    assert (entry.retires_on, entry.successor) == (date(2027, 5, 1), "house-model-2")
    assert json.dumps(entry.options) == '{"top_p": 0.9, "stop": ["x"], "nested": {"penalty": 1.5}}'
    assert entry.cost(Usage(input_tokens=1000, cached_tokens=1000)) == Decimal("0.1")


def test_a_whole_price_card(setup: Setup) -> None:
    entry = setup.entry(
        LEAST
        + """
        [entries.pricing]
        input = 1
        output = 2
        bands = [{ above = 10, input = 5, output = 6 }]
        services.flex = { input = 0.5, output = 1 }
        """
    )
    assert entry.cost(Usage(input_tokens=10)) == Decimal("0.01")
    assert entry.cost(Usage(input_tokens=11)) == Decimal("0.055")
    assert entry.cost(Usage(input_tokens=11, service_tier="flex")) == Decimal("0.0055")
    assert entry.cost_per_1k_output == 2


def test_explicit_prices_win_over_the_known_ones(setup: Setup) -> None:
    own = setup.entry(LEAST + "cost_per_1k_input = 1\ncost_per_1k_output = 2")
    assert own.cost(Usage(input_tokens=300_000)) == 300
    same = setup.entry(LEAST + 'cost_per_1k_input = 0.0001\ncost_per_1k_output = "0.0005"')
    assert same.cost(Usage(input_tokens=300_000)) == Decimal("0.06"), "the same base prices keep the long-prompt band"


def test_an_unknown_model_has_no_price_and_is_called_by_its_id(setup: Setup) -> None:
    entry = setup.entry(LEAST.replace("gpt-6-luna", "house-model"))
    assert (entry.name, entry.cost_per_1k_input, entry.capabilities) == ("house-model", None, frozenset())


@pytest.mark.parametrize(
    "written", ["env:HOUSE_KEY", "file:house.key", "file:{folder}/house.key", "sk-test-1234567890"]
)
def test_where_a_key_may_be(setup: Setup, written: str) -> None:
    folder = setup.path.parent
    (folder / "house.key").write_text("sk-test-1234567890\n")
    entry = setup.entry(f'{LEAST}api_key = "{written.format(folder=folder)}"', HOUSE_KEY="sk-test-1234567890")
    assert entry.api_key is not None
    assert entry.api_key.reveal() == "sk-test-1234567890"


def test_a_key_that_is_not_where_it_should_be(setup: Setup) -> None:
    setup.refused(LEAST + 'api_key = "env:HOUSE_KEY"', "entry 40: .*environment variable HOUSE_KEY, which is not set")
    setup.refused(LEAST + 'api_key = "file:nowhere"', "entry 40: .*nowhere cannot be read: No such file")
    (setup.path.parent / "empty").write_text(" \n")
    setup.refused(LEAST + 'api_key = "file:empty"', "entry 40: .*is empty")
    (setup.path.parent / "binary").write_bytes(b"\xff\xfe\x00")
    setup.refused(LEAST + 'api_key = "file:binary"', "entry 40: .*is not text")


def test_the_vendors_own_key_serves_the_vendors_own_address_only(setup: Setup) -> None:
    environ = {"OPENAI_API_KEY": "sk-o", "OPENAI_BASE_URL": "http://127.0.0.1:1"}
    at_vendor = setup.entry(LEAST, **environ)
    assert at_vendor.api_key is not None
    assert (at_vendor.api_key.reveal(), at_vendor.api_endpoint) == ("sk-o", "http://127.0.0.1:1")
    elsewhere = setup.entry(LEAST + 'api_endpoint = "http://127.0.0.1:2"', **environ)
    assert (elsewhere.api_key, elsewhere.api_endpoint) == (None, "http://127.0.0.1:2")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ('[[entries]]\nid = 40\nmodle = "x"', r"entry 40: unknown key 'modle'\. Did you mean 'model'"),
        ("[[entries]]\nid = 40", "entry 40: provider, model, tier missing. An entry needs id, provider, model, tier"),
        ("[[entries]]\nname = 'x'", "entry number 1: id, provider"),
        ("[[entry]]\nid = 40", "unknown key 'entry'. Did you mean 'entries'"),
        ("[entries]\nid = 40", r"headed \[\[entries\]\]"),
        ("entries = [1]", r"headed \[\[entries\]\]"),
        ("entries = [", "not valid TOML"),
        (LEAST + 'max_tokens = "many"', "entry 40: max_tokens must be a whole number, not 'many'"),
        (LEAST + "max_tokens = 0.5", "max_tokens must be a whole number"),
        (LEAST + "max_tokens = true", "max_tokens must be a whole number, not True"),
        (LEAST + "is_active = 1", "is_active must be true or false"),
        (LEAST + "temperature = '0.7'", "temperature must be a whole number or a number"),
        (LEAST + "retires_on = '2027'", "retires_on must be a date such as 2027-01-14"),
        (LEAST + "retires_on = 2027-01-14T00:00:00Z", "retires_on must be a date"),
        (LEAST + "capabilities = ['tool']", "capabilities: unknown key 'tool'. Did you mean 'tools'"),
        (LEAST + "cost_per_1k_input = -1", r"llms.toml, entry 40 'GPT-6 Luna' .*no amount of money"),
        (LEAST + "cost_per_1k_input = nan", "no amount of money"),
        (LEAST.replace("economy", "econmy"), "entry 40 .*no tier 'econmy'. Tiers: economy, standard, premium, local"),
        (LEAST + "pricing = { inptu = 1 }", "entry 40: pricing: unknown key 'inptu'. Did you mean 'input'"),
        (LEAST + "pricing = { input = 'x' }", "entry 40: pricing: 'x' is no amount of money"),
        (LEAST + "pricing = { bands = 3 }", "bands is a list of tables"),
        (LEAST + "pricing = { bands = [3] }", "pricing, band 1: a price card is a table"),
        (LEAST + "pricing = { bands = [{ input = 3 }] }", "pricing, band 1: says above which prompt length"),
        (LEAST + "pricing = { services = { flex = 3 } }", "pricing, flex: a price card is a table"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_its_remedy(setup: Setup, text: str, match: str) -> None:
    assert str(setup.path) in setup.refused(text, match)


def test_a_file_that_is_not_there_or_not_text(setup: Setup) -> None:
    with pytest.raises(ConfigurationError, match=r"llms\.toml cannot be read: No such file"):
        DictRegistry.from_env(setup.environ)
    setup.path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="not valid TOML"):
        DictRegistry.from_env(setup.environ)


def test_an_empty_file_adds_nothing(setup: Setup) -> None:
    assert list(setup.registry("")) == []


def test_no_mistake_shows_a_key(setup: Setup) -> None:
    told = setup.refused(LEAST + 'api_key = "sk-test-abcdefgh12345678"\nmax_tokens = "x"', "max_tokens")
    assert "12345678" not in told


TWO = LEAST.replace("40", "2")


def test_an_id_that_a_default_has_is_refused_unless_meant(setup: Setup) -> None:
    setup.refused(
        TWO, r"id 2: entry 2 'GPT-4o-mini' .*and entry 2 'GPT-6 Luna' .*`replaces = true`", OPENAI_API_KEY="x"
    )
    replaced = setup.registry(TWO + "replaces = true", OPENAI_API_KEY="x").get_by_id(2)
    assert replaced is not None
    assert replaced.model == "gpt-6-luna"
    assert len(list(setup.registry(TWO + "replaces = true"))) == 1, "there need not be anybody to replace"
    assert len(list(setup.registry(TWO, OPENAI_API_KEY=""))) == 1


def test_two_entries_of_the_file_never_share_an_id(setup: Setup) -> None:
    setup.refused(LEAST + LEAST, "Two entries have the id 40")
    setup.refused((LEAST + "replaces = true\n") * 2, "Two entries have the id 40")


def test_a_retiring_model_in_the_file_is_told_of(setup: Setup, caplog: pytest.LogCaptureFixture) -> None:
    setup.registry(LEAST.replace("gpt-6-luna", "gpt-5-mini"))
    assert "gpt-5-mini) retires on 2026-12-11, in 20 days. Choose another model" in caplog.text

"""``manage.py llms``: what it says, what it changes, and its exit code."""

import json
import tomllib
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings
from django.utils import timezone

from creative_services import DictRegistry
from creative_services.adapters import DjangoLLMRegistry
from django_app.llms.keys.sealing import new_master_key
from django_app.llms.models import Llms
from django_app.llms.signals import secrets_rotated

pytestmark = pytest.mark.django_db

PLAIN = "sk-test-key-0123456789"
OLD, NEW = new_master_key(), new_master_key()


def llms(*words: str) -> tuple[str, int]:
    """What the command says, and its exit code."""
    out = StringIO()
    try:
        call_command("llms", *words, stdout=out, stderr=StringIO())
    except SystemExit as ended:
        return out.getvalue(), int(ended.code or 0)
    return out.getvalue(), 0


def answer(*words: str) -> Any:
    said, _ = llms(*words, "--json")
    return json.loads(said)


def make(name: str = "one", **fields: Any) -> Llms:
    given = {
        "provider": "offline",
        "model_name": "m",
        "tier": "standard",
        "cost_per_1k_input": 1,
        "cost_per_1k_output": 1,
    }
    return Llms.objects.create(name=name, **{**given, **fields})


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def put(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    put(OLLAMA_HOST="")
    return put


class TestList:
    def test_it_shows_winner_state_and_source_of_keys(self) -> None:
        make("cheap", api_key=PLAIN), make("dear", cost_per_1k_input=2), make("off", is_active=False)
        make("lost", api_key="env:LLM_KEY_LOST", cost_per_1k_input=3)
        said, code = llms("list")
        assert code == 0
        lines = {line.split()[2]: line for line in said.splitlines()[1:]}
        assert "wins" in lines["cheap"]
        assert "sealed" in lines["cheap"]
        assert "active" in lines["dear"]
        assert lines["off"].endswith("off")
        assert "unavailable" in lines["lost"]
        assert PLAIN not in said

    def test_one_tier_for_programs(self) -> None:
        make("cheap"), make("local", tier="local")
        (found,) = answer("list", "--tier", "local")
        assert (found["name"], found["in/1k"], found["state"]) == ("local", "1", "wins")

    def test_an_empty_table_says_what_to_do(self) -> None:
        assert "sync_env" in llms("list")[0]


class TestExplain:
    def test_it_says_who_wins_and_why_others_do_not(self) -> None:
        make("cheap"), make("able", cost_per_1k_input=2, capabilities=["chat", "tools"])
        said, code = llms("explain", "standard", "--needs", "tools")
        assert code == 0
        assert "'able'" in said.splitlines()[1]
        assert "lacks tools" in said.splitlines()[2]

    def test_nobody_is_a_failure(self) -> None:
        make("lost", api_key="env:LLM_KEY_LOST")
        said, code = llms("explain", "standard")
        assert code == 1
        assert "LLM_KEY_LOST" in said

    def test_for_programs(self) -> None:
        row = make("cheap")
        assert answer("explain", "standard")["winner"] == row.pk


@pytest.mark.django_db(transaction=True)
class TestTry:
    def test_an_entry_that_answers(self) -> None:
        make("works")
        said, code = llms("test")
        assert code == 0, said
        assert "ok  call" in said

    def test_an_entry_that_does_not(self) -> None:
        make("works")
        broken = make("broken", provider="ollama", api_endpoint="http://127.0.0.1:1", tier="local")
        said, code = llms("test")
        assert code == 1
        assert "NO  connection" in said
        assert llms("test", "--json", str(broken.pk))[1] == 1

    def test_a_refused_endpoint_is_never_called(self) -> None:
        row = make("inside", api_endpoint="http://10.0.0.1")
        said, code = llms("test", str(row.pk))
        assert code == 1
        assert "private address" in said

    def test_an_unknown_id(self) -> None:
        said, code = llms("test", "99")
        assert (code, "There is no entry 99." in said) == (1, True)


class TestSyncEnv:
    def test_the_rows_are_what_from_env_gives(self, environment: Callable[..., None]) -> None:
        environment(
            OPENAI_API_KEY=PLAIN, ANTHROPIC_API_KEY=PLAIN + "a", GROQ_API_KEY=PLAIN + "g", OLLAMA_HOST="127.0.0.1"
        )
        assert llms("sync_env")[1] == 0
        expected = {entry.id: entry for entry in DictRegistry.from_env()}
        found = {entry.id: entry for entry in DjangoLLMRegistry().list_active()}
        assert found.keys() == {entry.id for entry in expected.values() if entry.is_active}
        for llm_id, entry in found.items():
            assert entry.pricing.rates == expected[llm_id].pricing.rates
            assert entry.using(pricing=expected[llm_id].pricing) == expected[llm_id]

    def test_no_key_reaches_the_table(self, environment: Callable[..., None]) -> None:
        environment(OPENAI_API_KEY=PLAIN)
        llms("sync_env")
        assert set(Llms.objects.values_list("api_key", flat=True)) == {"env:OPENAI_API_KEY"}
        assert PLAIN not in json.dumps(list(Llms.objects.values()), default=str)

    def test_a_second_run_changes_nothing(self, environment: Callable[..., None]) -> None:
        environment(OPENAI_API_KEY=PLAIN)
        llms("sync_env")
        before = list(Llms.objects.values())
        changes = answer("sync_env")["changes"]
        assert {each["change"] for each in changes} == {"same"}
        assert list(Llms.objects.values()) == before

    def test_a_dry_run_says_and_does_not(self, environment: Callable[..., None]) -> None:
        environment(OPENAI_API_KEY=PLAIN)
        assert {each["change"] for each in answer("sync_env", "--dry-run")["changes"]} == {"create"}
        assert not Llms.objects.exists()

    def test_a_changed_environment_changes_its_rows(self, environment: Callable[..., None]) -> None:
        environment(OPENAI_API_KEY=PLAIN)
        llms("sync_env")
        environment(CREATIVE_SERVICES_OPENAI_PREMIUM_MODEL="gpt-next")
        (changed,) = [each for each in answer("sync_env")["changes"] if each["change"] == "update"]
        assert changed["id"] == 3
        assert "model_name" in changed["fields"]
        assert Llms.objects.get(pk=3).model_name == "gpt-next"

    def test_rows_of_people_are_left_alone(self, environment: Callable[..., None]) -> None:
        environment(OPENAI_API_KEY=PLAIN)
        mine = make("mine", pk=2)
        llms("sync_env")
        mine.refresh_from_db()
        assert mine.name == "mine"
        assert Llms.objects.filter(managed_source="environment#2").exists()
        twin = Llms.objects.get(managed_source="environment#3")
        Llms.objects.filter(pk=twin.pk).update(managed_source="", managed_by="admin")
        assert "kept" in {each["change"] for each in answer("sync_env")["changes"]}

    def test_new_rows_get_ids_of_their_own_afterwards(self, environment: Callable[..., None]) -> None:
        environment(OPENAI_API_KEY=PLAIN)
        llms("sync_env")
        assert make("next").pk > 3

    def test_prune_deletes_what_the_environment_lost(
        self, environment: Callable[..., None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        environment(OPENAI_API_KEY=PLAIN, GROQ_API_KEY=PLAIN)
        llms("sync_env")
        make("mine")
        monkeypatch.delenv("OPENAI_API_KEY")
        assert len(answer("prune", "--dry-run")["changes"]) == 3
        assert llms("prune")[1] == 0
        assert set(Llms.objects.values_list("provider", flat=True)) == {"groq", "offline"}


FILE = """
[[entries]]
id = 501
name = "House model"
provider = "ollama"
model = "llama3.2"
tier = "local"
api_endpoint = "http://127.0.0.1:11434"
cost_per_1k_input = 0
cost_per_1k_output = 0
options = { "keep_alive" = "5m", "limits" = { "gpu" = 1 } }

[[entries]]
id = 502
provider = "openai"
model = "gpt-4o"
tier = "premium"
api_key = "env:LLM_KEY_TEAM"
temperature = 0.25
cost_per_1k_input = 0.00000001
cost_per_1k_output = 20
is_active = false
"""


class TestFiles:
    def test_apply_writes_the_entries_of_a_file(self, tmp_path: Path) -> None:
        file = tmp_path / "llms.toml"
        file.write_text(FILE)
        assert [each["change"] for each in answer("apply", str(file), "--dry-run")["changes"]] == ["create", "create"]
        assert not Llms.objects.exists()
        llms("apply", str(file))
        house, team = Llms.objects.order_by("pk")
        assert (house.pk, house.options, house.managed_by) == (501, {"keep_alive": "5m", "limits": {"gpu": 1}}, "code")
        assert (team.api_key, team.temperature, team.is_active) == ("env:LLM_KEY_TEAM", 0.25, False)
        assert (team.cost_per_1k_input, team.cost_per_1k_output) == (Decimal("0.00000001"), 20)
        assert {each["change"] for each in answer("apply", str(file))["changes"]} == {"same"}

    def test_prune_of_a_file(self, tmp_path: Path) -> None:
        file = tmp_path / "llms.toml"
        file.write_text(FILE)
        llms("apply", str(file))
        make("mine")
        file.write_text(FILE[: FILE.index("[[entries]]", 20)])
        llms("apply", str(file))
        assert Llms.objects.count() == 3
        llms("apply", str(file), "--prune")
        assert set(Llms.objects.values_list("name", flat=True)) == {"House model", "mine"}
        file.write_text("")
        llms("prune", "--file", str(file))
        assert set(Llms.objects.values_list("name", flat=True)) == {"mine"}

    def test_a_sealed_key_survives_a_file_that_does_not_name_it(self, tmp_path: Path) -> None:
        file = tmp_path / "llms.toml"
        file.write_text(FILE)
        llms("apply", str(file))
        house = Llms.objects.get(pk=501)
        house.api_key = PLAIN
        house.save()
        assert {each["change"] for each in answer("apply", str(file))["changes"]} == {"same"}
        assert Llms.objects.get(pk=501).api_key == house.api_key

    def test_a_mistake_in_the_file_is_one_sentence(self, tmp_path: Path) -> None:
        file = tmp_path / "llms.toml"
        file.write_text(FILE.replace('tier = "local"', 'tier = "lokal"'))
        with pytest.raises(CommandError, match="no tier 'lokal'"):
            call_command("llms", "apply", str(file))

    def test_what_is_exported_can_be_applied_and_is_the_same(self, tmp_path: Path) -> None:
        make(
            'quo"te\n', options={"a": [1, 2.5, True, {"b": "ü"}]}, cost_per_1k_input=20, capabilities=["chat", "tools"]
        )
        make("dated", retires_on=timezone.now().date(), successor="m2", context_window=1000, temperature=0.1)
        make("by reference", api_key="env:LLM_KEY_TEAM")
        file = tmp_path / "llms.toml"
        llms("export", "--output", str(file))
        before = [{**exported, "id": None} for exported in answer("export")["entries"]]
        Llms.objects.all().delete()
        llms("apply", str(file))
        after = [{**exported, "id": None} for exported in answer("export")["entries"]]
        assert after == before

    def test_no_sealed_key_is_exported(self, tmp_path: Path) -> None:
        row = make("sealed", api_key=PLAIN)
        said, _ = llms("export")
        (entry,) = tomllib.loads(said)["entries"]
        assert "api_key" not in entry
        assert "stays there" in said
        assert row.api_key not in said + llms("export", "--json")[0]


class TestVerify:
    def test_the_winner_is_the_cheapest(self) -> None:
        make("cheap"), make("dear", cost_per_1k_input=2), make("lost", cost_per_1k_input=0, api_key="env:LLM_KEY_LOST")
        said, code = llms("verify")
        assert code == 0
        assert "right" in said

    def test_a_pin_is_named(self) -> None:
        make("cheap"), make("dear", cost_per_1k_input=2, pinned_until=timezone.now() + timedelta(hours=1))
        make(
            "off", cost_per_1k_input=9, is_active=False, pinned_until=timezone.now() + timedelta(hours=1), tier="local"
        )
        verdicts = {each["tier"]: each["verdict"] for each in answer("verify")}
        assert verdicts == {"economy": "empty", "standard": "pinned", "premium": "empty", "local": "empty"}

    def test_a_difference_is_a_failure(self, monkeypatch: pytest.MonkeyPatch) -> None:
        make("cheap"), make("dear", cost_per_1k_input=2)
        honest = DjangoLLMRegistry.candidates
        monkeypatch.setattr(
            DjangoLLMRegistry, "get_by_tier", lambda self, tier: next(iter(honest(self, tier)[1:]), None)
        )
        said, code = llms("verify")
        assert (code, "WRONG" in said) == (1, True)


class TestRotate:
    def rows(self) -> list[Llms]:
        with override_settings(CREATIVE_SERVICES={"ENCRYPTION_KEYS": [OLD]}):
            return [make(f"n{number}", api_key=f"{PLAIN}-{number}") for number in range(5)]

    def keys(self) -> list[str]:
        return [row.as_entry().api_key.reveal() for row in Llms.objects.order_by("pk")]  # type: ignore[union-attr]

    def test_every_key_is_sealed_anew(self) -> None:
        ages = [row.api_key_changed_at for row in self.rows()]
        heard: list[Any] = []
        secrets_rotated.connect(lambda **said: heard.append(said["ids"]), weak=False, dispatch_uid="test")
        with override_settings(CREATIVE_SERVICES={"ENCRYPTION_KEYS": [NEW, OLD]}):
            assert answer("rotate_secrets", "--dry-run")["rotated"] == [row.pk for row in Llms.objects.order_by("pk")]
            assert not heard
            assert len(answer("rotate_secrets", "--batch", "2")["rotated"]) == 5
            assert answer("rotate_secrets") == {"dry_run": False, "rotated": [], "broken": {}, "current": 5}
        secrets_rotated.disconnect(dispatch_uid="test")
        assert len(heard) == 1
        with override_settings(CREATIVE_SERVICES={"ENCRYPTION_KEYS": [NEW]}):
            assert self.keys() == [f"{PLAIN}-{number}" for number in range(5)]
        assert [row.api_key_changed_at for row in Llms.objects.order_by("pk")] == ages

    def test_a_key_that_does_not_open_is_named_and_kept(self) -> None:
        one, two, *_ = self.rows()
        Llms.objects.filter(pk=two.pk).update(api_key=one.api_key)
        with override_settings(CREATIVE_SERVICES={"ENCRYPTION_KEYS": [NEW, OLD]}):
            said, code = llms("rotate_secrets")
        assert code == 1
        assert f"entry {two.pk}" in said
        assert Llms.objects.get(pk=two.pk).api_key == one.api_key

    def test_without_a_master_key_it_says_so(self) -> None:
        with override_settings(CREATIVE_SERVICES={}), pytest.raises(CommandError, match="new_key"):
            call_command("llms", "rotate_secrets")

    def test_a_new_key_can_be_used(self) -> None:
        key = llms("new_key")[0].strip()
        with override_settings(CREATIVE_SERVICES={"ENCRYPTION_KEYS": [key]}):
            assert make(api_key=PLAIN).as_entry().api_key.reveal() == PLAIN  # type: ignore[union-attr]  # it has one

"""Reading settings."""

import os
from pathlib import Path

import pytest

from creative_services.config import config_path, did_you_mean, environment, flag, only_known, setting
from creative_services.core.errors import ConfigurationError


def test_the_environment_is_live(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = environment()
    monkeypatch.setenv("CREATIVE_SERVICES_TRY", "1")
    assert seen["CREATIVE_SERVICES_TRY"] == os.environ["CREATIVE_SERVICES_TRY"]


@pytest.mark.parametrize(("written", "read"), [("a", "a"), (" a b ", "a b"), ("", None), ("  ", None)])
def test_a_setting(written: str, read: str | None) -> None:
    assert setting({"NAME": written}, "NAME") == read
    assert setting({}, "NAME") is None


@pytest.mark.parametrize("written", ["1", "true", "Yes", " ON "])
def test_on(written: str) -> None:
    assert flag({"NAME": written}, "NAME")


@pytest.mark.parametrize("written", ["0", "false", "No", "off", "", " "])
def test_off(written: str) -> None:
    assert not flag({"NAME": written}, "NAME")
    assert not flag({}, "NAME")


def test_neither() -> None:
    with pytest.raises(ConfigurationError, match="NAME='perhaps' is neither on nor off"):
        flag({"NAME": "perhaps"}, "NAME")


def test_the_path_of_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert config_path({}) is None
    assert config_path({"CREATIVE_SERVICES_CONFIG": "~/llms.toml"}) == tmp_path / "llms.toml"


def test_unknown_keys_are_refused_and_near_ones_suggested() -> None:
    only_known(["a"], ["a", "b"], "here")
    with pytest.raises(ConfigurationError, match=r"here: unknown key 'modell'\. Did you mean 'model'\?"):
        only_known(["modell"], ["model", "name"], "here")
    assert did_you_mean("zzz", ["model", "name"]) == " Known: model, name."

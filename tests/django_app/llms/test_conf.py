"""The settings dictionary: typed, defaulted, followed."""

from dataclasses import fields

import pytest
from django.test import override_settings

from creative_services.core.errors import ConfigurationError
from django_app.llms import conf


def test_nothing_written_means_the_defaults() -> None:
    with override_settings(CREATIVE_SERVICES={}):
        assert conf.current() == conf.Settings()


def test_what_is_written_counts_and_is_followed() -> None:
    with override_settings(CREATIVE_SERVICES={"POLL_SECONDS": 0.25, "ENV_ALLOW": ["A", "B"]}):
        assert (conf.current().poll_seconds, conf.current().env_allow) == (0.25, ("A", "B"))
    assert conf.current().poll_seconds == 0.5


def test_a_wrong_dictionary_is_refused_when_used() -> None:
    with (
        override_settings(CREATIVE_SERVICES={"POL_SECONDS": 1}),
        pytest.raises(ConfigurationError, match="POLL_SECONDS"),
    ):
        conf.current()


def test_every_setting_has_a_reader() -> None:
    assert {field.name for field in fields(conf.Settings)} == set(conf._READERS)


def test_the_defaults_satisfy_their_own_readers() -> None:
    defaults = conf.Settings()
    for name, reader in conf._READERS.items():
        assert reader(getattr(defaults, name)) == getattr(defaults, name)

"""The gateway's own variables."""

from collections.abc import Iterator, Mapping

import pytest

from creative_services.core.errors import ConfigurationError
from creative_services.server.access.keys import KEYS_VARIABLE, OPTIONS, Option, keys_from
from creative_services.server.settings import VARIABLES, Settings


class Asked(Mapping[str, str]):
    """An environment that is empty and remembers what it was asked for."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def test_the_table_is_what_is_read() -> None:
    asked = Asked()
    Settings.from_env(asked)
    assert asked.names - {"XDG_STATE_HOME"} == VARIABLES.keys()


def test_what_nothing_reads_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="Did you mean 'CREATIVE_SERVICES_GATEWAY_DRAIN'"):
        Settings.from_env({"CREATIVE_SERVICES_GATEWAY_DRIAN": "1"})


@pytest.mark.parametrize("name", ["SERVICE_HOST", "SERVICE_PORT", "PORT", "PORT_8080_TCP_ADDR"])
def test_what_kubernetes_sets_for_a_service_of_our_name_is_let_be(name: str) -> None:
    Settings.from_env({f"CREATIVE_SERVICES_GATEWAY_{name}": "tcp://10.0.0.1:80"})


@pytest.mark.parametrize("url", ["localhost:6379", "http://x", "redis:6379"])
def test_an_address_that_is_no_redis(url: str) -> None:
    with pytest.raises(ConfigurationError, match="redis://"):
        Settings.from_env({"REDIS_URL": url})


@pytest.mark.parametrize("option", OPTIONS.values(), ids=OPTIONS)
def test_every_options_example_is_read(option: Option) -> None:
    example = option.example
    (record,) = keys_from({KEYS_VARIABLE: f"ada=a-long-enough-key;{example}"}).by_digest.values()
    assert getattr(record, option.field) is not None

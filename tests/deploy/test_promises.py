"""The checks below ask the code; these ask the checks."""

import pytest

from tests.deploy.promises import parsed, serves, variables


def test_variables_are_those_that_are_read() -> None:
    assert {"DATABASE_URL", "REDIS_URL", "CREATIVE_SERVICES_GATEWAY_KEYS", "OPENAI_API_KEY"} <= variables()
    assert {"CREATIVE_SERVICES_ADMIN_PASSWORD", "CREATIVE_SERVICES_GATEWAY_DRAIN"} <= variables()
    assert "CREATIVE_SERVICES_GATEWAY_DRAINS" not in variables()


def test_options_are_those_that_are_known() -> None:
    assert parsed(["serve", "--port", "8081"])["port"] == 8081
    with pytest.raises(Exception, match="No such option"):
        parsed(["serve", "--prot", "8081"])
    with pytest.raises(AssertionError, match="no command"):
        parsed(["server"])


def test_paths_are_those_that_are_served() -> None:
    assert serves("/health/live")
    assert not serves("/healthz")

"""A gateway to look at, as the gateway's own tests have it."""

from tests.server.conftest import open_house as open_house
from tests.server.conftest import pytest_asyncio_loop_factories as pytest_asyncio_loop_factories
from tests.server.conftest import vendor as vendor

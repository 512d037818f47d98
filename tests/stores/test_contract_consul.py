"""Consul, held to the contract: a double of its documented API, or the agent that CONSUL_HTTP_ADDR names."""

import os
import uuid

import pytest

from creative_services.stores.consul import ConsulKVStore
from creative_services.testing.store_contract import MakeStore
from tests.servers import ConsulDouble
from tests.stores.conftest import StartServer
from tests.stores.everything import Everything

pytestmark = pytest.mark.thorough

AGENT = os.environ.get("CONSUL_HTTP_ADDR")


class TestConsul(Everything):
    examples = 10

    @pytest.fixture
    def make_store(self, shared_server: StartServer) -> MakeStore:
        url, prefix = AGENT or shared_server(ConsulDouble).url, f"{uuid.uuid4()}/"
        return lambda: ConsulKVStore(url, prefix=prefix)

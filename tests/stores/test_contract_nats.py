"""NATS JetStream, held to the contract on a real server."""

import uuid

import pytest

from creative_services.stores.nats import NATSKVStore
from creative_services.testing.store_contract import MakeStore
from tests.servers import NATSServer
from tests.stores.conftest import StartServer
from tests.stores.everything import Everything

pytestmark = pytest.mark.thorough


class TestNATS(Everything):
    shortest_ttl = 1.0  # the server counts in whole seconds
    examples = 10

    @pytest.fixture
    def make_store(self, shared_server: StartServer) -> MakeStore:
        url, bucket = shared_server(NATSServer).url, uuid.uuid4().hex
        return lambda: NATSKVStore(url, bucket=bucket)

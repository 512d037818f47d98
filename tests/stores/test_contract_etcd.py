"""etcd, held to the contract on a real server."""

import uuid

import pytest

from creative_services.stores.etcd import EtcdKVStore
from creative_services.testing.store_contract import MakeStore
from tests.servers import EtcdServer
from tests.stores.conftest import StartServer
from tests.stores.everything import Everything

pytestmark = pytest.mark.thorough


class TestEtcd(Everything):
    shortest_ttl = 2.0  # etcd's own minimum at its default election timeout
    examples = 10

    @pytest.fixture
    def make_store(self, shared_server: StartServer) -> MakeStore:
        url, prefix = shared_server(EtcdServer).url, f"{uuid.uuid4()}/"
        return lambda: EtcdKVStore(url, prefix=prefix)

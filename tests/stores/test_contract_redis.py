"""Redis, held to the contract on a real server."""

import uuid

import pytest

from creative_services.stores.redis import RedisKVStore
from creative_services.testing.store_contract import MakeStore
from tests.servers import RedisServer
from tests.stores.conftest import StartServer
from tests.stores.everything import Everything

pytestmark = pytest.mark.thorough


class RedisThatTells(RedisServer):
    events = "KA"


class TestRedis(Everything):
    @pytest.fixture
    def make_store(self, shared_server: StartServer) -> MakeStore:
        url, namespace = shared_server(RedisServer).url, f"{uuid.uuid4()}:"
        return lambda: RedisKVStore(url, namespace=namespace, resync=0.05)


class TestRedisWithKeyspaceEvents(Everything):
    """Nothing is left to the regular look at everything."""

    @pytest.fixture
    def make_store(self, shared_server: StartServer) -> MakeStore:
        url, namespace = shared_server(RedisThatTells).url, f"{uuid.uuid4()}:"
        return lambda: RedisKVStore(url, namespace=namespace, resync=600)

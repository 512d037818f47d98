"""The stores that need no server, held to the contract."""

from pathlib import Path

import pytest

from creative_services.stores.file import FileSystemKVStore
from creative_services.stores.memory import MemoryKVStore
from creative_services.stores.sqlite import SQLiteKVStore
from creative_services.testing.store_contract import MakeStore, StoreContract
from creative_services.testing.store_powers import SwapContract
from tests.stores.everything import Everything


class TestMemory(Everything):
    @pytest.fixture
    def make_store(self) -> MakeStore:
        store = MemoryKVStore()
        return lambda: store


class TestFile(Everything):
    @pytest.fixture
    def make_store(self, tmp_path: Path) -> MakeStore:
        return lambda: FileSystemKVStore(tmp_path, poll=0.02)


class TestFileThatTrustsTheSystem(StoreContract, SwapContract):
    @pytest.fixture
    def make_store(self, tmp_path: Path) -> MakeStore:
        return lambda: FileSystemKVStore(tmp_path, durable=False)


class TestSQLite(Everything):
    @pytest.fixture
    def make_store(self, tmp_path: Path) -> MakeStore:
        return lambda: SQLiteKVStore(tmp_path / "store.db", poll=0.02)

"""A local vendor and a reader's notebook, for the tests that run the documentation."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.house.examples import Notebook


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Iterator[Notebook]":
    # Imported here: the tests of this directory that need no vendor run without its requirements too.
    from creative_services.testing.vendors import VendorServer
    from tests.house import examples

    with VendorServer() as vendors:
        environment = examples.vendor_environment(vendors)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        monkeypatch.syspath_prepend(tmp_path)
        book = examples.Notebook(tmp_path, environment, {"vendors": vendors})
        yield book
        book.close()

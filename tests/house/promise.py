"""Reads the public reference document as a program of its own would: ``python -m tests.house.promise DIRECTORY``.

A process of its own, because the document needs a Django project, of which a process can have only one.
"""

import dataclasses
import functools
import sys
from enum import Enum
from pathlib import Path
from typing import Any, Optional

from sybil import Document
from sybil.parsers.rest import CodeBlockParser

from creative_services import LLMTier
from tests.house.examples import ROOT, Notebook

PROMISE = ROOT / "docs" / "reference" / "llm_registry.rst"


def blocks() -> list[tuple[int, str]]:
    """(line, source) of the document's Python blocks."""
    document = Document.parse(str(PROMISE), CodeBlockParser("python", lambda example: None))
    return [(example.line, example.parsed) for example in document]


def given_names() -> dict[str, Any]:
    """What the document takes as known before its first line."""
    return {
        "Enum": Enum,
        "Optional": Optional,
        # The printed LLMEntry has a field without a default after fields with one, which Python
        # allows only to keyword-only dataclasses; ours is one.
        "dataclass": functools.partial(dataclasses.dataclass, kw_only=True),
    }


def set_up_a_project() -> None:
    """What "Uses Django Llms model" takes as given: a migrated database with an entry in it."""
    import django
    from django.conf import settings
    from django.core.management import call_command

    apps = ["django.contrib.auth", "django.contrib.contenttypes", "django_app.llms"]
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
    settings.configure(SECRET_KEY="for a test", INSTALLED_APPS=apps, DATABASES={"default": database}, USE_TZ=True)
    django.setup()
    call_command("migrate", verbosity=0)

    from django_app.llms.models import Llms

    Llms.objects.create(name="From the table", provider="offline", model_name="m", tier="premium")


def main(home: Path) -> None:
    """Run every block, with a look at what it left behind."""
    set_up_a_project()
    notebook = Notebook(home, {}, given_names())
    for line, source in blocks():
        notebook.python(source, str(PROMISE), line)
        if "registry.list_active()" in source:
            # Here LLMTier is the enum that the document printed, not ours, and must be understood all the same.
            assert notebook.names["llm"].tier is LLMTier.STANDARD
        if "DjangoLLMRegistry" in source:
            assert notebook.names["llm"].name == "From the table"
    assert notebook.names["response"].llm.id == 2, notebook.names["response"]
    notebook.close()
    sys.stdout.write(f"{len(blocks())} blocks\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

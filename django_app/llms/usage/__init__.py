"""Every call of every process in the database, and budgets that hold for all of them.

``DynamicLLMClient(DjangoLLMRegistry(), listeners=[DjangoUsage()], budget_store=DjangoBudgets())``
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django_app.llms.usage.budgets import DjangoBudgets as DjangoBudgets
    from django_app.llms.usage.listener import DjangoUsage as DjangoUsage

__all__ = ["DjangoBudgets", "DjangoUsage"]

_HOMES = {"DjangoBudgets": "budgets", "DjangoUsage": "listener"}


def __getattr__(name: str) -> Any:
    # Loaded when first named: a listener is made while settings load, before there are models to import.
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

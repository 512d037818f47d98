"""The tables of this app."""

from django_app.llms.models.budgets import BudgetAccount, BudgetLimit
from django_app.llms.models.llms import Llms
from django_app.llms.models.operations import AuditEvent, Trial, Worker
from django_app.llms.models.revision import Revision
from django_app.llms.models.usage import Usage, UsageNews, UsageSpool, UsageTotal

__all__ = [
    "AuditEvent",
    "BudgetAccount",
    "BudgetLimit",
    "Llms",
    "Revision",
    "Trial",
    "Usage",
    "UsageNews",
    "UsageSpool",
    "UsageTotal",
    "Worker",
]

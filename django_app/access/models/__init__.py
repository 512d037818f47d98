"""The tables of this app."""

from django_app.access.models.access_key import AccessKey
from django_app.access.models.watching import KeyRevision, KeyUse

__all__ = ["AccessKey", "KeyRevision", "KeyUse"]

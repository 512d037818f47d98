"""The tables of this app."""

from django_app.llms.models.llms import Llms
from django_app.llms.models.revision import Revision

__all__ = ["Llms", "Revision"]

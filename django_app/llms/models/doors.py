"""The doors by which code brings values to the table: Django's own frames behind them get no plain key to show.

Error pages and error trackers show the variables of every frame, the coroutines' and helper threads' among them.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django_app.llms.keys.written import hidden

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from django_app.llms.models.llms import Llms

    Doors = QuerySet[Llms, Llms]
else:
    Doors = object

Values = Mapping[str, Any] | None


class HidesKeys(Doors):
    """Stands before a manager or a queryset, and does as that does; a plain key is wrapped before Django has it."""

    def create(self, **values: Any) -> "Llms":
        """As Django's."""
        return super().create(**hiding(values))

    async def acreate(self, **values: Any) -> "Llms":
        """As Django's."""
        return await super().acreate(**hiding(values))

    def get_or_create(self, defaults: Values = None, **values: Any) -> tuple["Llms", bool]:
        """As Django's."""
        defaults = hiding_copy(defaults)
        return super().get_or_create(defaults, **hiding(values))

    async def aget_or_create(self, defaults: Values = None, **values: Any) -> tuple["Llms", bool]:
        """As Django's."""
        defaults = hiding_copy(defaults)
        return await super().aget_or_create(defaults, **hiding(values))

    def update_or_create(
        self, defaults: Values = None, create_defaults: Values = None, **values: Any
    ) -> tuple["Llms", bool]:
        """As Django's."""
        defaults, create_defaults = hiding_copy(defaults), hiding_copy(create_defaults)
        return super().update_or_create(defaults, create_defaults, **hiding(values))

    async def aupdate_or_create(
        self, defaults: Values = None, create_defaults: Values = None, **values: Any
    ) -> tuple["Llms", bool]:
        """As Django's."""
        defaults, create_defaults = hiding_copy(defaults), hiding_copy(create_defaults)
        return await super().aupdate_or_create(defaults, create_defaults, **hiding(values))

    def update(self, **values: Any) -> int:
        """As Django's."""
        return super().update(**hiding(values))

    async def aupdate(self, **values: Any) -> int:
        """As Django's."""
        return await super().aupdate(**hiding(values))

    # Templates must not call what writes; Django marks its own in the same way.
    for _door in (create, acreate, get_or_create, aget_or_create, update_or_create, aupdate_or_create, update, aupdate):
        vars(_door)["alters_data"] = True
    del _door


def hiding(values: dict[str, Any]) -> dict[str, Any]:
    """The values themselves, their key wrapped: a copy would leave the plain one in the caller's variables."""
    if "api_key" in values:
        values["api_key"] = hidden(values["api_key"])
    return values


def hiding_copy(values: Values) -> Values:
    """The same for a mapping that belongs to other code."""
    return None if values is None else hiding({**values})

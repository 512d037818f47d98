"""What would break: a tier without anybody to answer it."""

from collections.abc import Collection

from django_app.llms.models import Llms


def emptied_tiers(leaving: Collection[int]) -> list[str]:
    """The tiers whose last active entry is among those that would leave."""
    active = Llms.objects.active().order_by().values_list("tier", "pk")
    staying = {tier for tier, pk in active if pk not in leaving}
    return sorted({tier for tier, pk in active if pk in leaving} - staying)

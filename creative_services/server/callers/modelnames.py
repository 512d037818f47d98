"""What a caller may write where a model's name goes: a tier, an entry's id, an entry's name, a vendor's model."""

from typing import Final

from creative_services.core.llm_registry import LLMTier
from creative_services.core.needs import NO_NEEDS, Needs
from creative_services.core.wishes import Wish
from creative_services.server.callers.problems import Problem

_TIER: Final = "tier:"
_ID: Final = "llm:"
_TIERS: Final = {name: tier for tier in LLMTier for name in (tier.value, tier.name, f"{_TIER}{tier.value}")}
# Nearly every call asks for a tier and needs nothing special: its wish is made once.
_PLAIN: Final = {name: Wish(tier=tier) for name, tier in _TIERS.items()}


def wish_of(model: object, needs: Needs, implied: Needs) -> Wish:
    """The wish in a request's ``model``: ``needs`` are the surface's, ``implied`` is what this request shows."""
    if needs is not NO_NEEDS:
        implied = needs  # what a surface is for says more than a request to it
    if not isinstance(model, str) or not model:
        raise Problem("shape", "'model' must name a tier such as economy, an entry or a model.", param="model")
    if model in _TIERS:
        plain = needs is NO_NEEDS and implied == NO_NEEDS
        return _PLAIN[model] if plain else Wish(tier=_TIERS[model], needs=needs, implied=implied)
    if model.startswith(_TIER):
        tiers = ", ".join(LLMTier)
        raise Problem("model", f"There is no tier {model.removeprefix(_TIER)!r}. Tiers: {tiers}.", param="model")
    if model.startswith(_ID):
        return Wish(llm_id=_id_in(model), needs=needs, implied=implied)
    return Wish(name=model, needs=needs, implied=implied)


def _id_in(model: str) -> int:
    digits = model.removeprefix(_ID)
    if not digits.isdecimal() or len(digits) > 18:
        raise Problem("model", f"{model!r} is no entry: after {_ID} comes its number, as in llm:2.", param="model")
    return int(digits)

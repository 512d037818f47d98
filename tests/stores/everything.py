"""The whole contract, for stores that have every power."""

from creative_services.testing.store_contract import StoreContract
from creative_services.testing.store_powers import ReadsManyContract, SwapContract, SwapExpiryContract, WatchContract


class Everything(StoreContract, ReadsManyContract, SwapContract, SwapExpiryContract, WatchContract):
    """The five methods and every power."""

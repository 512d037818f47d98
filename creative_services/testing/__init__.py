"""What your tests need: honest doubles, public conformance suites, and a guard against real network calls."""

from creative_services.testing.clocks import SteppingClock as SteppingClock
from creative_services.testing.ledger_contract import LedgerSinkContract as LedgerSinkContract
from creative_services.testing.registry_contract import RegistryContract as RegistryContract
from creative_services.testing.scripted import Broken as Broken
from creative_services.testing.scripted import Delayed as Delayed
from creative_services.testing.scripted import ScriptedProvider as ScriptedProvider
from creative_services.testing.scripted import fails as fails

__all__ = ["Broken", "Delayed", "LedgerSinkContract", "RegistryContract", "ScriptedProvider", "SteppingClock", "fails"]

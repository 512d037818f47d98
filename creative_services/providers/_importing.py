"""Importing what is large, faster."""

import gc
import importlib
from types import ModuleType


def import_module(name: str) -> ModuleType:
    """``importlib.import_module`` while Python looks for no garbage.

    A vendor's SDK is hundreds of modules and classes that all stay; to look through them again and again for what could
    be freed is a twentieth of the time until a fresh process has its first answer.
    """
    if not gc.isenabled():
        return importlib.import_module(name)
    gc.disable()
    try:
        return importlib.import_module(name)
    finally:
        gc.enable()

"""Telling the listeners: each hears every event, and none can harm the call."""

import logging
from collections.abc import Iterable

from creative_services.core.errors import ConfigurationError
from creative_services.core.events import Event, Listener

_log = logging.getLogger("creative_services.llms")

# A library stays silent until its user says where its log goes; Python would print warnings otherwise.
logging.getLogger("creative_services").addHandler(logging.NullHandler())


class Bell:
    """The client's listeners."""

    __slots__ = ("_listeners",)

    def __init__(self, listeners: Iterable[Listener] = ()) -> None:
        self._listeners: tuple[Listener, ...] = ()
        for listener in listeners:
            self.add(listener)

    def __bool__(self) -> bool:
        return bool(self._listeners)

    def add(self, listener: Listener) -> None:
        """From the next event on, ``listener`` hears too."""
        if not callable(listener):
            raise ConfigurationError(
                f"A listener is called with each event; {listener!r} cannot be. Give a function, or an instance of a "
                "class with __call__(self, event)."
            )
        self._listeners = (*self._listeners, listener)

    def ring(self, event: Event) -> None:
        """Tell everyone. A listener that raises is reported with its traceback, and the answer still arrives."""
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:  # noqa: BLE001 - whatever a stranger's listener raises must not cost the caller the answer
                _log.exception("The listener %r failed on a %s event.", listener, type(event).__name__)

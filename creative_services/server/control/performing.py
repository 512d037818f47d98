"""Calling a WSGI application, in a thread."""

from collections.abc import Callable, Iterable
from logging import getLogger
from typing import Any

from creative_services.server.control.handover import Handover, Headers, LeftError

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]

_log = getLogger("creative_services.control")


def perform(application: Application, environ: dict[str, Any], out: Handover) -> None:
    """Run the application and give its answer to ``out``; whatever it raises ends here."""
    try:
        _Performance(out).of(application, environ)
    except LeftError:
        out.end(failed=True)
    except Exception:  # noqa: BLE001 - whatever an application raises, its caller gets an answer
        _log.exception("The application failed on %s %s.", environ["REQUEST_METHOD"], environ["PATH_INFO"])
        out.end(failed=True)


class _Performance:
    """What ``start_response`` was told, until the first part makes it final."""

    def __init__(self, out: Handover) -> None:
        self._out = out
        self._head: tuple[int, Headers] | None = None

    def of(self, application: Application, environ: dict[str, Any]) -> None:
        parts = application(environ, self._start_response)
        try:
            for part in parts:
                if part:
                    self._write(part)
            self._begin()
            self._out.end()
        finally:
            # Frameworks tidy up here: after the caller has got the answer.
            if (close := getattr(parts, "close", None)) is not None:
                close()

    def _start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], None]:
        if exc_info is not None and self._out.begun:
            raise exc_info[1].with_traceback(exc_info[2])
        code = int(status.partition(" ")[0])
        self._head = (
            code,
            [(name.lower().encode("latin-1"), value.strip().encode("latin-1")) for name, value in headers],
        )
        return self._write

    def _write(self, part: bytes) -> None:
        self._begin()
        self._out.write(part)

    def _begin(self) -> None:
        if self._out.begun:
            return
        if self._head is None:
            raise RuntimeError("the application did not call start_response")
        self._out.begin(*self._head)

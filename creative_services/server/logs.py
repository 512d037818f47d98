"""Logs as one JSON object per line, for machines to read. They never hold a prompt, an answer or a key."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

from creative_services.core.secrets import redact


class JSONFormatter(logging.Formatter):
    """A record as JSON; ``extra={"members": {...}}`` adds to it."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
            "pid": record.process,
        }
        line.update(getattr(record, "members", {}))
        if record.exc_info:
            line["traceback"] = redact(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


def log_as_json(level: int = logging.INFO) -> None:
    """From now on everything this process logs goes to standard error as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JSONFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = name != "uvicorn.access"
    # What every start and stop of every worker says is for who looks into uvicorn itself.
    logging.getLogger("uvicorn.error").setLevel(max(level, logging.WARNING))

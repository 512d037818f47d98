"""``python -m creative_services.testing.consul PORT [FILE]``."""

import sys
from pathlib import Path

from aiohttp import web

from creative_services.testing.consul.api import make_app
from creative_services.testing.consul.state import State

if __name__ == "__main__":
    port, *file = sys.argv[1:]
    web.run_app(make_app(State(Path(file[0]) if file else None)), host="127.0.0.1", port=int(port), print=None)

"""`python -m creative_services.testing.vendors`: the same server as a process of its own."""

import argparse
import asyncio
import signal
import sys

from creative_services.testing.vendors import Reply, VendorServer
from creative_services.testing.vendors.server import HIGHEST_PORT


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted; the first line printed is the address."""
    options = _parser().parse_args(arguments)
    try:
        asyncio.run(_serve(options))
    except OSError as error:
        sys.stderr.write(
            f"Cannot listen on {options.host}:{options.port} ({error.strerror}). "
            "Choose another port, or 0 for any free one.\n"
        )
        return 1
    return 0


async def _serve(options: argparse.Namespace) -> None:
    # Nobody in this process reads the log, so nothing is remembered.
    server = VendorServer(host=options.host, port=options.port, default=_default(options), remember=0)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with server:
        server.require_keys(options.key)
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        await stopped.wait()


def _default(options: argparse.Namespace) -> Reply:
    return Reply(text=options.text, chunks=options.chunks, delay=options.delay, gap=options.gap)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m creative_services.testing.vendors",
        description="A local server that speaks as OpenAI (/v1), Anthropic, Groq and Ollama do. A model name's "
        "ending asks for a fault: -401, -429, -500 and other statuses, -hang, -drop, -cut, -stall, -slow, -html.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (default: %(default)s)")
    parser.add_argument("--port", type=_port, default=8765, help="0 for any free one (default: %(default)s)")
    parser.add_argument("--text", help='what every answer says (default: "Hello from <model>.")')
    parser.add_argument("--chunks", type=_count, help="in how many pieces a stream cuts it (default: words)")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before the first byte")
    parser.add_argument("--gap", type=float, default=0.0, help="seconds between two pieces of a stream")
    parser.add_argument("--key", action="append", default=[], help="accept only this key; may be repeated")
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > HIGHEST_PORT:
        raise argparse.ArgumentTypeError("must be a port: 0 for any free one, or 1 to 65535")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("must be a whole number, at least 1")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())

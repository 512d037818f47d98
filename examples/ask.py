"""Ask a tier, and tell who answered and what it cost.

    python examples/ask.py economy "Write a haiku about tiers"

Needs a vendor's key in the environment, or an Ollama on this machine.
"""

import sys

from creative_services import CreativeServicesError, DictRegistry, DynamicLLMClient


def main(tier: str, question: str) -> int:
    with DynamicLLMClient(DictRegistry.from_env()) as client:
        try:
            response = client.generate_sync(question, tier=tier)
        except CreativeServicesError as error:
            print(error, file=sys.stderr)
            return 1
    print(response)
    cost = "at a price nobody knows" if response.cost is None else f"for {response.cost:f} USD"
    print(f"-- {response.llm}, {cost}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2]))

"""Run inside our environment: ``python soak.py URL COUNT`` prints memory and descriptors as the calls go by."""

import asyncio
import gc
import sys
from pathlib import Path

from creative_services import DictRegistry, DynamicLLMClient, LLMEntry


def resident() -> float:
    """MiB held now."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return float("nan")


def entry(llm_id: int, provider: str, end: str, url: str) -> LLMEntry:
    """One vendor's entry at the local server."""
    return LLMEntry(
        id=llm_id, name=provider, provider=provider, model="bench", tier="standard", api_key="sk-benchmark",
        api_endpoint=url + end, cost_per_1k_input="0.001", cost_per_1k_output="0.002",
    )  # fmt: skip


async def main(url: str, count: int) -> None:
    """Every vendor in turn, one call in ten streamed, twenty at once."""
    entries = [entry(1, "openai", "/v1", url), entry(2, "anthropic", "", url), entry(3, "groq", "", url)]
    async with DynamicLLMClient(DictRegistry(entries)) as client:

        async def some(start: int, number: int) -> None:
            for n in range(start, start + number):
                if n % 10 == 0:
                    await client.stream("Write a story", llm_id=n % 3 + 1).final()
                else:
                    await client.generate("Write a story", llm_id=n % 3 + 1)

        print("\nsoak\n       calls   resident MiB   descriptors")
        for tenth in range(11):
            if tenth:
                await asyncio.gather(*(some(worker, count // 200) for worker in range(20)))
            gc.collect()
            descriptors = len(list(Path("/proc/self/fd").iterdir()))
            print(f"{tenth * count // 10:>12,}{resident():>15.1f}{descriptors:>14}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))

"""OpenAI-compatible chat completions: one wire driver for OpenAI, xAI and any server that speaks the same.

Request → JSON, each message encoded once (`request`) → POST /chat/completions (`driver`) → events → Chunks (`answer`)

Source: OpenAI's API reference, "Chat completions" and "Streaming events"; where servers differ, the code says so.
"""

from metier.builtin.providers.openai.driver import ChatCompletions
from metier.clock import Clock
from metier.egress import Egress
from metier.llm.catalog import KnownModels
from metier.llm.provider import ModelInfo, Provider
from metier.settings import Settings

OPENAI = "https://api.openai.com/v1"
XAI = "https://api.x.ai/v1"


def providers(settings: Settings, egress: Egress, clock: Clock) -> list[Provider]:
    """Give those of `openai`, `xai` and `compatible` that the operator has configured."""
    known = KnownModels.load()
    found: list[Provider] = []
    if key := settings.openai_api_key:
        found.append(_vendor("openai", OPENAI, settings.openai_base_url, key, known, egress, clock))
    if key := settings.xai_api_key:
        found.append(_vendor("xai", XAI, settings.xai_base_url, key, known, egress, clock))
    if base := settings.openai_compatible_base_url:
        found.append(_compatible(base, settings, egress, clock))
    return found


def _vendor(
    name: str, usual: str, given: str | None, key: str, known: KnownModels, egress: Egress, clock: Clock
) -> ChatCompletions:
    """Make a vendor's provider; only an address that the operator set may be an inner one, and only for it."""
    return ChatCompletions(
        name,
        base_url=given or usual,
        key=key,
        listed=known.of(name),
        describe=known.named,
        token_limit="max_completion_tokens",  # OpenAI refuses max_tokens for reasoning models, xAI calls it outdated
        egress=egress.trusting(given) if given else egress,
        clock=clock,
    )


def _compatible(base_url: str, settings: Settings, egress: Egress, clock: Clock) -> ChatCompletions:
    return ChatCompletions(
        "compatible",
        base_url=base_url,
        key=settings.openai_compatible_api_key,
        listed=[ModelInfo(f"compatible/{name}", name) for name in settings.openai_compatible_model_names],
        token_limit="max_tokens",  # what Ollama, vLLM and llama.cpp have always read
        egress=egress.trusting(base_url),
        clock=clock,
    )

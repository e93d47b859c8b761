"""Finds the model providers: files of `builtin/providers/` and installed packages.

Each has a function `providers(settings, egress, clock) -> list[Provider]` that gives those which are configured.
"""

from metier.clock import Clock
from metier.egress import Egress
from metier.llm.provider import Provider
from metier.registry import shelf
from metier.settings import Settings


def providers_from(settings: Settings, egress: Egress, clock: Clock) -> list[Provider]:
    """Give the configured providers, the vendors first and rules that only look like a model last."""
    found = [provider for module in shelf("providers") for provider in module.providers(settings, egress, clock)]
    return sorted(found, key=_is_rules)


def _is_rules(provider: Provider) -> bool:
    models = provider.models()
    return bool(models) and not any(model.ai for model in models)

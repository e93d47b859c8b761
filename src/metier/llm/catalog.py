"""Which models there are, what they are called, and which one a name means.

provider/name → that one · bare name → whoever offers or is known for it · default-…-model → first configured preference
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import orjson

from metier.errors import NoModel
from metier.llm.provider import LongContext, ModelInfo, OpenEnded, Provider
from metier.registry import Registry, fold_name

SMART = "default-smart-model"
FAST = "default-fast-model"


@dataclass(frozen=True)
class KnownModels:
    """What the file `catalog.json` knows: prices, context windows, preferences. No provider need be configured.

    Attributes:
        offered: Models to show if their provider is configured.
        retired: Found by name only.
        smart, fast: Preferences for those who set none, best first.
    """

    offered: tuple[ModelInfo, ...]
    retired: tuple[ModelInfo, ...]
    smart: tuple[str, ...]
    fast: tuple[str, ...]

    @classmethod
    def load(cls) -> "KnownModels":
        """Read the file."""
        body: dict[str, Any] = orjson.loads(resources.files("metier.llm").joinpath("catalog.json").read_bytes())
        models = [(_model(entry), "retired" in entry) for entry in body["models"]]
        return cls(
            offered=tuple(model for model, retired in models if not retired),
            retired=tuple(model for model, retired in models if retired),
            smart=tuple(body["smart"]),
            fast=tuple(body["fast"]),
        )

    def of(self, provider: str) -> list[ModelInfo]:
        """Give the offered models of a provider."""
        return [model for model in self.offered if provider_name(model) == provider]

    def named(self, model_id: str) -> ModelInfo:
        """Describe a model by full id; an unknown one has no price."""
        return next((m for m in self.offered + self.retired if m.id == model_id), ModelInfo(model_id, bare(model_id)))


def _model(entry: dict[str, Any]) -> ModelInfo:
    long_context = entry.get("long_context")
    return ModelInfo(
        id=entry["id"],
        label=entry["label"],
        context_tokens=entry["context_tokens"],
        input_micros=entry["input_micros"],
        output_micros=entry["output_micros"],
        cached_micros=entry["cached_micros"],
        long_context=LongContext(**long_context) if long_context else None,
    )


def provider_name(model: ModelInfo) -> str:
    """Give the provider's name of a full id: `openai/gpt-4.1` → `openai`."""
    return model.id.partition("/")[0]


def bare(model_id: str) -> str:
    """Give the name without the provider: `openai/gpt-4.1` → `gpt-4.1`."""
    return model_id.partition("/")[2]


class ModelCatalog:
    """The models of the configured providers.

    Args:
        fast, smart: Preferences of the operator, best first, bare or full names; those that no configured provider
            answers to are passed over.
    """

    def __init__(self, providers: Sequence[Provider], fast: Sequence[str] = (), smart: Sequence[str] = ()) -> None:
        self._providers: Registry[Provider] = Registry("model provider")
        for provider in providers:
            self._providers.add(provider.name, provider)
        self._known = KnownModels.load()
        self._preferences = {SMART: (*smart, *self._known.smart), FAST: (*fast, *self._known.fast)}

    def models(self) -> list[ModelInfo]:
        """Give all models on offer, provider by provider."""
        return [model for provider in self._providers for model in provider.models()]

    def resolve(self, name: str | None) -> ModelInfo:
        """Say which model a name means; None means `default-smart-model`.

        Raises:
            NoModel: No configured provider answers to it.
        """
        name = name or SMART
        preferences = self._preferences.get(fold_name(name))
        found = self._preferred(preferences) if preferences is not None else self._find(name)
        if found is None:
            raise NoModel(name, [model.id for model in self.models()])
        return found

    def has(self, name: str | None) -> bool:
        """Say whether a configured provider answers to a name."""
        try:
            self.resolve(name)
        except NoModel:
            return False
        return True

    def provider_of(self, model: ModelInfo) -> Provider:
        """Give the provider of a resolved model."""
        return self._providers.get(provider_name(model))

    def _preferred(self, preferences: Sequence[str]) -> ModelInfo | None:
        for name in preferences:
            if fold_name(name) not in self._preferences and (found := self._find(name)):
                return found
        offered = self.models()
        return next((model for model in offered if model.ai), offered[0] if offered else None)

    def _find(self, name: str) -> ModelInfo | None:
        prefix, _, rest = name.partition("/")
        provider = self._providers.find(prefix) if rest else None
        return _of_provider(provider, rest) if provider else self._find_bare(name)

    def _find_bare(self, name: str) -> ModelInfo | None:
        for model in self.models():  # a name may hold a slash itself, as in meta-llama/Llama-3.1-8B
            if fold_name(bare(model.id)) == fold_name(name):
                return model
        known = (*self._known.offered, *self._known.retired)
        return next((m for m in known if fold_name(bare(m.id)) == fold_name(name) and self._answers(m)), None)

    def _answers(self, model: ModelInfo) -> bool:
        return isinstance(self._providers.find(provider_name(model)), OpenEnded)


def _of_provider(provider: Provider, name: str) -> ModelInfo | None:
    for model in provider.models():
        if fold_name(bare(model.id)) == fold_name(name):
            return model
    return provider.named(name) if isinstance(provider, OpenEnded) else None

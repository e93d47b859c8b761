import pytest

from metier.errors import DuplicateName, NoModel
from metier.llm import FAST, SMART, ModelCatalog, ModelInfo
from metier.llm.catalog import KnownModels


class Listed:
    """A provider with a fixed list of models."""

    def __init__(self, name, *models, ai=True):
        self.name = name
        self._models = [ModelInfo(f"{name}/{model}", ai=ai) for model in models]

    def models(self):
        return self._models

    def stream(self, request):
        raise NotImplementedError

    async def aclose(self):
        pass


class Open(Listed):
    """A provider that takes any name, as vendors do."""

    def named(self, name):
        return KnownModels.load().named(f"{self.name}/{name}")


OFFLINE = Listed("offline", "planner", ai=False)
OPENAI = Open("openai", "gpt-4.1", "gpt-4.1-mini", "gpt-4o")
XAI = Open("xai", "grok-4.3")
LOCAL = Open("compatible", "llama3.1", "meta-llama/Llama-3.1-8B")

SEED_FAST = ["gpt-4.1-mini", "claude-haiku-4-5-20251001", "grok-3-mini"]
SEED_SMART = ["gpt-4.1", "claude-sonnet-4-5-20250929", "grok-4"]


def resolved(name, *providers, fast=(), smart=()):
    return ModelCatalog(providers, fast, smart).resolve(name).id


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("openai/gpt-4.1", "openai/gpt-4.1"),
        ("gpt-4.1", "openai/gpt-4.1"),
        ("OpenAI/GPT-4.1", "openai/gpt-4.1"),
        ("openai/gpt-99", "openai/gpt-99"),
        ("llama3.1", "compatible/llama3.1"),
        ("meta-llama/Llama-3.1-8B", "compatible/meta-llama/Llama-3.1-8B"),
        ("compatible/meta-llama/Llama-3.1-8B", "compatible/meta-llama/Llama-3.1-8B"),
        ("gpt-5", "openai/gpt-5"),  # known, though not listed by this provider
        ("grok-4", "xai/grok-4"),  # retired, yet the seeds name it
        ("offline/planner", "offline/planner"),
    ],
)
def test_a_name_means_one_model(name, model):
    assert resolved(name, OPENAI, XAI, LOCAL, OFFLINE) == model


@pytest.mark.parametrize(
    "name",
    ["gpt-99", "anthropic/claude-sonnet-4-5-20250929", "claude-sonnet-4-5-20250929", "offline/thinker", "/", "x/"],
)
def test_a_name_nobody_answers_to_is_told(name):
    with pytest.raises(NoModel, match="No model"):
        resolved(name, OPENAI, OFFLINE)


def test_the_error_lists_models_and_the_nearest():
    with pytest.raises(NoModel) as caught:
        resolved("planer", OFFLINE, LOCAL)

    assert "offline/planner" in caught.value.problems[0].allowed


@pytest.mark.parametrize(
    ("providers", "fast", "smart"),
    [
        ([OPENAI, XAI, OFFLINE], "openai/gpt-4.1-mini", "openai/gpt-4.1"),
        ([XAI, OFFLINE], "xai/grok-3-mini", "xai/grok-4"),
        ([LOCAL, OFFLINE], "compatible/llama3.1", "compatible/llama3.1"),
        ([OFFLINE], "offline/planner", "offline/planner"),
        ([OFFLINE, LOCAL], "compatible/llama3.1", "compatible/llama3.1"),
    ],
)
def test_the_seeds_preferences_take_the_first_that_is_configured(providers, fast, smart):
    catalog = ModelCatalog(providers, SEED_FAST, SEED_SMART)

    assert (catalog.resolve(FAST).id, catalog.resolve(SMART).id, catalog.resolve(None).id) == (fast, smart, smart)


def test_preferences_may_be_full_names_and_name_unlisted_models():
    preferred = ["anthropic/claude-x", "openai/gpt-99", "gpt-4.1"]

    assert resolved(SMART, OPENAI, smart=preferred) == "openai/gpt-99"


def test_a_preference_for_the_preference_is_passed_over():
    assert resolved(SMART, OPENAI, smart=[SMART, "default_fast_model", "gpt-4o"]) == "openai/gpt-4o"


@pytest.mark.parametrize(
    ("provider", "fast", "smart"),
    [
        (OPENAI, "openai/gpt-4.1-mini", "openai/gpt-4.1"),
        (XAI, "xai/grok-4.20-0309-non-reasoning", "xai/grok-4.3"),
        (LOCAL, "compatible/llama3.1", "compatible/llama3.1"),
    ],
)
def test_without_preferences_a_current_model_is_taken(provider, fast, smart):
    assert (resolved(FAST, provider, OFFLINE), resolved(SMART, provider, OFFLINE)) == (fast, smart)


def test_names_compare_loosely():
    assert resolved("Default_Smart_Model", OPENAI) == "openai/gpt-4.1"


def test_without_any_provider_there_is_no_model():
    with pytest.raises(NoModel):
        resolved(None)


def test_two_providers_of_one_name_are_an_error():
    with pytest.raises(DuplicateName):
        ModelCatalog([OPENAI, Listed("OpenAI")])


def test_models_come_in_the_order_of_providers():
    catalog = ModelCatalog([LOCAL, OFFLINE])

    assert [m.id for m in catalog.models()] == [
        "compatible/llama3.1",
        "compatible/meta-llama/Llama-3.1-8B",
        "offline/planner",
    ]
    assert catalog.provider_of(catalog.resolve("llama3.1")) is LOCAL


# --- the file --------------------------------------------------------------------------------------------------------


def test_the_file_knows_every_model_the_seeds_name():
    known = KnownModels.load()
    names = {model.id.partition("/")[2] for model in known.offered + known.retired}

    assert {*SEED_FAST, *SEED_SMART} <= names


def test_prices_are_whole_or_unknown():
    known = KnownModels.load()

    for model in known.offered:
        assert model.input_micros
        assert model.output_micros
        assert model.context_tokens
        assert model.cached_micros is None or model.cached_micros < model.input_micros < model.output_micros
    for model in known.retired:
        assert (model.input_micros, model.output_micros, model.cached_micros) == (None, None, None)


def test_every_preference_of_the_file_is_a_model_of_the_file():
    known = KnownModels.load()
    names = {model.id.partition("/")[2] for model in known.offered}

    assert {*known.smart, *known.fast} <= names


def test_an_unknown_model_has_no_price():
    assert KnownModels.load().named("openai/gpt-99") == ModelInfo("openai/gpt-99", "gpt-99")

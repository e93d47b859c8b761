from importlib.metadata import EntryPoint

from metier import registry
from metier.llm import ModelInfo, providers_from
from metier.settings import Settings


async def test_the_planner_is_always_there_and_comes_last(tmp_path, clock, egress):
    settings = Settings.for_tests(tmp_path, openai_api_key="k", openai_compatible_base_url="http://127.0.0.1:9/v1")

    assert [p.name for p in providers_from(settings, egress, clock)] == ["openai", "compatible", "offline"]
    assert [p.name for p in providers_from(Settings.for_tests(tmp_path), egress, clock)] == ["offline"]


class Mine:
    """A third party's provider."""

    name = "mine"

    def models(self):
        return [ModelInfo("mine/one")]


def made(settings, egress, clock):
    return [Mine()]


async def test_an_installed_package_brings_its_own(tmp_path, clock, egress, monkeypatch):
    class Package:
        __name__ = "mine"
        providers = staticmethod(made)

    class Point(EntryPoint):
        def load(self):
            return Package

    points = [Point("providers", "mine", "metier")]
    monkeypatch.setattr(registry, "entry_points", lambda **given: points if given["name"] == "providers" else [])

    assert next(p.name for p in providers_from(Settings.for_tests(tmp_path), egress, clock)) == "mine"

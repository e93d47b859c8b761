"""For tests of agents and tools: a Metier of one's own, a scripted model, a frozen clock."""

from metier.testing.clock import FrozenClock
from metier.testing.house import Events, House, Told, open_house
from metier.testing.script import Script, ScriptedModel

__all__ = ["Events", "FrozenClock", "House", "Script", "ScriptedModel", "Told", "open_house"]

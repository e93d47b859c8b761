"""The offline planner: a model provider made of rules, the default where no AI model is configured.

tools' annotations ─▶ lexicon          question ─▶ tokens ─▶ rules ─▶ spec ─▶ plan, tool call
tool result + spec ─▶ Markdown         names nobody knows ─▶ one look-up ─▶ read again

It abstains plainly rather than guess.
"""

from metier.builtin.providers.offline.provider import OfflinePlanner
from metier.clock import Clock
from metier.llm.provider import Provider


def providers(settings: object, egress: object, clock: Clock) -> list[Provider]:
    """Give the shelf's providers of this package; it needs neither settings nor a network."""
    return [OfflinePlanner(clock)]

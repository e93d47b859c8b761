"""Agents: what they are and the loop that runs them."""

from metier.agents.agent import Agent, Limits, define_agent
from metier.agents.loop import Loop, Outcome, Parts

__all__ = ["Agent", "Limits", "Loop", "Outcome", "Parts", "define_agent"]

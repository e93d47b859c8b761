"""Agents: what they are and the loop that runs them."""

from metier.agents.agent import Agent, Limits, define_agent
from metier.agents.care import Care
from metier.agents.loop import Loop, Outcome, Parts, offered

__all__ = ["Agent", "Care", "Limits", "Loop", "Outcome", "Parts", "define_agent", "offered"]

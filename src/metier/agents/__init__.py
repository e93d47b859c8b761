"""Agents: what they are, which there are in a workspace, and the loop that runs them."""

from metier.agents.agent import Agent, Limits, define_agent
from metier.agents.care import Care
from metier.agents.kind import AGENT, AgentKind
from metier.agents.loop import Loop, Outcome, Parts, offered
from metier.agents.roster import Agents

__all__ = [
    "AGENT",
    "Agent",
    "AgentKind",
    "Agents",
    "Care",
    "Limits",
    "Loop",
    "Outcome",
    "Parts",
    "define_agent",
    "offered",
]

"""Tools: what agents may do. The contract, the decorator, and the one door that runs them."""

from metier.tools.dispatch import Dispatcher, Offer, parse_arguments, stopped_output
from metier.tools.tool import Effect, Output, Tool, Toolset, tool

__all__ = ["Dispatcher", "Effect", "Offer", "Output", "Tool", "Toolset", "parse_arguments", "stopped_output", "tool"]

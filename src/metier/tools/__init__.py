"""Tools: what agents may do. The contract, the decorator, and the one door that runs them."""

from metier.runs.requests import Change, FieldChange, Kind, Option, Preview, Question
from metier.tools.approval import Careful, Caution, Confirm, Need, decide, read_in, read_words
from metier.tools.asking import NeedsPerson
from metier.tools.dispatch import Dispatcher, Offer, interrupted_output, parse_arguments, record_result, stopped
from metier.tools.tool import Effect, Output, Tool, Toolset, tool

__all__ = [
    "Careful",
    "Caution",
    "Change",
    "Confirm",
    "Dispatcher",
    "Effect",
    "FieldChange",
    "Kind",
    "Need",
    "NeedsPerson",
    "Offer",
    "Option",
    "Output",
    "Preview",
    "Question",
    "Tool",
    "Toolset",
    "decide",
    "interrupted_output",
    "parse_arguments",
    "read_in",
    "read_words",
    "record_result",
    "stopped",
    "tool",
]

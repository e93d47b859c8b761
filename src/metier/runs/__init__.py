"""Runs: the tree of what happened, one log per root run, the account of model calls."""

from metier.runs.budget import Budget, Period, Scope, Standing
from metier.runs.budgets import Budgets
from metier.runs.claims import Left, Open
from metier.runs.forgetting import Forgetting
from metier.runs.inbox import Inbox
from metier.runs.ledger import Ledger
from metier.runs.run import PromptSent, Run, RunPage, StoredMessage
from metier.runs.run_log import RunLog
from metier.runs.runs import Runs
from metier.runs.schema import event_schema
from metier.runs.usage import By, Report, UsageReports, Used

__all__ = [
    "Budget",
    "Budgets",
    "By",
    "Forgetting",
    "Inbox",
    "Ledger",
    "Left",
    "Open",
    "Period",
    "PromptSent",
    "Report",
    "Run",
    "RunLog",
    "RunPage",
    "Runs",
    "Scope",
    "Standing",
    "StoredMessage",
    "UsageReports",
    "Used",
    "event_schema",
]

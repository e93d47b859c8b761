"""Requests to a person: what is shown, who may answer, and what comes of the answer."""

from metier.runs.requests.preview import Change, FieldChange, Kind, Option, Preview, Question, readable
from metier.runs.requests.request import Answer, Audience, Request, Shown, State, Verdict
from metier.runs.requests.requests import RequestPage, Requests

__all__ = [
    "Answer",
    "Audience",
    "Change",
    "FieldChange",
    "Kind",
    "Option",
    "Preview",
    "Question",
    "Request",
    "RequestPage",
    "Requests",
    "Shown",
    "State",
    "Verdict",
    "readable",
]

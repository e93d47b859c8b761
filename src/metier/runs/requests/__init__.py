"""Requests to a person: what is shown, who may answer, and what comes of the answer."""

from metier.runs.requests.preview import Change, FieldChange, Preview

__all__ = ["Change", "FieldChange", "Preview"]

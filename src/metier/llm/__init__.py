"""Models: the contract of providers, the catalogue of what they offer, and the one door to them."""

from metier.llm.catalog import FAST, SMART, ModelCatalog
from metier.llm.discovery import providers_from
from metier.llm.door import CallEnd, CallStart, Ledger, Models
from metier.llm.provider import LongContext, ModelInfo, OpenEnded, Provider

__all__ = [
    "FAST",
    "SMART",
    "CallEnd",
    "CallStart",
    "Ledger",
    "LongContext",
    "ModelCatalog",
    "ModelInfo",
    "Models",
    "OpenEnded",
    "Provider",
    "providers_from",
]

"""What is offered for the forms of values: each choice with an example of what it does for this person."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from metier.formats.choices import CHOICES
from metier.formats.writing import Writing, first_weekday, language

#: Languages and countries to choose from; any other tag can be set over REST and on the command line.
LOCALES = [
    "en",
    "en-US",
    "en-GB",
    "en-IE",
    "en-IN",
    "en-AU",
    "en-CA",
    "en-NZ",
    "en-ZA",
    "de",
    "de-AT",
    "de-CH",
    "fr",
    "fr-BE",
    "fr-CA",
    "fr-CH",
    "es",
    "es-MX",
    "it",
    "it-CH",
    "pt",
    "pt-BR",
    "nl",
    "nl-BE",
    "sv",
    "da",
    "nb",
    "fi",
    "pl",
    "cs",
    "sk",
    "hu",
    "ro",
    "bg",
    "el",
    "tr",
    "uk",
    "ru",
    "he",
    "ar",
    "hi",
    "ja",
    "ko",
    "zh",
    "zh-TW",
    "id",
    "vi",
    "th",
]

TITLES = {
    "number_format": "Numbers",
    "currency_display": "Currencies",
    "date_format": "Days",
    "time_format": "Times",
    "calendar_start_day": "Weeks begin on",
}
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_DAY = date(2026, 12, 24)
_AMOUNT = {"amount_micros": 1_234_500_000, "currency_code": "EUR"}


@dataclass(frozen=True)
class Offer:
    """One setting: its name, what people call it, and the choices with their examples."""

    name: str
    title: str
    options: Sequence[tuple[str, str]]


def locales(chosen: str) -> list[tuple[str, str]]:
    """Give the languages to choose from, the chosen one among them, each with its name."""
    tags = dict.fromkeys([*LOCALES, chosen])
    return sorted(((tag, language(tag)) for tag in tags), key=lambda one: one[1])


def offers(writing: Writing) -> list[Offer]:
    """Give the choices, written as they would be for this person."""
    return [Offer(name, TITLES[name], [_option(writing, name, one.value) for one in CHOICES[name]]) for name in TITLES]


def _option(writing: Writing, name: str, value: str) -> tuple[str, str]:
    there = replace(writing, formats=writing.formats.changed({name: value}))
    example = _example(there, name)
    return value, f"As usual in the language: {example}" if value == "system" else example


def _example(writing: Writing, name: str) -> str:
    match name:
        case "number_format":
            return writing.number(1234567.5)
        case "currency_display":
            return writing.money(_AMOUNT)
        case "date_format":
            return writing.day(_DAY)
        case "time_format":
            return writing.clock(datetime(2026, 12, 24, 15, 30, tzinfo=writing.zone))
        case _:
            return WEEKDAYS[first_weekday(writing.locale, writing.formats)]

"""How numbers, money, days and times are written for somebody; `metier.formats.writing` writes them."""

from metier.formats.choices import (
    CalendarStartDay,
    CurrencyDisplay,
    DateFormat,
    Formats,
    NumberFormat,
    TimeFormat,
)

__all__ = ["CalendarStartDay", "CurrencyDisplay", "DateFormat", "Formats", "NumberFormat", "TimeFormat"]

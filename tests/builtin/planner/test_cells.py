"""Values in the planner's answers stand as the person wants them written."""

from metier.builtin.providers.offline.cells import cell
from metier.records.shape import Field, FieldType
from tests.builtin.planner.workshop import clockwork

MONEY = Field("price", "Price", FieldType.CURRENCY)
BUILT = Field("built", "Built", FieldType.DATE)
CREW = Field("crew", "Crew", FieldType.NUMBER, unit="people")
PRICE = {"amount_micros": 52_000_500_000, "currency_code": "EUR"}


def test_values_stand_in_the_persons_forms():
    english, german = (clockwork(locale=locale) for locale in ("en", "de"))

    assert [cell(PRICE, MONEY, clock) for clock in (english, german)] == ["€52,000.50", "52.000,50\xa0€"]
    assert [cell("2026-03-01", BUILT, clock) for clock in (english, german)] == ["1\xa0Mar\xa02026", "01.03.2026"]
    assert [cell(12000, CREW, clock) for clock in (english, german)] == ["12,000 people", "12.000 people"]

"""Numbers in both traditions, their fields, and how they compare."""

import pytest

from metier.builtin.providers.offline.numbers import parse_digits
from metier.builtin.providers.offline.outcome import Answer
from metier.builtin.providers.offline.spec import arguments
from tests.builtin.planner.workshop import clockwork, column, planned, thing, understanding

HOUSE = thing(
    "house",
    "houses",
    column("name"),
    column("rent", "currency"),
    column("rooms", "number"),
    column("floor_area", "number", "Floor area", unit="m2"),
    column("open_year", "number", "Open year"),
    column("phone_number", "text", "Phone number"),
    column("number_of_tenants", "number", "Number of tenants"),
)
HOUSES = understanding([HOUSE])


def where(question: str, locale: str = "en") -> object:
    return arguments(planned(question, HOUSES, clockwork(locale=locale)).spec, title="name").get("where")


@pytest.mark.parametrize(
    ("text", "locale", "expected"),
    [
        ("1,500.50", "en", 1500.5),
        ("1.500,50", "en", 1500.5),
        ("1.500,50", "de", 1500.5),
        ("1,500", "en", 1500),
        ("1.500", "de", 1500),
        ("1.500", "en", 1.5),
        ("1,5", "en", 1.5),
        ("1.234.567", "en", 1_234_567),
        ("1’500", "de", 1500),
        ("0.125", "de", 0.125),
    ],
)
def test_separators_of_both_traditions(text: str, locale: str, expected: float) -> None:
    assert parse_digits(text, locale) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("more than 3 rooms", {"rooms": {"gt": 3}}),
        ("at least three rooms", {"rooms": {"gte": 3}}),
        ("no more than 3 rooms", {"rooms": {"lte": 3}}),
        ("fewer than 3 rooms", {"rooms": {"lt": 3}}),
        ("3 or more rooms", {"rooms": {"gte": 3}}),
        ("3+ rooms", {"rooms": {"gte": 3}}),
        ("3 rooms or more", {"rooms": {"gte": 3}}),
        ("exactly 3 rooms", {"rooms": {"eq": 3}}),
        ("3 rooms", {"rooms": {"eq": 3}}),
        ("rooms >= 3", {"rooms": {"gte": 3}}),
        ("between 3 and 5 rooms", {"rooms": {"between": [3, 5]}}),
        ("rooms from 3 to 5", {"rooms": {"between": [3, 5]}}),
        ("rooms above 3 and below 5", {"rooms": {"gt": 3, "lt": 5}}),
        ("floor area over 80 m2", {"floor_area": {"gt": 80}}),
        ("more than 80 m2", {"floor_area": {"gt": 80}}),
        ("rent under 1.5k", {"rent": {"lt": 1500}}),
        ("a rent of at most 1,200.50", {"rent": {"lte": 1200.5}}),
        ("rent over €1,000", {"and": [{"rent": {"gt": 1000}}, {"rent": {"currency_code": {"eq": "EUR"}}}]}),
        (
            "a rent of less than 900 dollars",
            {"and": [{"rent": {"lt": 900}}, {"rent": {"currency_code": {"eq": "USD"}}}]},
        ),
        ("more than 2 tenants", {"number_of_tenants": {"gt": 2}}),
    ],
)
def test_comparisons_find_their_field(words: str, expected: object) -> None:
    assert where(f"houses with {words}") == expected


def test_an_amount_without_a_field_is_the_only_currency() -> None:
    assert where("houses over 2k") == {"rent": {"gt": 2000}}


def test_a_small_number_without_a_field_is_not_guessed() -> None:
    assert not isinstance(HOUSES.outcome("houses over 30", clockwork()), Answer)


def test_a_year_after_a_year_field_is_a_number() -> None:
    assert where("houses open before 2009") == {"open_year": {"lt": 2009}}
    assert where("houses with open year after 2009") == {"open_year": {"gt": 2009}}


def test_number_of_is_a_count_a_field_or_part_of_a_label() -> None:
    assert planned("number of houses", HOUSES).spec.count
    assert planned("number of tenants of houses", HOUSES).spec.select == (("number_of_tenants",),)
    assert planned("phone number of houses", HOUSES).spec.select == (("phone_number",),)


def test_the_youngest_have_the_lowest_age_and_the_latest_birthday() -> None:
    aged = understanding([thing("dog", "dogs", column("name"), column("age", "number"))])
    born = understanding([thing("dog", "dogs", column("name"), column("birthday", "date"))])

    assert arguments(planned("youngest dogs", aged).spec, title="name") == {"sort": ["age"]}
    assert arguments(planned("youngest dogs", born).spec, title="name") == {"sort": ["-birthday"]}


def test_operator_words_inside_labels_are_the_label() -> None:
    player = thing(
        "player", "players", column("name"), column("best_finish", "number"), column("total_sales", "number")
    )
    players = understanding([player])

    assert planned("best finish of players", players).spec.select == (("best_finish",),)
    assert arguments(planned("players with total sales over 5", players).spec, title="name") == {
        "where": {"total_sales": {"gt": 5}}
    }

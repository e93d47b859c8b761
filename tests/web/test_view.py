"""A record list's address and what it means."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from metier.errors import Invalid
from metier.records import ObjectType
from metier.web.filtering import edit, pick
from metier.web.view import Condition, View
from tests.web.site import PORT, SHIP

KINDS = [ObjectType.from_json(SHIP), ObjectType.from_json(PORT)]


def read(query: str) -> View:
    return View.read(KINDS[0], KINDS, parse_qsl(query, keep_blank_values=True))


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("", {}),
        ("f.state=afloat", {"state": {"eq": "afloat"}}),
        ("f.state.in=afloat,sunk", {"state": {"in": ["afloat", "sunk"]}}),
        ("f.crew.gt=5", {"crew": {"gt": 5}}),
        ("f.price.between=1,2.5", {"price": {"between": [1, 2.5]}}),
        ("f.armed=true", {"armed": {"eq": True}}),
        ("f.crew.gt=many", {"crew": {"gt": "many"}}),
        ("f.home.name.contains=lag", {"home.name": {"contains": "lag"}}),
        ("f.price.currency_code=EUR", {"price.currency_code": {"eq": "EUR"}}),
        ("f.launched.within=last_7_days", {"launched": {"within": "last_7_days"}}),
        ("f.name.contains=a,b", {"name": {"contains": "a,b"}}),
        ("q=au", {"name": {"contains": "au"}}),
        ("q=au&f.crew=1", {"and": [{"crew": {"eq": 1}}, {"name": {"contains": "au"}}]}),
    ],
)
def test_an_address_is_a_filter_tree(query, where):
    assert read(query).where() == where


@pytest.mark.parametrize("query", ["", "q=au&f.state.in=afloat%2Csunk&f.crew.gt=5&sort=-crew%2Cname"])
def test_an_address_survives_reading_and_writing(query):
    assert urlsplit(read(query).url).query == query


def test_unknown_parts_of_an_address_are_named():
    with pytest.raises(Invalid) as caught:
        read("stage=won&order=name")

    assert [p.path for p in caught.value.problems] == ["stage", "order"]


def test_clicks_on_a_heading_go_one_way_then_the_other_then_back():
    name, crew = KINDS[0].by_name["name"], KINDS[0].by_name["crew"]
    view = read("f.crew.gt=5")
    walk = [view := view.sorted_by(name) for _ in range(3)]

    assert [v.sort for v in walk] == [("name",), ("-name",), ()]
    assert view.sorted_by(crew).sort == ("-crew",), "the most first"
    assert view.conditions, "filters stay"


def test_a_relation_sorts_by_the_name_of_what_it_points_to():
    assert read("").sorted_by(KINDS[0].by_name["home"]).sort == ("home.name",)


def test_the_api_call_asks_for_the_same():
    query = dict(parse_qsl(urlsplit(read("f.crew.gt=5&sort=-crew").api_url()).query))

    assert query == {"where": '{"crew":{"gt":5}}', "sort": "-crew"}


@pytest.mark.parametrize(
    "condition",
    [
        Condition("state", "in", "afloat,sunk"),
        Condition("crew", "gte", "5"),
        Condition("crew", "between", "5,9"),
        Condition("launched", "within", "last_7_days"),
        Condition("armed", "eq", "true"),
        Condition("name", "is", "null"),
        Condition("home.name", "contains", "lag"),
        Condition("owner", "eq", "me"),
    ],
)
def test_a_filter_can_be_taken_up_again(condition):
    view = read("").with_condition(condition)
    picking = edit(view, view.conditions[0])

    assert picking is not None
    assert picking.condition() == condition
    assert picking.view.conditions == ()


def test_a_filter_the_form_cannot_show_is_left_alone():
    for condition in (
        Condition("name", "like", "A%"),
        Condition("home", "eq", "1"),
        Condition("price.currency_code", "eq", "EUR"),
    ):
        view = read("").with_condition(condition)
        assert edit(view, view.conditions[0]) is None, condition


def test_a_filter_without_a_value_is_not_one_yet():
    picking = pick(read(""), "crew", "between", ["5", " "])

    assert picking is not None
    assert picking.condition() is None


def test_what_lies_behind_offers_no_words_for_what_lies_ahead():
    created, launched = pick(read(""), "created_at"), pick(read(""), "launched")

    assert created is not None
    assert launched is not None
    assert "next_7_days" in launched.words
    assert not [word for word in created.words if word.startswith("next")]

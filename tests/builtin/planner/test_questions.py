"""The sets of questions in `bench/questions/`: accuracy never falls below what it was, answers are right or absent."""

import json
import tomllib

import pytest

from bench.planner import QUESTIONS, SETS, is_right, measure, questions
from tests.builtin.planner.workshop import LANGUAGE

FLOORS = {"terse": 0.85, "sentences": 0.95, "elsewhere": 0.90}  # exact; a fall is a bug, a rise moves the floor


@pytest.mark.parametrize("name", SETS)
def test_a_set_is_understood_as_well_as_it_was(name: str) -> None:
    row, wrong = measure(name, LANGUAGE)

    assert row.exact >= FLOORS[name], "\n".join(wrong)
    assert row.precision >= 0.95, "\n".join(wrong)
    assert row.refused == 1.0, "\n".join(wrong)


def test_the_sets_do_not_share_a_question() -> None:
    asked = [one.text.casefold() for name in SETS for one in questions(name)[1]]

    assert len(asked) == len(set(asked))


@pytest.mark.parametrize("name", SETS)
def test_every_call_in_a_set_is_json_with_an_object(name: str) -> None:
    body = tomllib.loads((QUESTIONS / f"{name}.toml").read_text("utf-8"))
    calls = [json.loads(one["call"]) for one in body["question"] if "call" in one]

    assert all("object" in call for call in calls)


def test_a_wrong_filter_field_order_or_limit_is_not_right() -> None:
    wanted = {"object": "a", "where": {"x": {"gt": 1}, "y": {"eq": "B"}}, "sort": ["-x"], "limit": 3, "select": ["y"]}
    same = {**wanted, "where": {"and": [{"y": {"eq": "b"}}, {"x": {"gt": 1}}]}, "select": ["title", "y"]}

    assert is_right(same, wanted, "title")
    assert not is_right({**wanted, "where": {"x": {"gte": 1}, "y": {"eq": "B"}}}, wanted, "title")
    assert not is_right({**wanted, "where": {"x": {"gt": 1}}}, wanted, "title")
    assert not is_right({**wanted, "sort": ["x"]}, wanted, "title")
    assert not is_right({**wanted, "limit": 4}, wanted, "title")
    assert not is_right({**wanted, "select": ["z"]}, wanted, "title")

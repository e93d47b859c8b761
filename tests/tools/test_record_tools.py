"""The tools made from object types: only what the actor may see, found exactly."""

from metier.testing import House, Script


async def test_an_object_one_may_not_read_has_no_tool(sample_house: House):
    script = Script().calls("find_opportunities").then_says("I cannot see them.")

    events = await sample_house.ask("List deals.", model=script, objects={"company": ["read"]})

    assert events.last("tool_result").error == "NotFound"
    offered = {spec.name for spec in script.asked[0].tools}
    assert offered == {"find_companies", "find_one_company", "search_records", "ask_person"}
    assert "opportunit" not in repr(script.asked[0].tools).lower()


async def test_a_filter_on_a_hidden_relation_is_an_unknown_field(sample_house: House):
    script = Script().calls("find_people", where={"company": {"name": {"eq": "x"}}}).then_says("Unknown.")

    events = await sample_house.ask("Who works there?", model=script, objects={"person": ["read"]})

    assert events.last("tool_result").error in ("UnknownField", "BadFilter")


async def test_recent_companies_are_found_exactly(sample_house: House):
    where = {"created_at": {"within": "last_7_days"}}
    script = Script().calls("find_companies", where=where, limit=100).then_says("Done.")
    everything = await sample_house.metier.records.find(sample_house.actor, "company", limit=500)
    week_ago = "2026-11-14T09:00:00"
    expected = {r["id"] for r in everything.records if r["created_at"] >= week_ago}

    events = await sample_house.ask("New companies?", model=script)

    result = events.last("tool_result").data["result"]
    assert {r["id"] for r in result["records"]} == expected
    assert 0 < len(expected) < len(everything.records)
    assert result["total"] == len(expected)
    assert "2026" in result["filter"]


async def test_limit_zero_only_counts(sample_house: House):
    script = Script().calls("find_people", limit=0).then_says("Many.")

    events = await sample_house.ask("How many people?", model=script)

    result = events.last("tool_result").data["result"]
    assert result["records"] == []
    assert result["total"] > 100


async def test_a_wrong_operator_is_told_with_its_place(sample_house: House):
    script = Script().calls("find_companies", where={"employees": {"greater": 5}}).then_says("Sorry.")

    events = await sample_house.ask("Big ones?", model=script)

    result = events.last("tool_result").data
    assert result["success"] is False
    assert "employees" in result["message"]
    assert "gt" in str(result["error"]["errors"][0]["allowed"])

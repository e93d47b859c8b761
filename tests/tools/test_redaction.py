"""S-34: what tools give back, and what they are asked, is told without secrets."""

import json

from metier.agents import define_agent
from metier.context import Context
from metier.errors import GiveUp
from metier.testing import Script, open_house
from metier.tools import Output, tool
from tests.stored import everything_stored

VALUE = "sk_live_51canary"


@tool(reads=())
async def call_home(ctx: Context, headers: dict[str, str], fail: str = "") -> Output:
    """Call a service that gives back what it was sent."""
    if fail == "give up":
        raise GiveUp(f"The service says: no {VALUE}")
    if fail == "crash":
        raise ValueError(f"no {VALUE}")
    return Output(f"It said {VALUE}.", {"sent": [VALUE], VALUE: 1})


CALLER = define_agent(name="caller", prompt="You call home.", tools=[call_home])


async def test_secrets_in_results_and_errors_reach_neither_model_nor_log_nor_database(database_url: str, capsys):
    headers = {"Authorization": "Bearer typed-by-somebody", "Accept": "text/plain"}
    asks = [("call_home", {"headers": headers, "fail": fail}) for fail in ("", "give up", "crash")]
    async with open_house(url=database_url, agents=[CALLER]) as house:
        await house.metier.secrets.put(house.actor, "HOME_KEY", value=VALUE, hosts=["home.example"])
        model = Script().calls_all(*asks).then_says("Done.")

        events = await house.ask("Call home.", agent="caller", model=model)

        results = [told.data for told in events.all("tool_result")]
        assert [result["message"] for result in results] == [
            "It said ***.",
            "The service says: no ***",
            "call_home failed inside; the operator's log has the cause.",
        ]
        assert results[0]["result"] == {"sent": ["***"], "***": 1}
        assert events.all("tool_call")[0].data["arguments"]["headers"] == {
            "Authorization": "***",
            "Accept": "text/plain",
        }
        heard = json.dumps([str(message) for message in model.asked[-1].messages])
        assert VALUE not in heard + await everything_stored(house.metier.db)
    assert VALUE not in "".join(capsys.readouterr())


async def test_what_was_typed_is_not_in_the_trace_of_a_call_that_was_wrong_either(database_url: str):
    wrong = '{"headers": {"Authorization": "Bearer typed-by-somebody"}, "fial": "sk_live_51canary"}'
    async with open_house(url=database_url, agents=[CALLER]) as house:
        await house.metier.secrets.put(house.actor, "HOME_KEY", value=VALUE, hosts=["home.example"])
        model = Script().calls_raw("call_home", wrong).calls_raw("call_hone", wrong).then_says("Done.")

        events = await house.ask("Call home.", agent="caller", model=model)

        for told in events.all("tool_call"):
            assert "fial" in told.data["raw"]
            assert "typed-by-somebody" not in str(told.data)
            assert VALUE not in str(told.data)

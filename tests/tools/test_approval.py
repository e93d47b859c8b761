"""S-16: which calls need a person first, by what they change, what the house set, and whose words were read."""

import pytest

from metier import Context, define_agent, tool
from metier.errors import Invalid, NobodyToAsk
from metier.llm.messages import Message, ToolResult, user
from metier.tools import Caution, Change, Confirm, FieldChange, Preview, Tool, decide, read_in

READ = frozenset({"records"})


def a_tool(effect="write", **options) -> Tool:
    @tool(name="act", effect=effect, **options)
    async def act(ctx: Context) -> str:
        """Act."""
        return "done"

    return act


def need(kind: Tool, *, preview: Preview | None = None, arguments=None, **caution) -> str | None:
    found = decide(kind, arguments or {}, preview, Caution(**caution))
    return found.kind if found else None


@pytest.mark.parametrize("reads", [frozenset(), READ])
def test_reading_needs_nobody(reads: frozenset[str]):
    assert need(a_tool("read"), reads=reads) is None


def test_a_change_is_confirmed_unless_the_house_says_otherwise():
    assert need(a_tool("write")) == "confirm"
    assert need(a_tool("admin")) == "confirm"
    assert need(a_tool("write"), confirm=Confirm.NEVER) is None
    assert need(a_tool("write", approval="never")) is None


def test_one_may_be_asked_only_for_what_is_not_ones_own():
    mine, others = Preview("Update a task", own=True), Preview("Update a task")

    assert need(a_tool(), preview=mine, confirm=Confirm.OUTSIDE_OWN) is None
    assert need(a_tool(), preview=others, confirm=Confirm.OUTSIDE_OWN) == "confirm"
    assert need(a_tool(), confirm=Confirm.OUTSIDE_OWN) == "confirm"
    assert need(a_tool(), preview=mine, confirm=Confirm.ALWAYS) == "confirm"


@pytest.mark.parametrize("effect", ["external", "admin"])
@pytest.mark.parametrize("approval", ["policy", "never", "always"])
def test_foreign_words_in_the_conversation_need_an_approval_whatever_is_set(effect, approval):
    kind = a_tool(effect, approval=approval)

    assert need(kind, reads=READ, confirm=Confirm.NEVER, preview=Preview("Act", own=True)) == "approval"


def test_the_reason_names_what_was_read():
    found = decide(a_tool("external"), {}, None, Caution(reads=frozenset({"mail", "records", "web"})))

    assert found is not None
    assert found.why.endswith("this conversation has read records, web pages and mail.")


def test_the_hosts_that_a_list_would_have_to_hold_are_named_where_nobody_can_be_asked():
    kind = a_tool("external", targets=lambda arguments: arguments["hosts"])
    caution = Caution(reads=READ, allows={"good.example"}.__contains__)

    found = decide(kind, {"hosts": ["good.example", "evil.example"]}, None, caution)

    assert found is not None
    assert found.hosts == ("evil.example",)
    assert "metier hosts allow evil.example" in str(NobodyToAsk("Act", found.why, found.hosts).cure)
    assert "hosts allow" not in str(NobodyToAsk("Act", found.why).cure)
    asks_always = a_tool("external", approval="always", targets=lambda arguments: arguments["hosts"])
    assert decide(asks_always, {"hosts": ["evil.example"]}, None, caution).hosts == ()  # type: ignore[union-attr]


def test_a_target_on_the_list_needs_nobody_and_all_targets_must_be_on_it():
    kind = a_tool("external", targets=lambda arguments: arguments["hosts"])
    caution = {"reads": READ, "allows": {"good.example"}.__contains__}

    assert need(kind, arguments={"hosts": ["good.example"]}, **caution) is None
    assert need(kind, arguments={"hosts": ["good.example", "evil.example"]}, **caution) == "approval"
    assert need(kind, arguments={"hosts": []}, **caution) == "approval"


def test_a_list_of_targets_does_nothing_for_what_changes_the_set_up():
    kind = a_tool("admin", targets=lambda arguments: ["good.example"])

    assert need(kind, reads=READ, allows=lambda host: True) == "approval"


def test_a_tool_can_always_ask_even_one_that_reads():
    assert need(a_tool("read", approval="always"), confirm=Confirm.NEVER) == "approval"
    assert need(a_tool("external", approval="always")) == "approval"


def test_an_answer_that_does_not_say_whose_words_it_holds_counts_as_foreign():
    said, unsaid = ToolResult("1", "a", {}, ()), ToolResult("2", "b", {})

    assert read_in([user("Hi"), Message("tool", (said,))]) == frozenset()
    assert read_in([Message("tool", (said, unsaid))]) == {"other"}
    assert a_tool("read").brings == ("other",)
    assert a_tool("read", reads=()).brings == ()


def test_a_change_reads_back_as_it_was_stored():
    change = Change("update", "company", "Acme", "01", (FieldChange("city", "City", "Paris", None),))

    assert Change.of(change.to_json()) == change


def test_an_agent_with_an_unknown_choice_is_refused():
    with pytest.raises(Invalid, match="'alway' is not known") as caught:
        define_agent(name="clerk", prompt="Help.", confirm="alway")

    assert caught.value.problems[0].did_you_mean == "always"

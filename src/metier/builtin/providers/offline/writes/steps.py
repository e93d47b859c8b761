"""The steps of a turn that writes: each is chosen from what the turn's calls have answered so far; nothing is kept.

look names up ─▶ find the records of a filter, or an amount's present currency ─▶ write ─▶ tell what was done
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from metier.builtin.providers.offline.cells import escaped, plain_title
from metier.builtin.providers.offline.names import closest, looks_titled
from metier.builtin.providers.offline.opening import MOST_TOKENS
from metier.builtin.providers.offline.outcome import LookUp
from metier.builtin.providers.offline.reader import World
from metier.builtin.providers.offline.refusal import CAN_WRITE
from metier.builtin.providers.offline.restate import Teller, small
from metier.builtin.providers.offline.spec import MAX_LIMIT, Condition, Hit, Spec, arguments
from metier.builtin.providers.offline.stretches import Clockwork
from metier.builtin.providers.offline.tokens import Token
from metier.builtin.providers.offline.turn import Turn
from metier.builtin.providers.offline.understand import Understanding
from metier.builtin.providers.offline.writes import tell
from metier.builtin.providers.offline.writes.choose import chosen_hit
from metier.builtin.providers.offline.writes.deed import Choice, Deed, Pause, Refusal, Setting
from metier.builtin.providers.offline.writes.words import CALLED, QUOTES, Sentence, Words
from metier.builtin.providers.offline.writes.writing import deed_of
from metier.llm.messages import ToolCall
from metier.records.shape import DEFAULT_CURRENCY, FieldType


@dataclass(frozen=True)
class Call:
    """A tool call that comes next; `plan` is shown with one that writes."""

    tool: str
    arguments: Mapping[str, Any]
    plan: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Said:
    """Words that end the turn."""

    lines: tuple[str, ...]


Step = Call | LookUp | Said


class Writing:
    """Takes sentences that ask for a change.

    Args:
        understanding: Reads the rest of them.
    """

    def __init__(self, understanding: Understanding) -> None:
        self._understanding = understanding
        self._schema = understanding.schema
        self._tools = {tool.name: (verb, kind) for (verb, kind), tool in self._schema.writes.items()}

    def step(self, turn: Turn, clock: Clockwork, me: str) -> Step | None:
        """Say what comes next in a turn; None if it asks for no change.

        Args:
            me: Id of the member who speaks.
        """
        for call, output in reversed(turn.done):
            if call.name in self._tools:
                verb, kind = self._tools[call.name]
                return Said(tuple(tell.written(verb, self._teller(kind, clock), output)))
        words = self._understanding.tokens(turn.question)
        place = self._understanding.verb_at(words)
        place = 0 if place is None and self._begins_new(words) else place
        if place is None or len(words) > MOST_TOKENS:
            return None
        if turn.failure:
            return Said((tell.refused(escaped(turn.failure)),))
        try:
            return self._next(turn, words, place, clock, me)
        except Pause as pause:
            return pause.what if isinstance(pause.what, LookUp) else self._asked(pause.what)
        except Refusal as refusal:
            return Said((tell.refused(refusal.why, refusal.cure),))

    # what comes next -------------------------------------------------------------------------------

    def _next(self, turn: Turn, words: Words, place: int, clock: Clockwork, me: str) -> Step:
        language = self._understanding.language
        if place and words[place - 1].low == "i":
            raise Refusal(
                "I cannot tell what you may do.", "Ask for it plainly, and it is asked back before it is done."
            )
        found = ("create", 1) if self._begins_new(words) else language.deeds.at(words, place)
        if found is None:
            raise Refusal(f"I cannot *{escaped(words[place].low)}* anything.", f"I can {CAN_WRITE}.")
        if not self._schema.writes:
            raise Refusal("I have no tool here that changes records.", "The agent or your role may not write.")
        verb, end = found
        world = World(self._schema, language, clock, turn.fresh)
        shouting, chosen = looks_titled(words), _chosen(turn, self._schema.ask)
        rest = self._alone(words[end:])
        sentence = Sentence(
            turn.question,
            rest,
            self._understanding,
            world,
            shouting,
            me=me,
            chosen=chosen,
            last=turn.last,
            remembered=turn.known,
        )
        return self._done(turn, sentence, deed_of(sentence, verb, rest), clock)

    def _alone(self, words: Words) -> Words:
        """Give the words of the one thing that is asked for, without thanks behind it.

        Raises:
            Refusal: Another thing is asked for behind it; it must not become part of a name.
        """
        thanks = self._understanding.language.help["thanks"]
        stop = next((i for i in range(1, len(words)) if _parts(words[i - 1]) and thanks.at(words, i)), len(words))
        rest = _ended(words[:stop])
        for i, word in enumerate(rest):
            if _parts(word) and self._understanding.verb_at(rest[i + 1 :]) is not None:
                raise Refusal("I do one thing at a time.", f"Say one after the other. {QUOTES}")
        return rest

    def _begins_new(self, words: Words) -> bool:
        """Whether a record is begun with: "new company called Foo"; "new companies" asks for some."""
        if len(words) < 2 or words[0].low != "new":
            return False
        return any(
            entry.kind == "object" and end < len(words) and (words[end].low in CALLED or words[end].kind == "quoted")
            for name in self._schema.objects
            for end, entry in self._understanding.index(name).at([word.stem for word in words], 1)
        )

    def _done(self, turn: Turn, sentence: Sentence, deed: Deed, clock: Clockwork) -> Step:
        """Make the call that writes, once what it needs is known."""
        teller, currencies = self._teller(deed.object, clock), _without_currency(deed)
        if deed.target is None:
            return self._write(_in(deed, DEFAULT_CURRENCY), teller, [])
        if isinstance(deed.target, Hit) and not currencies:
            return self._write(deed, teller, [deed.target.id])
        find = self._schema.find[deed.object]
        records = next((_records(output) for call, output in reversed(turn.done) if call.name == find), None)
        if records is None:
            return Call(find, _finding(deed, teller, currencies))
        ids = self._ids(sentence, deed, teller, *records)
        return self._write(_in(deed, _present_currency(records[0], currencies)), teller, ids)

    def _ids(
        self, sentence: Sentence, deed: Deed, teller: Teller, records: Sequence[Mapping[str, Any]], total: int
    ) -> list[str]:
        """Give the ids of what was found, if it is what was meant."""
        if isinstance(deed.target, Hit):
            return [deed.target.id]
        title = teller.type.title
        hits = [Hit(deed.object, str(one["id"]), plain_title(one.get(title))) for one in records]
        hits = closest(deed.called, hits) if deed.called else hits
        plural = escaped(small(teller.type.label_plural))
        if not hits:
            raise Refusal(_none(deed, teller))
        if total > MAX_LIMIT and not (deed.target and deed.target.limit):
            raise Refusal(f"{total:,} {plural} match; I change at most {MAX_LIMIT} at once.", "Narrow them down.")
        if deed.single:
            return [chosen_hit(sentence, f"Several {small(teller.type.label_plural)} match.", hits).id]
        return [hit.id for hit in hits]

    def _write(self, deed: Deed, teller: Teller, ids: Sequence[str]) -> Call:
        tool = self._schema.writes[deed.verb, deed.object].name
        place: dict[str, Any] = {"id": ids[0] if len(ids) == 1 else list(ids)} if ids else {}
        given = place | {setting.field.name: setting.value for setting in deed.settings}
        return Call(tool, given, tell.plan_json(deed, teller, call=tool, arguments=given))

    def _asked(self, choice: Choice) -> Step:
        return Call(self._schema.ask or "", {"question": choice.question, "options": list(choice.options)})

    def _teller(self, kind: str, clock: Clockwork) -> Teller:
        return Teller(self._schema.objects[kind], self._schema, clock)


def _parts(word: Token) -> bool:
    """Whether another sentence may begin behind a word."""
    return word.kind != "quoted" and word.low in (".", "!", "?", ";", ",", "and", "then")


def _ended(words: Words) -> Words:
    """Leave out the full stop or question mark at the end, and "please"."""
    end = len(words)
    while end and (words[end - 1].low in (".", "!", "?", "please", ",")) and words[end - 1].kind != "quoted":
        end -= 1
    return words[:end]


def _none(deed: Deed, teller: Teller) -> str:
    state = "deleted " if deed.verb == "restore" else ""
    if deed.called:
        return f"I found no {state}{escaped(small(teller.type.label))} called “{escaped(deed.called)}”."
    return f"No {state}{escaped(small(teller.type.label_plural))} match."


# what the turn has brought ----------------------------------------------------------------------


def _records(output: Mapping[str, Any]) -> tuple[Sequence[Mapping[str, Any]], int]:
    result: Mapping[str, Any] = output.get("result") or {}
    records: Sequence[Mapping[str, Any]] = result.get("records") or ()
    return records, int(result.get("total") or len(records))


def _chosen(turn: Turn, ask: str | None) -> dict[str, str]:
    """Give what the person answered, by question."""
    found: dict[str, str] = {}
    for call, output in turn.done:
        if call.name == ask and output.get("success"):
            result: Mapping[str, Any] = output.get("result") or {}
            found[_question(call)] = str(result.get("answer"))
    return found


def _question(call: ToolCall) -> str:
    return str(orjson.loads(call.raw).get("question"))  # the planner's own call


# arguments --------------------------------------------------------------------------------------


def _finding(deed: Deed, teller: Teller, currencies: Sequence[Setting]) -> dict[str, Any]:
    """Give the arguments that find what is meant: titles, and amounts whose currency is to stay."""
    target = deed.target
    spec = Spec(deed.object, (Condition(("id",), "eq", target.id),)) if isinstance(target, Hit) else target
    assert spec is not None
    found = arguments(spec, title=teller.type.title)
    found |= {"select": [teller.type.title, *(setting.field.name for setting in currencies)]}
    found.setdefault("limit", MAX_LIMIT)
    return found | ({"deleted": True} if deed.verb == "restore" else {})


def _without_currency(deed: Deed) -> list[Setting]:
    return [
        setting
        for setting in deed.settings
        if setting.field.type is FieldType.CURRENCY and setting.value and "currency_code" not in setting.value
    ]


def _present_currency(records: Sequence[Mapping[str, Any]], amounts: Sequence[Setting]) -> str:
    """Give the one currency that amounts without one have now."""
    present: list[Mapping[str, Any]] = [record.get(one.field.name) or {} for record in records for one in amounts]
    codes = {str(amount["currency_code"]) for amount in present if amount.get("currency_code")}
    if len(codes) > 1:
        raise Refusal("These amounts are in several currencies.", "Say in which the new one is: *50,000 EUR*.")
    return codes.pop() if codes else DEFAULT_CURRENCY


def _in(deed: Deed, code: str) -> Deed:
    """Put a currency to amounts that have none."""
    missing = _without_currency(deed)
    settings = [
        replace(one, value={**one.value, "currency_code": code}) if one in missing else one for one in deed.settings
    ]
    return replace(deed, settings=tuple(settings))

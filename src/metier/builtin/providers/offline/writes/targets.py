"""Which records a sentence means: one by name, one by what stands beside it, or all that a filter finds.

the task Call Bob      Acme renewal      all tasks due last week      them
"""

import re
from collections.abc import Sequence
from uuid import UUID

from metier.builtin.providers.offline.cells import escaped, link
from metier.builtin.providers.offline.names import closest, fold
from metier.builtin.providers.offline.outcome import Abstain, Answer, LookUp, Outcome, Unsure
from metier.builtin.providers.offline.restate import listing, small
from metier.builtin.providers.offline.spec import MAX_LIMIT, Hit, Spec
from metier.builtin.providers.offline.writes.choose import chosen_hit
from metier.builtin.providers.offline.writes.deed import Pause, Refusal
from metier.builtin.providers.offline.writes.words import CALLED, QUOTES, Sentence, Words, is_plural
from metier.records.shape import ObjectType

_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_ALL = frozenset(("all", "every", "each", "both", "my"))


class Target:
    """The words that say which records are meant.

    Attributes:
        kinds: The objects they may be about: the one they name, else all.
        many: They say that several may be meant.
    """

    def __init__(self, sentence: Sentence, words: Words) -> None:
        self._sentence = sentence
        self._words = sentence.without_determiners(words)
        self._noun = self._first_noun()
        self.kinds = [self._noun[0]] if self._noun else sentence.kinds
        self.many = self._is_many()

    def meant(self, kinds: Sequence[ObjectType]) -> Hit | Spec:
        """Give the record or the filter that is meant, of one of these objects.

        Raises:
            Pause: A name has to be looked up first, or the person asked.
            Refusal: Nothing is called so, or it was not understood.
        """
        if not self._words:
            raise Refusal("I did not understand which record is meant.", "Say its name.", unread=True)
        if self._is_pronoun():
            return self._before(kinds)
        if self.many:
            return self._found(kinds)
        if (one := self._identified(kinds)) is not None:
            return one
        return self._named(kinds)

    @property
    def name(self) -> str:
        """The name in these words, without the noun beside it."""
        return self._sentence.text(self._name_words())

    def _first_noun(self) -> tuple[ObjectType, int, int] | None:
        """Give the noun at either end, or one that means several; inside a name it says nothing."""
        words, sentence = self._words, self._sentence
        for i in range(len(words)):
            if found := sentence.noun_at(words, i, sentence.kinds):
                kind, end = found
                if i == 0 or end == len(words) or self._is_all() or is_plural(words, i, end, kind, sentence):
                    return kind, i, end
        return None

    # kinds of targets ------------------------------------------------------------------------------

    def _is_all(self) -> bool:
        return bool(self._words) and self._words[0].low in _ALL

    def _is_pronoun(self) -> bool:
        return " ".join(word.low for word in self._words) in self._sentence.world.language.sets["pronouns"]

    def _is_many(self) -> bool:
        if self._noun is None or self._words[0].kind == "quoted":
            return False
        kind, start, end = self._noun
        return self._is_all() or is_plural(self._words, start, end, kind, self._sentence)

    def _name_words(self) -> Words:
        words = self._words
        if self._noun is not None:
            _, start, end = self._noun
            words = words[end:] if start == 0 else words[:start]
        while words and words[0].low in CALLED:
            words = words[1:]
        return self._sentence.without_determiners(words)

    # meanings --------------------------------------------------------------------------------------

    def _before(self, kinds: Sequence[ObjectType]) -> Hit | Spec:
        sentence = self._sentence
        before = sentence.understanding.outcome(sentence.last, sentence.world.clock, known=sentence.remembered)
        if not sentence.last or not isinstance(before, Answer):
            raise Refusal("I do not know which records you mean.", "Say their names, or ask for them first.")
        return self._of_kinds(before.spec.one or before.spec, kinds)

    def _found(self, kinds: Sequence[ObjectType]) -> Hit | Spec:
        sentence = self._sentence
        outcome = sentence.understanding.records(sentence.question(self._words), sentence.world)
        match outcome:
            case Answer(spec=spec, unread=()) if not (spec.count or spec.select):
                if spec.limit == MAX_LIMIT and not any(word.low in ("100", "hundred") for word in self._words):
                    raise Refusal(f"I change at most {MAX_LIMIT} records at once.")  # "the first 200", cut down
                return self._of_kinds(spec.one or spec, kinds)
            case LookUp():
                raise Pause(outcome)
            case _:
                raise _not_understood(outcome, sentence.text(self._words))

    def _identified(self, kinds: Sequence[ObjectType]) -> Hit | None:
        words = self._name_words()
        if len(words) != 1 or words[0].kind not in ("uuid", "quoted") or not _UUID.fullmatch(words[0].text):
            return None
        if len(kinds) > 1:
            raise Refusal("I cannot tell what kind of record this id is of.", "Say for example *task* before it.")
        given = str(UUID(words[0].text))
        return Hit(kinds[0].name, given, given)

    def _named(self, kinds: Sequence[ObjectType]) -> Hit | Spec:
        """Look a name up; where a noun stands beside what is no name, it is a filter that finds one."""
        sentence, name = self._sentence, self.name
        if not name and self._noun:
            raise Refusal(
                f"I did not understand which {escaped(small(self._noun[0].label))} is meant.", "Say its name."
            )
        if self._says_nothing():
            raise Refusal("I did not understand which record is meant.", "Say its name.", unread=True)
        hits = sentence.world.known.get(fold(name))
        if hits is None and sentence.world.can_look_up:
            raise Pause(LookUp((name,)))
        whole = sentence.text(self._words)  # "Quill deal" may be its whole name
        called = [hit for hit in hits or () if _is_called(hit, name) or fold(hit.label) == fold(whole)]
        fitting = [hit for hit in called if any(hit.object == kind.name for kind in kinds)]
        near = [hit for hit in fitting if fold(hit.label) == fold(whole)] or closest(name, fitting)
        exact = [hit for hit in hits or () if fold(hit.label) == fold(name)]
        if near and (self._noun is not None or not exact or near[0] in exact):
            return chosen_hit(sentence, f"Several records are called like “{name}”.", near)
        if self._noun is not None:
            try:
                return self._found(kinds)
            except Refusal:
                pass
        raise self._missing(name, [*exact, *near] or closest(name, hits or ()), kinds)

    def _says_nothing(self) -> bool:
        """Whether what stands in place of a name is no name: "all", "to"."""
        stop = self._sentence.world.language.stop
        words = self._name_words()
        return all(not word.capital and word.kind == "word" and stop.at(words, i) for i, word in enumerate(words))

    def _missing(self, name: str, others: Sequence[Hit], kinds: Sequence[ObjectType]) -> Refusal:
        what = f"{escaped(small(kinds[0].label))} " if len(kinds) == 1 else "record "
        why = f"I found no {what}called “{escaped(name)}” that could be changed so."
        if not others:
            return Refusal(why, "Look for it under another name.", unread=True)
        return Refusal(why, f"There is {listing([self._linked(hit) for hit in others], 'and')}.", near=True)

    def _linked(self, hit: Hit) -> str:
        kind = self._sentence.world.schema.object(hit.object)
        return link(hit.label, hit.object, hit.id) + (f" ({escaped(small(kind.label))})" if kind else "")

    def _of_kinds(self, found: Hit | Spec, kinds: Sequence[ObjectType]) -> Hit | Spec:
        if any(found.object == kind.name for kind in kinds):
            return found
        kind = self._sentence.world.schema.object(found.object)
        plural = escaped(small(kind.label_plural)) if kind else "these records"
        raise Refusal(f"I cannot change {plural} like that.", unread=True)


def _is_called(hit: Hit, name: str) -> bool:
    """Whether a record's name holds these words whole; what begins like them is not good enough to be changed."""
    return set(fold(name).split()) <= set(fold(hit.label).split())


def _not_understood(outcome: Outcome, text: str) -> Refusal:
    if isinstance(outcome, Abstain) and outcome.missing:
        return Refusal(f"I found no record called {listing([f'“{escaped(n)}”' for n in outcome.missing], 'or')}.")
    if isinstance(outcome, Abstain) and outcome.unread:
        words = listing([f"*{escaped(word)}*" for word in outcome.unread], "and")
        return Refusal(f"I did not understand {words} in *{escaped(text)}*.", QUOTES, unread=True)
    if isinstance(outcome, Abstain) and outcome.cannot:
        return Refusal(f"I cannot {outcome.cannot[0]}, so I do not know what *{escaped(text)}* are.", unread=True)
    if isinstance(outcome, Unsure) and outcome.doubts and outcome.doubts[0].choices:
        choices = listing([f"*{escaped(choice)}*" for choice in outcome.doubts[0].choices], "or")
        return Refusal(f"*{escaped(outcome.doubts[0].text)}* may mean {choices}.", "Name the field.", unread=True)
    return Refusal(f"I did not understand which records *{escaped(text)}* are.", unread=True)

"""When several things may be meant: the person is asked with the options, or told them where nobody can be asked."""

from collections.abc import Sequence

from metier.builtin.providers.offline.cells import escaped, link
from metier.builtin.providers.offline.restate import small
from metier.builtin.providers.offline.spec import Hit
from metier.builtin.providers.offline.writes.deed import Choice, Pause, Refusal
from metier.builtin.providers.offline.writes.words import Sentence

_MOST = 8  # options of a question
_LONGEST = 100  # characters of an option, and of a question twice that


def chosen_hit(sentence: Sentence, why: str, hits: Sequence[Hit]) -> Hit:
    """Give the one record that is meant.

    Args:
        why: A sentence: `Several records are called "Acme".`

    Raises:
        Pause: The person has to be asked first.
        Refusal: The records cannot be told apart by their names.
    """
    if len(hits) == 1:
        return hits[0]
    options = [f"{hit.label} ({_noun(sentence, hit)})" for hit in hits]
    place = chosen(sentence, f"{why} Which one do you mean?", options)
    if place is not None:
        return hits[place]
    listed = "".join(f"- {link(hit.label, hit.object, hit.id)} ({_noun(sentence, hit)}): {hit.id}\n" for hit in hits)
    raise Refusal(f"{escaped(why)} Which one do you mean?\n\n{listed}", "Say its id instead of its name.")


def chosen(sentence: Sentence, question: str, options: Sequence[str]) -> int | None:
    """Give which option was chosen; None if the question cannot be asked.

    Raises:
        Pause: The person has to be asked first.
    """
    answer = sentence.chosen.get(question)
    if answer is not None:
        return options.index(answer) if answer in options else None
    is_short = len(question) <= 2 * _LONGEST and all(len(option) <= _LONGEST for option in options)
    tells_apart = len(set(options)) == len(options)
    if sentence.world.schema.ask and tells_apart and is_short and 2 <= len(options) <= _MOST:
        raise Pause(Choice(question, tuple(options)))
    return None


def _noun(sentence: Sentence, hit: Hit) -> str:
    kind = sentence.world.schema.object(hit.object)
    return small(kind.label) if kind else hit.object

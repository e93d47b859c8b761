"""Whether an answer is one to what was asked. Pure."""

from collections.abc import Iterator
from typing import Any

from metier.errors import Invalid, Problem, nearest
from metier.runs.requests.request import YES_OR_NO, Answer, Kind, Shown, Verdict
from metier.schema import Validators

MAX_WORDS = 20_000  # characters of an input
MAX_NOTE = 2_000


def check(shown: Shown, answer: Answer, note: str, validators: Validators) -> None:
    """Let pass an answer that fits; saying no always does.

    Raises:
        Invalid: Names each place that does not fit.
    """
    problems = [*_verdict(shown, answer), *_note(note)]
    if not problems and answer.verdict is Verdict.ANSWER:
        problems = [*_value(shown, answer.value, validators)]
    if problems:
        raise Invalid.of(problems, what="The answer")


def _verdict(shown: Shown, answer: Answer) -> Iterator[Problem]:
    allowed = [Verdict.APPROVE if shown.kind in YES_OR_NO else Verdict.ANSWER, Verdict.DECLINE]
    if answer.verdict not in allowed:
        yield Problem("verdict", f"a {shown.kind} is not answered with {answer.verdict!s}", tuple(allowed))
    elif answer.verdict is not Verdict.ANSWER and answer.value is not None:
        yield Problem("value", f"is not given with {answer.verdict!s}; a remark goes into 'note'")


def _note(note: str) -> Iterator[Problem]:
    if len(note) > MAX_NOTE:
        yield Problem("note", f"is {len(note):,} characters; at most {MAX_NOTE:,}")
    if "\x00" in note:
        yield Problem("note", "must not contain the character U+0000")


def _value(shown: Shown, value: Any, validators: Validators) -> Iterator[Problem]:
    match shown.kind:
        case Kind.DECISION:
            yield from _choice(shown, value)
        case Kind.INPUT:
            yield from _words(value)
        case _:
            for problem in validators.problems(shown.schema or {}, value):
                yield Problem(f"value.{problem.path}".rstrip("."), problem.problem, problem.allowed)


def _choice(shown: Shown, value: Any) -> Iterator[Problem]:
    values = tuple(option.value for option in shown.options)
    if value not in values:
        near = nearest(value, values) if isinstance(value, str) else None
        yield Problem("value", f"{value!r} is none of the options", values, did_you_mean=near)


def _words(value: Any) -> Iterator[Problem]:
    if not isinstance(value, str) or not value.strip():
        yield Problem("value", "must be words", example="Berlin")
    elif len(value) > MAX_WORDS:
        yield Problem("value", f"is {len(value):,} characters; at most {MAX_WORDS:,}")
    elif "\x00" in value:
        yield Problem("value", "must not contain the character U+0000")

"""Everything that can go wrong, in one tree.

Constructors take facts; the class writes the sentence: what, where, expected, nearest name, cure.
`problems` carries the same per field, for clients: `[{path, problem, allowed, example, did_you_mean}]`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

from rapidfuzz import process, utils


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with an input.

    Attributes:
        path: Where, dotted from the input's root, e.g. `where.and.0.amount.gt`; empty for the whole input. See `below`.
        problem: What is wrong, as a sentence.
        allowed: Values or names that would be right, if they can be listed.
        example: One right value.
        did_you_mean: The nearest right name.
    """

    path: str
    problem: str
    allowed: tuple[str, ...] = ()
    example: Any = None  # any JSON value
    did_you_mean: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Give the fields that say something."""
        return {k: v for k, v in asdict(self).items() if v not in (None, (), "") or k in ("path", "problem")}


def below(path: str, key: str) -> str:
    """Give the path of what lies under a key; one that would be taken for several stands in quotes.

    >>> below("where", "amount"), below("where", "a.b")
    ('where.amount', 'where."a.b"')
    """
    part = json.dumps(key, ensure_ascii=False) if not key or "." in key or '"' in key else key
    return f"{path}.{part}" if path else part


def nearest(name: str, names: Iterable[str], *, cutoff: int = 65) -> str | None:
    """Give the one of `names` that `name` was probably meant to be, or None."""
    found = process.extractOne(name, list(names), processor=utils.default_process, score_cutoff=cutoff)
    return found[0] if found else None


def _hint(suggestion: str | None) -> str:
    return f" Did you mean {suggestion!r}?" if suggestion else ""


class MetierError(Exception):
    """The root of the tree. `status` is the HTTP answer, `problems` the parts, `cure` what to do."""

    status: ClassVar[int] = 500

    def __init__(self, message: str, *, problems: Sequence[Problem] = (), cure: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.problems = tuple(problems)
        self.cure = cure

    @property
    def code(self) -> str:
        """The name clients and models see, e.g. `UnknownField`."""
        return type(self).__name__

    def to_json(self) -> dict[str, Any]:
        """Give the error as clients get it: `{error, message, cure?, errors: [...]}`."""
        body: dict[str, Any] = {"error": self.code, "message": self.message}
        if self.cure:
            body["cure"] = self.cure
        body["errors"] = [p.to_json() for p in self.problems] or [{"path": "", "problem": self.message}]
        return body


# 422 ---------------------------------------------------------------------------------------------------------------


class Invalid(MetierError):
    """An input that does not have the expected form."""

    status = 422

    @classmethod
    def of(cls, problems: Sequence[Problem], *, what: str = "The input", cure: str | None = None) -> "Invalid":
        """Make one error of several problems."""
        first = problems[0]
        where = f" at {first.path!r}" if first.path else ""
        more = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
        return cls(f"{what} is not valid{where}: {first.problem}{more}", problems=problems, cure=cure)


class UnknownField(Invalid):
    """A field that does not exist for this actor."""

    def __init__(self, field: str, object_name: str, known: Iterable[str], *, path: str = "") -> None:
        names = tuple(sorted(known))
        near = nearest(field, names)
        sentence = f"{object_name!r} has no field {field!r}.{_hint(near)}"
        problem = Problem(path or field, sentence, allowed=names, did_you_mean=near)
        super().__init__(sentence, problems=[problem])
        self.field = field


class BadFilter(Invalid):
    """A filter tree that cannot be read."""

    def __init__(
        self, path: str, problem: str, *, allowed: Iterable[str] = (), example: Any = None, given: str | None = None
    ) -> None:
        names = tuple(allowed)
        near = nearest(given, names) if given else None
        sentence = f"{problem}{_hint(near)}"
        super().__init__(
            f"Bad filter at {path!r}: {sentence}",
            problems=[Problem(path, sentence, allowed=names, example=example, did_you_mean=near)],
        )


class BadStatement(Invalid):
    """SQL that the database refuses; nothing of it took effect."""

    def __init__(self, problem: str, *, at: str = "", cure: str | None = None) -> None:
        place = f" at {at}" if at else ""
        super().__init__(f"The database refuses this{place}: {problem}.", problems=[Problem(at, problem)], cure=cure)


class BadManifest(Invalid):
    """A definition that cannot be read; names file, line and column."""

    def __init__(self, file: str, problem: str, *, line: int | None = None, column: int | None = None) -> None:
        place = ":".join(str(part) for part in (file, line, column) if part is not None)
        super().__init__(f"{place}: {problem}", problems=[Problem(place, problem)])

    @classmethod
    def at(cls, found: Sequence[tuple[str, int, int, Problem]]) -> "BadManifest":
        """Make one error of several problems, each with its file, line and column."""
        told = [(f"{file}:{line}:{column}", problem) for file, line, column, problem in found]
        error = cls(told[0][0], _with_path(told[0][1]) + (f" ({len(told) - 1} more)" if len(told) > 1 else ""))
        error.problems = tuple(replace(one, path=place, problem=_with_path(one)) for place, one in told)
        return error


def _with_path(problem: Problem) -> str:
    return f"{problem.path}: {problem.problem}" if problem.path else problem.problem


class SchemaMismatch(Invalid):
    """A value that does not fit its JSON Schema."""

    def __init__(self, what: str, problems: Sequence[Problem]) -> None:
        details = "; ".join(f"{p.path or 'the whole'}: {p.problem}" for p in problems)
        super().__init__(f"{what} does not fit its schema: {details}", problems=problems)


class NoModel(Invalid):
    """No configured model answers to this name."""

    def __init__(self, model: str, known: Iterable[str]) -> None:
        names = tuple(sorted(known))
        near = nearest(model, names)
        super().__init__(
            f"No model {model!r} is configured.{_hint(near)}",
            problems=[Problem("model", f"No model {model!r}.", allowed=names, did_you_mean=near)],
            cure="Set OPENAI_API_KEY, XAI_API_KEY or OPENAI_COMPATIBLE_BASE_URL, or use 'offline/planner'.",
        )


# 404 ---------------------------------------------------------------------------------------------------------------


class NotFound(MetierError):
    """Something that does not exist, or that the actor may not know of: the answer is the same."""

    status = 404

    def __init__(self, what: str, name: str, known: Iterable[str] = (), *, cure: str | None = None) -> None:
        names = tuple(sorted(known))
        near = nearest(name, names)
        sentence = f"No {what} {name!r}.{_hint(near)}"
        if cure:
            sentence = f"{sentence} {cure}"
        super().__init__(sentence, problems=[Problem("", sentence, allowed=names, did_you_mean=near)], cure=cure)


class NoSuchRecord(NotFound):
    """No such record within what the actor may see."""

    def __init__(self, object_name: str, record_id: str) -> None:
        super().__init__(object_name, record_id)


# 401, 403 ----------------------------------------------------------------------------------------------------------


class NotSignedIn(MetierError):
    """A request without a credential that is valid now."""

    status = 401

    def __init__(self, problem: str = "Sign in first, or send 'Authorization: Bearer KEY'.") -> None:
        super().__init__(problem, cure="Make a key with: metier keys create --role ROLE --name NAME")


class Forbidden(MetierError):
    """Something the actor may know of but not do."""

    status = 403


class MissingPermission(Forbidden):
    """The actor's role lacks a permission."""

    def __init__(self, actor: str, action: str, resource: str) -> None:
        super().__init__(
            f"{actor} may not {action} {resource}.", cure=f"An admin can grant {action!r} on {resource} to the role."
        )
        self.action = action
        self.resource = resource


class Declined(Forbidden):
    """A call that a person did not want, or that nobody answered in time."""

    def __init__(self, call: str, by: str | None, note: str = "") -> None:
        said = f"{by} declined" if by else "Nobody answered in time, which declines"
        words = f" They said: {note}" if note else ""
        super().__init__(f"{said}: {call}.{words}", cure="Do not try it again in another way; tell the person.")


class NobodyToAsk(Forbidden):
    """A call that needs a person's yes, where no person can be asked.

    Args:
        hosts: Where the call reaches, if it would need nobody were these on the workspace's list.
    """

    def __init__(self, call: str, why: str, hosts: Sequence[str] = ()) -> None:
        cure = "Do it in a chat or with metier ask, where a person can be asked."
        if hosts:
            listed = " and ".join(f"metier hosts allow {host}" for host in hosts)
            cure = f"If agents may always go there, allow it under Settings, Connections, or with {listed}. Or: {cure}"
        super().__init__(f"{call} needs a person first, and nobody can be asked here. {why}", cure=cure)
        self.hosts = tuple(hosts)


class FeatureOff(Forbidden):
    """Something that the workspace has switched off."""

    def __init__(self, feature: str) -> None:
        super().__init__(
            f"The feature flag {feature} is off in this workspace.",
            cure="Whoever holds WORKSPACE, such as an admin, can switch it on: under Settings, Features, or with "
            f"metier flags set {feature} on",
        )
        self.feature = feature


class OnlyViewing(Forbidden):
    """Something that whoever looks as another role or member does not do meanwhile."""

    def __init__(self, label: str) -> None:
        super().__init__(
            f"You are looking as {label!r}: nothing is changed, asked or answered meanwhile.",
            cure="Stop viewing as another, then do it as yourself.",
        )


class ReadOnlyObject(Forbidden):
    """An object whose records are kept elsewhere in the house."""

    def __init__(self, plural: str) -> None:
        super().__init__(
            f"{plural} cannot be written as records.", cure="Members are added and changed where members are kept."
        )


class OutOfReach(Forbidden):
    """A write that would put a record where the actor may not see it; nothing was written."""

    def __init__(self, actor: str, object_name: str, *, path: str = "") -> None:
        sentence = f"With these values the {object_name} would be outside what {actor} may see."
        super().__init__(
            f"{sentence} Nothing was written.",
            problems=[Problem(path, sentence)],
            cure="Choose values that keep it within the rules of the role.",
        )


class RefusedAddress(Forbidden):
    """A connection that the guard of outgoing traffic does not open."""

    def __init__(self, target: str, why: str) -> None:
        super().__init__(f"No connection to {target!r}: {why}.")
        self.target = target


# 409 ---------------------------------------------------------------------------------------------------------------


class Conflict(MetierError):
    """The state of things does not allow it now."""

    status = 409


class AlreadyExists(Conflict):
    """A name or value that must be unique is taken."""

    def __init__(self, what: str, name: str) -> None:
        article = "an" if what[0] in "aeiou" else "a"
        super().__init__(f"There is already {article} {what} {name!r}.", cure="Choose another name.")


class KeyReused(Conflict):
    """An idempotency key that was used before for something else."""

    def __init__(self) -> None:
        sentence = "This key was used for another request."
        super().__init__(
            sentence,
            problems=[Problem("Idempotency-Key", sentence)],
            cure="Send a new key with each new request, the same one only with a repetition.",
        )


class VersionConflict(Conflict):
    """Somebody else changed it after it was read."""

    def __init__(self, what: str, name: str, expected: int, actual: int) -> None:
        super().__init__(
            f"The {what} {name!r} was changed meanwhile: you saw revision {expected}, now it is {actual}.",
            cure="Look at it again, then change it.",
        )
        self.expected = expected
        self.actual = actual


class ValueTaken(Conflict):
    """A value of a unique field that another record has."""

    def __init__(self, object_name: str, field: str, *, path: str = "") -> None:
        sentence = f"Another {object_name} has this {field!r}, and it is unique."
        super().__init__(sentence, problems=[Problem(path or field, sentence)], cure="Change that record instead.")


class RecordChanged(Conflict):
    """A record that was changed since it was read.

    Attributes:
        fields: The names that have other values now.
        current: The values now, as far as the actor may see them.
    """

    def __init__(self, what: str, fields: Sequence[str], current: Mapping[str, Any], *, path: str = "") -> None:
        named = f" ({', '.join(fields)})" if fields else ""
        sentence = f"The {what} was changed since{named}; nothing was written."
        before = f"{path}." if path else ""
        problems = [Problem(f"{before}{name}", "has another value now") for name in fields]
        super().__init__(sentence, problems=problems or [Problem(path, sentence)], cure="Read it again, then decide.")
        self.fields = tuple(fields)
        self.current = current

    def to_json(self) -> dict[str, Any]:
        """Give the error as clients get it, with the values now as `current`."""
        return super().to_json() | {"current": dict(self.current)}


class DuplicateName(Conflict):
    """Two definitions whose names compare as one."""

    def __init__(self, what: str, first: str, second: str) -> None:
        super().__init__(
            f"Two {what}s have the same name: {first!r} and {second!r} (case, '_' and '-' make no difference).",
            cure="Rename one, or say 'overrides' where that is meant.",
        )


class AlreadyAnswered(Conflict):
    """A request that somebody has answered in another way."""

    def __init__(self, title: str, by: str) -> None:
        super().__init__(f"{title!r} has been answered by {by}.")


class RequestChanged(Conflict):
    """A request that is not what was seen, or would not be that any more."""

    def __init__(self, title: str) -> None:
        super().__init__(f"{title!r} would do something else than you saw.", cure="Look at it again, then answer.")


# 429 ---------------------------------------------------------------------------------------------------------------


class OverBudget(MetierError):
    """A budget of tokens or money is used up.

    Args:
        what: Whose and for when, e.g. `Ada Park on 21 November 2026`.
        unit: `tokens`, or `cost_micros` for micro-dollars.
        held: What calls under way may still use; given if it is they that hold the rest.
        anew: When it begins anew, in words; None for one that does not.
    """

    status = 429

    def __init__(
        self, what: str, limit: int, used: int, *, unit: str = "tokens", held: int = 0, anew: str | None = None
    ) -> None:
        state = "is used up" if used >= limit else "has no room beside the calls under way"
        rest = f", and {_amount(held, unit)} held by them" if used < limit else ""
        begins = f" It begins anew on {anew}." if anew else ""
        super().__init__(
            f"The budget of {what} {state}: {_amount(used, unit)} of {_amount(limit, unit)} used{rest}.{begins}",
            cure="Whoever holds BILLING or AI_SETTINGS can change it, on the page Usage or with: metier budgets set",
        )
        self.what = what


def _amount(number: int, unit: str) -> str:
    return f"${number / 1_000_000:,.4f}" if unit == "cost_micros" else f"{number:,} {unit}"


class TooManyRequests(MetierError):
    """Too many tries in a short time."""

    status = 429

    def __init__(self, what: str, retry_after_s: float) -> None:
        super().__init__(f"Too many {what}. Try again in {retry_after_s:.0f} s.")
        self.retry_after_s = retry_after_s


# 503 ---------------------------------------------------------------------------------------------------------------


class Unavailable(MetierError):
    """Something outside, or an optional part, is not there now."""

    status = 503


class Unreachable(Unavailable):
    """Another server did not answer as it should.

    Attributes:
        kind: `network`, `timeout`, `cut_off` (the answer ended early), `too_large` or `redirects`.
    """

    def __init__(self, host: str, problem: str, *, kind: str = "network") -> None:
        super().__init__(f"{host!r} could not be reached: {problem}.")
        self.host = host
        self.problem = problem
        self.kind = kind


class ProviderDown(Unavailable):
    """A model's provider did not answer as it should.

    Attributes:
        kind: `rate_limited`, `server`, `network`, `timeout`, `auth`, `rejected`, `cut_off`, `malformed`, `context`.
        retryable: Whether the same request may succeed later.
        retry_after_s: What the provider asked to wait, if it said so.
    """

    def __init__(
        self,
        provider: str,
        problem: str,
        *,
        kind: str = "server",
        retryable: bool = True,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(f"The model provider {provider!r} failed: {problem}")
        self.provider = provider
        self.kind = kind
        self.retryable = retryable
        self.retry_after_s = retry_after_s


class UnsafeHome(Unavailable):
    """METIER_HOME cannot hold the embedded database safely."""


class MissingExtra(Unavailable):
    """An optional part is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} is not installed.", cure=f"pip install 'metier[{extra}]'")


# on the run --------------------------------------------------------------------------------------------------------


class RunStopped(MetierError):
    """A run that ended before its work was done."""

    status = 409


class Cancelled(RunStopped):
    """Somebody stopped the run."""

    def __init__(self, by: str = "a person") -> None:
        super().__init__(f"Stopped by {by}.")


class StepInterrupted(RunStopped):
    """The process doing the work went away; nobody knows how far it came."""


class Waiting(RunStopped):
    """The run waits for a person, holds nothing meanwhile, and goes on by itself once they have answered."""

    def __init__(self, what: str = "an answer") -> None:
        super().__init__(f"The run waits for {what}.")


# for the model -----------------------------------------------------------------------------------------------------


class TryAgain(MetierError):
    """A tool call that could succeed with other arguments; `hint` is for the model."""

    status = 422

    def __init__(self, hint: str) -> None:
        super().__init__(hint)


class GiveUp(MetierError):
    """A tool call that cannot succeed; `reason` is for the model."""

    status = 409

    def __init__(self, reason: str) -> None:
        super().__init__(reason)

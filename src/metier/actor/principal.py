"""Who acts, without what they may do."""

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from metier.formats import Formats


class PrincipalKind(StrEnum):
    """What kind of one acts."""

    MEMBER = "member"
    KEY = "key"
    OPERATOR = "operator"
    SYSTEM = "system"


@dataclass(frozen=True)
class Principal:
    """One that acts. `id` is the member's or key's id; `label` is what people read: a member's name."""

    kind: PrincipalKind
    id: UUID
    label: str
    time_zone: str = "UTC"  # IANA name; time words roll in it
    locale: str = "en"  # a language tag
    email: str | None = None
    formats: Formats = field(default_factory=Formats)  # how values are written

    @property
    def is_member(self) -> bool:
        """Whether a member acts, so that `"me"` means somebody."""
        return self.kind in (PrincipalKind.MEMBER, PrincipalKind.OPERATOR)

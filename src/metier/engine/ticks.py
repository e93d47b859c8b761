"""When something is due: every so often, or as a cron line says, in a time zone."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from cronsim import CronSim


class When(Protocol):
    """Moments that follow each other; the same on every process, whenever it began."""

    def latest(self, now: datetime) -> datetime:
        """Give the last moment up to `now`, which may be it."""
        ...

    def next(self, now: datetime) -> datetime:
        """Give the first moment behind `now`."""
        ...

    def __str__(self) -> str:
        """Say it as people do: `every hour`."""
        ...


@dataclass(frozen=True)
class Every:
    """Each `minutes` minutes, counted from the first of January 1970."""

    minutes: int

    def latest(self, now: datetime) -> datetime:
        """Give the last moment up to `now`."""
        length = self.minutes * 60
        return datetime.fromtimestamp(now.timestamp() // length * length, now.tzinfo)

    def next(self, now: datetime) -> datetime:
        """Give the first moment behind `now`."""
        return self.latest(now) + timedelta(minutes=self.minutes)

    def __str__(self) -> str:
        if self.minutes == 60:
            return "every hour"
        return "every minute" if self.minutes == 1 else f"every {self.minutes} minutes"


@dataclass(frozen=True)
class Cron:
    """A cron line of five fields, `30 3 * * *`; a time that the clocks skip or repeat comes once.

    Attributes:
        words: How people say it: `daily at 03:30`.
        zone: IANA name of the time zone that it is read in.
    """

    line: str
    words: str = ""
    zone: str = "UTC"

    def latest(self, now: datetime) -> datetime:
        """Give the last moment up to `now`."""
        behind = now.astimezone(ZoneInfo(self.zone)).replace(microsecond=0) + timedelta(seconds=1)
        return next(CronSim(self.line, behind, reverse=True)).astimezone(now.tzinfo)

    def next(self, now: datetime) -> datetime:
        """Give the first moment behind `now`."""
        return next(CronSim(self.line, now.astimezone(ZoneInfo(self.zone)))).astimezone(now.tzinfo)

    def __str__(self) -> str:
        said = self.words or self.line
        return f"{said} ({self.zone})"

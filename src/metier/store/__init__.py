"""The database: an embedded PostgreSQL or the one behind DATABASE_URL; connections, transactions, news, migrations."""

from psycopg.errors import LockNotAvailable as LockTimeout
from psycopg.errors import UniqueViolation
from psycopg.types.json import Jsonb as Json

from metier.store.database import Database, Health, Transaction
from metier.store.gathered import Gathered
from metier.store.home import check_home
from metier.store.script import Answer, Answers, Column, run_script

__all__ = [
    "Answer",
    "Answers",
    "Column",
    "Database",
    "Gathered",
    "Health",
    "Json",
    "LockTimeout",
    "Transaction",
    "UniqueViolation",
    "check_home",
    "run_script",
]

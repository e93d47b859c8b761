"""The database: an embedded PostgreSQL or the one behind DATABASE_URL; connections, transactions, news, migrations."""

from psycopg.errors import LockNotAvailable as LockTimeout
from psycopg.errors import UniqueViolation
from psycopg.types.json import Jsonb as Json

from metier.store.database import Database, Health, Transaction
from metier.store.home import check_home

__all__ = ["Database", "Health", "Json", "LockTimeout", "Transaction", "UniqueViolation", "check_home"]

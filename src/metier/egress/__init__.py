"""The one way out: guarded HTTP to other servers.

url → checked → name resolved, every address checked → socket opened to a checked address only → answer, capped
       ↑                                                                                            │
       └──────────────────────────── redirect: checked again, credentials dropped ──────────────────┘

Public addresses on ports 80 and 443 are open to all. Inner hosts are not, unless the operator named host and port.
"""

from metier.egress.addresses import is_public
from metier.egress.answer import Answer, Limits, Reply
from metier.egress.client import Egress
from metier.egress.guard import PORTS
from metier.egress.headers import Headers, Reveal, Secret
from metier.egress.hosts import clean_host, covers, host_of

__all__ = [
    "PORTS",
    "Answer",
    "Egress",
    "Headers",
    "Limits",
    "Reply",
    "Reveal",
    "Secret",
    "clean_host",
    "covers",
    "host_of",
    "is_public",
]

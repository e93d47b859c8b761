"""Chat: threads, and turns that answer."""

from metier.chat.repeats import Repeats
from metier.chat.threads import Thread, Threads
from metier.chat.turns import Chat, Turn

__all__ = ["Chat", "Repeats", "Thread", "Threads", "Turn"]

"""What this process knows to be stored, so that a model call can point at it instead of storing it again."""

import weakref
from uuid import UUID

from metier.llm.messages import Message

Place = tuple[UUID, int]  # run and seq

_PROMPTS_MAX = 10_000  # some 100 bytes each


class Known:
    """Places of messages, for as long as somebody holds the message, and hashes of prompts."""

    def __init__(self) -> None:
        self._places: dict[int, tuple[weakref.ref[Message], Place]] = {}
        self._prompts: set[tuple[UUID, str]] = set()

    def note(self, message: Message, place: Place) -> None:
        """Take note that this very message, and not just one like it, is stored there."""
        key = id(message)

        def forget(gone: weakref.ref[Message]) -> None:
            noted = self._places.get(key)
            if noted is not None and noted[0] is gone:
                del self._places[key]

        self._places[key] = (weakref.ref(message, forget), place)

    def place(self, message: Message) -> Place | None:
        """Give where this very message is stored, if that is known."""
        noted = self._places.get(id(message))
        return noted[1] if noted is not None and noted[0]() is message else None

    def note_prompt(self, workspace_id: UUID, digest: str) -> None:
        """Take note that a prompt is stored."""
        if len(self._prompts) >= _PROMPTS_MAX:
            self._prompts.clear()
        self._prompts.add((workspace_id, digest))

    def has_prompt(self, workspace_id: UUID, digest: str) -> bool:
        """Say whether a prompt is known to be stored."""
        return (workspace_id, digest) in self._prompts

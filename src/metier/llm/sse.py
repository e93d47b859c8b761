"""Server-sent events from bytes, as vendors stream them: only the data of each event, as it becomes whole.

WHATWG HTML, section 9.2.6: lines end in CRLF, LF or CR, an empty line ends an event, an unfinished event is dropped.
"""

MAX_EVENT_BYTES = 8 * 1024 * 1024


class EventTooLarge(Exception):
    """An event without end."""


class SseReader:
    """Feed it pieces of a stream; it gives the data of the events that are whole by then."""

    def __init__(self) -> None:
        self._rest = b""
        self._first = True

    def feed(self, piece: bytes) -> list[bytes]:
        """Take the next piece, cut anywhere, and give the data of each event it completes.

        Raises:
            EventTooLarge: More than `MAX_EVENT_BYTES` came without an end of event.
        """
        text = self._rest + piece
        if self._first:
            if len(text) < 3:  # a byte order mark may still be on its way
                self._rest = text
                return []
            self._first = False
            text = text.removeprefix(b"\xef\xbb\xbf")
        if b"\r" in text:
            text = _unix_lines(text)
        *events, self._rest = text.split(b"\n\n")
        if len(self._rest) > MAX_EVENT_BYTES:
            raise EventTooLarge
        return [data for event in events if (data := _data(event))]


def _unix_lines(text: bytes) -> bytes:
    # A CR at the very end may be half of a CRLF: it stays as it is until more comes.
    held = text.endswith(b"\r")
    body = text[:-1] if held else text
    body = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return body + b"\r" if held else body


def _data(event: bytes) -> bytes:
    if event.startswith(b"data: ") and b"\n" not in event:  # nearly every event of every vendor
        return event[6:]
    lines = [line for line in event.split(b"\n") if line.startswith(b"data:")]
    return b"\n".join(line[5:].removeprefix(b" ") for line in lines)

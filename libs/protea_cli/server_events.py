"""Server-Sent Events: from the lines of a stream to its events."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["EventDecoder", "ServerEvent"]


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event of a stream.

    Attributes
    ----------
    name
        Its type; ``message`` when the server gives none.
    data
        Its lines of data, joined.
    """

    name: str
    data: str


class EventDecoder:
    """Collects lines into events and remembers where the stream stood.

    Attributes
    ----------
    last_event_id
        What to send as ``Last-Event-ID`` when the stream is opened again; empty at first.
    retry_seconds
        Pause before that, if the server named one.

    References
    ----------
    WHATWG HTML Living Standard, section 9.2.6, "Interpreting an event stream".
    """

    def __init__(self) -> None:
        self.last_event_id = ""
        self.retry_seconds: float | None = None
        self._name = ""
        self._data: list[str] = []

    def feed(self, line: str) -> ServerEvent | None:
        """Take a line without its end; give the event that it completes, if it does."""
        if not line:
            return self._dispatch()
        field, _, value = line.partition(":")
        self._take(field, value.removeprefix(" "))
        return None

    def begin_stream(self) -> None:
        """Forget an event that the end of a connection cut off."""
        self._name = ""
        self._data = []

    def _dispatch(self) -> ServerEvent | None:
        name, data = self._name or "message", self._data
        self.begin_stream()
        return ServerEvent(name, "\n".join(data)) if data else None

    def _take(self, field: str, value: str) -> None:
        match field:
            case "event":
                self._name = value
            case "data":
                self._data.append(value)
            case "id" if "\0" not in value:
                self.last_event_id = value
            case "retry" if value.isascii() and value.isdigit():
                self.retry_seconds = int(value) / 1000
            case _:
                # A comment, which keeps the connection open, or a field of a later standard.
                pass

"""The temporal protocol as datasets keep it; the rules are the library's, since evaluation sets keep them too."""

from protea_common.domain.temporal import (
    SnapshotDates,
    TemporalProtocolError,
    UnknownDatesError,
    Window,
    WindowRole,
    check_protocol,
    require_known_before,
    require_learnable,
    require_selectable,
)

__all__ = [
    "SnapshotDates",
    "TemporalProtocolError",
    "UnknownDatesError",
    "Window",
    "WindowRole",
    "check_protocol",
    "require_known_before",
    "require_learnable",
    "require_selectable",
]

"""YAML whose every key knows its line, so that a mistake in a file can be pointed at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final, NoReturn

import yaml

from protea_cli.errors import CommandError

__all__ = ["BenchmarkFileError", "LinedDocument", "Place"]

_MOST_BYTES: Final = 1_000_000
"""A file that a person writes is a hundred times smaller."""

Place = tuple[str | int, ...]
"""Keys and positions from the top of a document to a value."""


class BenchmarkFileError(CommandError):
    """The benchmark file says something that cannot be done."""

    slug: ClassVar[str] = "benchmark-file"


@dataclass(frozen=True, slots=True)
class LinedDocument:
    """A document with the line of each of its places.

    Attributes
    ----------
    path
        The file.
    content
        What stands in it.
    lines
        Line of each key and item, from 1.
    text
        The file itself.
    """

    path: Path
    content: Mapping[str, Any]
    lines: Mapping[Place, int]
    text: bytes

    @classmethod
    def read(cls, path: Path) -> LinedDocument:
        """Read a file.

        Raises
        ------
        BenchmarkFileError
            If it is no YAML, no mapping, too large, names a key twice, or uses aliases.
        """
        try:
            with path.open("rb") as file:
                text = file.read(_MOST_BYTES + 1)
        except OSError as exc:
            raise BenchmarkFileError(f"{path} cannot be read: {exc.strerror}") from exc
        if len(text) > _MOST_BYTES:
            raise BenchmarkFileError(f"{path} is longer than {_MOST_BYTES:,} bytes")
        root, content = _parse(path, text)
        if not isinstance(root, yaml.MappingNode):
            raise BenchmarkFileError(f"{path} holds no `key: value` lines; see `protea benchmark run --help`")
        return cls(path, content, dict(_places(path, root, ())), text)

    def refuse(self, place: Place, message: str) -> NoReturn:
        """Refuse what stands at a place, or as near above it as there is a line.

        Raises
        ------
        BenchmarkFileError
            Naming file, line and place.
        """
        known = next((place[:n] for n in range(len(place), 0, -1) if place[:n] in self.lines), None)
        line = 1 if known is None else self.lines[known]
        where = ".".join(map(str, place))
        raise BenchmarkFileError(f"{self.path}, line {line}{f' ({where})' if where else ''}: {message}")


def _parse(path: Path, text: bytes) -> tuple[yaml.Node | None, Any]:
    try:
        # Aliases would let a short file stand for an endless one.
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text, Loader=yaml.SafeLoader)):
            raise BenchmarkFileError(f"{path} uses aliases (*name), which are not read; write it out")
        return yaml.compose(text, Loader=yaml.SafeLoader), yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as exc:
        raise BenchmarkFileError(f"{path} is no YAML: {exc}") from exc


def _places(path: Path, node: yaml.Node, above: Place) -> Iterator[tuple[Place, int]]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value in seen:
                raise BenchmarkFileError(f"{path}, line {line}: {key.value} stands twice; leave one out")
            seen.add(key.value)
            yield (*above, key.value), line
            yield from _places(path, value, (*above, key.value))
    elif isinstance(node, yaml.SequenceNode):
        yield from _items(path, node.value, above)


def _items(path: Path, items: Sequence[yaml.Node], above: Place) -> Iterator[tuple[Place, int]]:
    for position, item in enumerate(items):
        yield (*above, position), item.start_mark.line + 1
        yield from _places(path, item, (*above, position))

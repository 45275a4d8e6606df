"""Text lines out of byte chunks: gzip or plain, UTF-8, in bounded memory whatever the input turns out to be."""

from __future__ import annotations

import codecs
import io
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain

from protea_common.errors import PermanentError

__all__ = [
    "MAX_LINE_CHARACTERS",
    "NotTextError",
    "TooLargeError",
    "TruncatedGzipError",
    "decompress",
    "read_text_lines",
]

MAX_LINE_CHARACTERS = 1_048_576
"""Longest line read, in characters.

Raised, a file without line ends fills the memory before it is refused; lowered under 50,000, FASTA files with the
longest known proteins on one line no longer load.
"""

_PIECE_BYTES = 262_144
"""Most bytes decompressed at once: raised, a small file that unpacks to gigabytes takes that memory in one step."""

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WBITS = zlib.MAX_WBITS | 16
_FOREIGN_FORMATS = {
    b"PK\x03\x04": "a zip archive or an office document",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ\x00": "an xz file",
    b"\x28\xb5\x2f\xfd": "a zstandard file",
    b"%PDF": "a PDF document",
}
_MAGIC_BYTES = max(map(len, _FOREIGN_FORMATS))


class TruncatedGzipError(PermanentError):
    """The gzip file ends early or is damaged, most often because a transfer was cut."""

    slug = "truncated-gzip"


class NotTextError(PermanentError):
    """The file is not text in UTF-8, so it cannot be the sequence, ontology or annotation file it was given as."""

    slug = "not-text"


class TooLargeError(PermanentError):
    """The file, or one line of it, is larger than this installation accepts."""

    slug = "too-large"
    status = 413


def read_text_lines(chunks: Iterable[bytes], *, max_decompressed_bytes: int) -> Iterator[str]:
    r"""Stream the lines of a text file, decompressing it first when it begins like a gzip file.

    Parameters
    ----------
    chunks
        The file's bytes, cut anywhere, also inside a character or a line end.
    max_decompressed_bytes
        Most bytes of text accepted, after decompression.

    Yields
    ------
    line
        Without its line end (``\n``, ``\r\n`` or ``\r``) and, on the first line, without a byte order mark. Empty input
        yields nothing.

    Raises
    ------
    NotTextError
        If the bytes are another file format, not UTF-8, or hold NUL characters.
    TruncatedGzipError
        If the compressed data ends early or fails its checksum.
    TooLargeError
        If the text exceeds ``max_decompressed_bytes`` or a line exceeds `MAX_LINE_CHARACTERS`.

    References
    ----------
    RFC 1952 (gzip; a file may hold several members in a row).
    """
    yield from _split_lines(decompress(chunks, max_decompressed_bytes=max_decompressed_bytes))


def decompress(chunks: Iterable[bytes], *, max_decompressed_bytes: int) -> Iterator[bytes]:
    """Stream the bytes of a text file, unpacked if they begin like a gzip file; what `read_text_lines` splits.

    Raises
    ------
    NotTextError
        If the bytes begin like another file format.
    TruncatedGzipError, TooLargeError
        As for `read_text_lines`.
    """
    head, rest = _peek(iter(chunks))
    for magic, name in _FOREIGN_FORMATS.items():
        if head.startswith(magic):
            raise NotTextError(f"This is {name}, not text; unpack it and send the plain text or a gzip file of it.")
    data = chain([head], rest)
    yield from _limited(_gunzip(data) if head.startswith(_GZIP_MAGIC) else data, max_decompressed_bytes)


def _peek(chunks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Join chunks until there is enough to recognise a format; return that and what follows."""
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= _MAGIC_BYTES:
            break
    return head, chunks


def _gunzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Decompress members in a row, a bounded piece at a time; zero padding between and after them is passed over."""
    member = zlib.decompressobj(_GZIP_WBITS)
    for chunk in chunks:
        pending = chunk.lstrip(b"\0") if member.eof else chunk
        while pending:
            if member.eof:
                member = zlib.decompressobj(_GZIP_WBITS)
            try:
                yield member.decompress(pending, _PIECE_BYTES)
            except zlib.error as exc:
                raise TruncatedGzipError(f"The gzip file is damaged ({exc}); transfer it again.") from exc
            pending = member.unused_data.lstrip(b"\0") if member.eof else member.unconsumed_tail
    # At a member's limit zlib may have taken all input and still hold some output.
    yield member.flush()
    if not member.eof:
        raise TruncatedGzipError("The gzip file ends before its data does; transfer it again.")


def _limited(pieces: Iterable[bytes], max_bytes: int) -> Iterator[bytes]:
    room = max_bytes
    for piece in pieces:
        room -= len(piece)
        if room < 0:
            raise TooLargeError(f"The file holds more than {max_bytes:,} bytes of text; split it into smaller files.")
        yield piece


def _split_lines(pieces: Iterable[bytes]) -> Iterator[str]:
    # utf-8-sig drops a byte order mark; the newline decoder keeps a "\r" back until it has seen what follows.
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8-sig")(), translate=True)
    tail = ""
    n_lines = 0
    for piece, is_last in chain(((piece, False) for piece in pieces), [(b"", True)]):
        try:
            text = decoder.decode(piece, final=is_last)
        except UnicodeDecodeError as exc:
            line = n_lines + exc.object[: exc.start].count(b"\n") + 1
            raise NotTextError(f"Near line {line} the file is not UTF-8 text; save it as UTF-8.") from exc
        if "\0" in text:
            raise NotTextError(
                f"Near line {n_lines + 1} the file holds NUL characters, so it is binary, not UTF-8 text."
            )
        lines = (tail + text).split("\n")
        _refuse_long_line(lines, n_lines)
        tail = lines.pop()
        n_lines += len(lines)
        yield from lines
    if tail:
        yield tail


def _refuse_long_line(lines: list[str], n_before: int) -> None:
    longest = max(map(len, lines))
    if longest > MAX_LINE_CHARACTERS:
        number = n_before + 1 + next(index for index, line in enumerate(lines) if len(line) == longest)
        raise TooLargeError(f"Line {number} is longer than {MAX_LINE_CHARACTERS:,} characters; wrap long sequences.")

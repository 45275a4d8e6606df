"""The part that forms with a FASTA file have in common."""

from __future__ import annotations

import io
from typing import Any, Final

from fastapi import UploadFile
from pydantic import BaseModel, ConfigDict, Field

from protea_gateway.adapters.received_file import ReceivedFile
from protea_gateway.domain.errors import EmptyInputError

__all__ = ["FORM_LIMITS", "FastaForm", "received_fasta"]

FORM_LIMITS: Final[Any] = {"max_files": 1, "max_fields": 20, "max_part_size": 2**40}
"""One file. A text field is as long as the body may be: that limit answers 413, this one would answer 400."""


class FastaForm(BaseModel):
    """A form that brings a FASTA file or its text."""

    model_config = ConfigDict(extra="forbid")

    file: UploadFile | None = Field(default=None, description="FASTA file, plain or gzip.")
    fasta_text: str | None = Field(default=None, description="FASTA as text, instead of a file.")


def received_fasta(form: FastaForm) -> ReceivedFile:
    """Take the file or the text out of a form.

    Raises
    ------
    EmptyInputError
        If there is neither, or both.
    """
    # A browser sends a file field that was left alone as a file without a name.
    file = form.file if form.file is not None and form.file.filename else None
    if (file is None) == (not form.fasta_text):
        raise EmptyInputError("Send a FASTA file in the field `file`, or its text in `fasta_text`: one of the two.")
    if file is not None:
        return ReceivedFile(file.file, filename=file.filename)
    return ReceivedFile(io.BytesIO((form.fasta_text or "").encode()))

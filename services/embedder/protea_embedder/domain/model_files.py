"""Which files are a model, and the one digest that stands for all of them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from protea_common.errors import PermanentError

__all__ = ["MANIFEST_NAME", "MAX_SIDE_FILE_BYTES", "InvalidModelFilesError", "ModelManifest", "choose_model_files"]

MANIFEST_NAME: Final = "SHA256SUMS"
"""File beside the model's that lists them, as ``sha256sum`` writes it."""

MAX_SIDE_FILE_BYTES: Final = 32 * 1024 * 1024
"""Most bytes of a file that holds no weights; a greater tokenizer or configuration is none of a protein model."""

MAX_FILES: Final = 200
"""Most files of a model; one with more shards is no model that a laboratory runs."""

_WEIGHTS: Final = re.compile(r"[A-Za-z0-9._-]+\.safetensors")
_SIDE_FILES: Final = re.compile(
    r"config\.json|tokenizer\.json|tokenizer_config\.json|special_tokens_map\.json|added_tokens\.json|vocab\.txt"
    r"|spiece\.model|[A-Za-z0-9._-]+\.safetensors\.index\.json"
)
_LINE: Final = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9._-]+)")


class InvalidModelFilesError(PermanentError):
    """The files are not those of a model that can be loaded."""

    slug: ClassVar[str] = "invalid-model-files"


@dataclass(frozen=True, slots=True)
class ModelManifest:
    """The files of a model by their content.

    Attributes
    ----------
    digests
        SHA-256 of each file, by its name.
    """

    digests: Mapping[str, str]

    @property
    def text(self) -> bytes:
        """A line for each file, sorted by name, as ``sha256sum`` writes them."""
        return "".join(f"{digest}  {name}\n" for name, digest in sorted(self.digests.items())).encode()

    @property
    def digest(self) -> str:
        """SHA-256 of `text`: it stands for the weights in a recipe, and for all that spells and shapes them."""
        return hashlib.sha256(self.text).hexdigest()

    @classmethod
    def read(cls, text: bytes) -> ModelManifest:
        """Read what `text` wrote.

        Raises
        ------
        InvalidModelFilesError
            If it is something else.
        """
        matches = [_LINE.fullmatch(line) for line in text.decode("ascii", "replace").splitlines()]
        digests = {match[2]: match[1] for match in matches if match is not None}
        manifest = cls(digests)
        if manifest.text != text:
            raise InvalidModelFilesError(f"{MANIFEST_NAME} of the model is damaged; register the model again.")
        return manifest


def choose_model_files(names: Iterable[str]) -> list[str]:
    """Pick the files of a model among those of a folder; pickles and code are left behind unread.

    Parameters
    ----------
    names
        Names of files, without folders.

    Returns
    -------
    chosen
        Sorted.

    Raises
    ------
    InvalidModelFilesError
        If weights in the safetensors format or ``config.json`` are missing, or there are too many files.
    """
    there = sorted(names)
    weights = [name for name in there if _WEIGHTS.fullmatch(name)]
    chosen = sorted(weights + [name for name in there if _SIDE_FILES.fullmatch(name)])
    if not weights:
        raise InvalidModelFilesError(
            "There are no weights in the safetensors format (*.safetensors). Other formats can run code when they are "
            "opened, so they never are; convert the model with `model.save_pretrained(folder)`."
        )
    if "config.json" not in chosen:
        raise InvalidModelFilesError("There is no config.json beside the weights; give the model's whole folder.")
    if len(chosen) > MAX_FILES:
        raise InvalidModelFilesError(f"The model has {len(chosen)} files; {MAX_FILES} is the limit.")
    return chosen

"""The file of a fit of principal components: plain arrays in an ``.npz``, from which nothing is unpickled."""

from __future__ import annotations

import io
import zipfile
from typing import ClassVar

import numpy as np

from protea_common.errors import PermanentError
from protea_predictor.domain.features.pca import Projection

__all__ = ["InvalidProjectionFileError", "read_projection", "write_projection"]


class InvalidProjectionFileError(PermanentError):
    """A file is no fit of principal components."""

    slug: ClassVar[str] = "invalid-projection-file"


def write_projection(projection: Projection) -> bytes:
    """Write ``mean`` and ``components`` in double precision; equal fits give equal bytes."""
    file = io.BytesIO()
    np.savez(file, mean=projection.mean, components=projection.components)
    return file.getvalue()


def read_projection(content: bytes) -> Projection:
    """Read what `write_projection` wrote.

    Raises
    ------
    InvalidProjectionFileError
        If it has not these arrays, or they do not belong together.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            projection = Projection(arrays["mean"], arrays["components"])
    except (KeyError, OSError, ValueError, zipfile.BadZipFile) as exc:
        raise InvalidProjectionFileError("This is no .npz file with the arrays mean and components.") from exc
    mean, components = projection.mean, projection.components
    is_whole = mean.dtype == components.dtype == np.float64 and mean.ndim == 1 and components.ndim == 2  # noqa: PLR2004
    if not (is_whole and components.shape[1:] == mean.shape):
        raise InvalidProjectionFileError(
            f"Mean {mean.shape} and components {components.shape} are no fit of principal components."
        )
    return projection

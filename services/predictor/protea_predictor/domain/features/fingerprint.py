"""Fingerprints of the features a model was trained on: of their names, of their definitions, of their families."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from hashlib import sha256

from protea_common.domain.features import feature_schema_sha
from protea_predictor.domain.features.definitions import FEATURES
from protea_predictor.domain.features.errors import UnknownFeatureError

__all__ = ["definition_sha", "family_sha", "feature_schema_sha"]

_SHORT = 12


def definition_sha(columns: Collection[str]) -> str:
    """Fingerprint names and definition versions: another one means that equal names hold other values.

    Parameters
    ----------
    columns
        Names in any order.

    Returns
    -------
    fingerprint
        SHA-256 over the sorted stamps (``name@version``) joined by ``|``, 64 hexadecimal digits.

    Raises
    ------
    UnknownFeatureError
        If a name has no definition.
    """
    unknown = sorted(set(columns) - set(FEATURES))
    if unknown:
        raise UnknownFeatureError(unknown)
    return sha256("|".join(sorted(FEATURES[name].stamp for name in columns)).encode()).hexdigest()


def family_sha(families: Iterable[tuple[str, Collection[str]]], *, dropped: Collection[str] = ()) -> str:
    """Fingerprint families with their columns, without regard to the order of either.

    Parameters
    ----------
    families
        Name of each family and its columns.
    dropped
        Columns that are left out of them.

    Returns
    -------
    fingerprint
        First 12 hexadecimal digits of the SHA-256 over the sorted parts ``family=first,second`` joined by ``|``; with
        columns dropped there is a part ``drop=...`` too.
    """
    parts = sorted(f"{family}={','.join(sorted(columns))}" for family, columns in families)
    if dropped:
        parts.append(f"drop={','.join(sorted(dropped))}")
    return sha256("|".join(parts).encode()).hexdigest()[:_SHORT]

"""What models run on, and in which numbers, as an operator chooses it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = ["ANYWHERE", "DeviceName", "Placement", "Precision"]


class DeviceName(StrEnum):
    """What models run on; ``auto`` is a GPU if there is one."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class Precision(StrEnum):
    """Numbers that models compute in; ``auto`` is bfloat16 where the device multiplies it natively."""

    AUTO = "auto"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"


@dataclass(frozen=True, slots=True)
class Placement:
    """Where models run.

    Attributes
    ----------
    device, precision
        What the operator chose.
    threads
        Threads of a CPU, at least 1; None to find out how many suit it.
    batch_tokens
        Tokens computed at once; None to find out what suits the device.
    """

    device: DeviceName
    precision: Precision
    threads: int | None = None
    batch_tokens: int | None = None


ANYWHERE: Final = Placement(DeviceName.AUTO, Precision.AUTO)
"""What an operator gets who chooses nothing."""

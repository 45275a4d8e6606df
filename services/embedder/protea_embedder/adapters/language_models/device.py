"""The device that models run on, and the number format that suits it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

import torch

from protea_common.errors import PermanentError
from protea_embedder.domain.encoder import DeviceOutOfMemoryError
from protea_embedder.domain.precision import DeviceName, Precision
from protea_embedder.domain.recipe import ModelBackend

__all__ = ["Device", "DeviceMissingError", "UnsuitablePrecisionError", "open_device", "refuse_when_full"]

_DTYPES = {Precision.FLOAT32: torch.float32, Precision.BFLOAT16: torch.bfloat16, Precision.FLOAT16: torch.float16}


class DeviceMissingError(PermanentError):
    """The settings name a device that this machine does not have."""

    slug: ClassVar[str] = "device-missing"


class UnsuitablePrecisionError(PermanentError):
    """The settings name a number format in which this model gives no numbers."""

    slug: ClassVar[str] = "unsuitable-precision"


@dataclass(frozen=True, slots=True)
class Device:
    """Where a model runs, and in which numbers.

    Attributes
    ----------
    device
        As torch names it.
    dtype
        Of weights and activations.
    """

    device: torch.device
    dtype: torch.dtype


def open_device(name: DeviceName, precision: Precision, *, backend: str) -> Device:
    """Choose device and number format.

    Parameters
    ----------
    name
        ``auto`` is a GPU if there is one.
    precision
        ``auto`` is bfloat16 where the device multiplies it natively, float16 on an older GPU, float32 else.
    backend
        Of the model: ``ankh`` gives NaN in float16.

    Raises
    ------
    DeviceMissingError, UnsuitablePrecisionError
        If the choice cannot be used.
    """
    has_gpu = torch.cuda.is_available()
    if name is DeviceName.CUDA and not has_gpu:
        raise DeviceMissingError(
            "PROTEA_EMBEDDER__DEVICE is cuda, and torch sees no GPU here; set it to cpu or auto, or install a CUDA "
            "build of torch and the driver."
        )
    device = torch.device("cuda" if has_gpu and name is not DeviceName.CPU else "cpu")
    dtype = _best_dtype(device, backend=backend) if precision is Precision.AUTO else _DTYPES[precision]
    if dtype is torch.float16 and backend == ModelBackend.ANKH:
        raise UnsuitablePrecisionError(
            "Ankh models give NaN in float16; set PROTEA_EMBEDDER__PRECISION to auto, bfloat16 or float32."
        )
    return Device(device, dtype)


def _best_dtype(device: torch.device, *, backend: str) -> torch.dtype:
    if device.type == "cuda":
        if torch.cuda.is_bf16_supported(including_emulation=False):
            return torch.bfloat16
        return torch.float32 if backend == ModelBackend.ANKH else torch.float16
    capabilities = torch.cpu.get_capabilities()
    multiplies_bfloat16 = capabilities.get("avx512_bf16") or capabilities.get("amx_bf16")
    return torch.bfloat16 if multiplies_bfloat16 else torch.float32


@contextmanager
def refuse_when_full(sequences: int, tokens: int) -> Iterator[None]:
    """Name a batch that does not fit the memory; nothing else that goes wrong.

    Raises
    ------
    DeviceOutOfMemoryError
        If torch finds no memory.
    """
    try:
        yield
    except RuntimeError as exc:
        # On a GPU it has its own class; on a CPU only its words say what it is.
        if not isinstance(exc, torch.OutOfMemoryError) and "not enough memory" not in str(exc):
            raise
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        raise DeviceOutOfMemoryError(
            f"{sequences} sequences of up to {tokens} tokens do not fit the memory of the device; set "
            "PROTEA_EMBEDDER__BATCH_TOKENS lower, or use a smaller model or a greater device."
        ) from exc

"""CPU and memory as people write them, in thousandths of a core and in bytes.

`500m`, `0.5` and `1` are CPU; `256Mi`, `1Gi`, `500M` and plain bytes are memory. What is too little to start
anything is refused here, what is more than the platform gives is refused against its settings.
"""

from __future__ import annotations

import re
from decimal import Decimal

from controller.api.errors import InvalidSpec

CPU_PATTERN = r"^([0-9]{1,4}([.][0-9]{1,3})?|[0-9]{1,7}m)$"
MEMORY_PATTERN = r"^[0-9]{1,15}([.][0-9]{1,3})?(k|Ki|M|Mi|G|Gi)?$"
CPU_MIN_MILLIS = 10
MEMORY_MIN_BYTES = 6 * 1024 * 1024  # the least that Docker accepts for a container

_CPU = re.compile(CPU_PATTERN.removeprefix("^").removesuffix("$"))
_MEMORY = re.compile(MEMORY_PATTERN.removeprefix("^").removesuffix("$"))
_UNITS = {"k": 1000, "M": 1000**2, "G": 1000**3, "Ki": 1024, "Mi": 1024**2, "Gi": 1024**3}


def cpu_millis(text: str) -> int:
    """CPU in thousandths of a core; raises ValueError when the text is no such quantity or too small."""
    if not _CPU.fullmatch(text):
        raise ValueError("must be an amount of CPU such as 500m, 0.5 or 2")
    millis = int(text[:-1]) if text.endswith("m") else int(Decimal(text) * 1000)
    if millis < CPU_MIN_MILLIS:
        raise ValueError(f"must be at least {CPU_MIN_MILLIS}m")
    return millis


def memory_bytes(text: str) -> int:
    """Memory in bytes; raises ValueError when the text is no such quantity or too small."""
    if not _MEMORY.fullmatch(text):
        raise ValueError("must be an amount of memory such as 256Mi or 1Gi")
    unit = text.lstrip("0123456789.")
    size = int(Decimal(text.removesuffix(unit)) * _UNITS.get(unit, 1))
    if size < MEMORY_MIN_BYTES:
        raise ValueError("must be at least 6Mi")
    return size


def limited(value: int, maximum: int, where: str, setting: str) -> int:
    """Hand the value back when the platform gives that much.

    Args:
        value: what is asked for.
        maximum: the most that one instance gets, in the same unit.
        where: the field, as in `services.web.resources.memory`.
        setting: the name of the setting that says so.

    Raises:
        InvalidSpec: TooManyResources.
    """
    if value > maximum:
        raise InvalidSpec(
            "TooManyResources", f"{where}: asks for {value}, the platform gives at most {maximum} ({setting})"
        )
    return value

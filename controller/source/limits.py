"""How much one commit may cost: read by every source, checked before a byte of a file is handed on."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True)
class SourceLimits:
    """Bounds of one commit; what passes one is refused as a whole."""

    files: int = 100_000
    """Files and links in the tree."""
    file_bytes: int = 100 * MIB
    """One file, unpacked."""
    total_bytes: int = 1024 * MIB
    """All files, unpacked."""
    fetch_bytes: int = 512 * MIB
    """What one fetch may write to disk (packed)."""
    memory_bytes: int = 2048 * MIB
    """Address space of one git process."""
    cpu_seconds: int = 60
    """Processor time of one git process."""

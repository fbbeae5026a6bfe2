"""The machine that the figures belong to."""

import os
import platform
from pathlib import Path

import psutil


def describe() -> str:
    """One line: processor, memory, system, Python, and how busy it was with other things."""
    load = ", ".join(f"{average:.1f}" for average in os.getloadavg())
    return (
        f"{_processor()}, {psutil.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GB; "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}; load {load}"
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()

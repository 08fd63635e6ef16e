"""Whether values are F(n): some are computed again, and compared byte by byte; the length of all follows from n."""

from __future__ import annotations

import os
import pathlib
import random
import re
import subprocess
from decimal import Decimal, localcontext

from .errors import BackupError

KEY = re.compile(rb"fib:(0|[1-9]\d{0,10})")
COMPUTE_SECONDS = 60.0

with localcontext() as _context:
    _context.prec = 60
    _LOG_PHI = ((1 + Decimal(5).sqrt()) / 2).log10()
    _LOG_SQRT5 = Decimal(5).sqrt().log10()


def index_of(key: bytes) -> int | None:
    """The n of a key of the cache."""
    match = KEY.fullmatch(key)
    return int(match.group(1)) if match else None


def digit_count(n: int) -> int:
    """The number of digits of F(n)."""
    if n < 2:
        return 1
    with localcontext() as context:
        context.prec = 60
        return int(n * _LOG_PHI - _LOG_SQRT5) + 1


def choose(indices: list[int], size: int, seed: int) -> list[int]:
    """`size` of them by chance, and always the smallest and the largest."""
    if not indices:
        return []
    ordered = sorted(indices)
    drawn = random.Random(seed).sample(ordered, min(size, len(ordered)))
    return sorted({ordered[0], ordered[-1], *drawn})


class Computer:
    """`fibonacci-api compute`."""

    def __init__(self, binary: str):
        self.binary = binary
        # What the caller's shell holds of the service's settings is not meant for it.
        kept = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "COMPUTE_THREADS", "ARITHMETIC_KERNEL")
        self.environment = {name: os.environ[name] for name in kept if name in os.environ}

    def compute(self, n: int) -> bytes:
        name = pathlib.Path(self.binary).name
        try:
            result = subprocess.run(
                [self.binary, "compute", str(n)],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=COMPUTE_SECONDS,
            )
        except FileNotFoundError:
            raise BackupError(f"{self.binary} is not there: build it, or name it with --binary") from None
        except OSError as error:
            raise BackupError(f"{self.binary} cannot be started: {error.strerror}") from None
        except subprocess.TimeoutExpired:
            raise BackupError(f"{name} compute {n} was not done after {COMPUTE_SECONDS:g} s") from None
        if result.returncode != 0:
            said = result.stderr.decode(errors="replace").strip().splitlines()
            raise BackupError(
                f"{name} compute {n} failed with {result.returncode}: {said[-1] if said else 'it said nothing'}"
            )
        return result.stdout.removesuffix(b"\n")


def difference(n: int, stored: bytes, computed: bytes) -> str | None:
    """Where a value differs from what was computed, in words."""
    if stored == computed:
        return None
    if len(stored) != len(computed):
        return f"fib:{n} has {len(stored):,} digits, and F({n}) has {len(computed):,}"
    place = next(index for index, (one, other) in enumerate(zip(stored, computed, strict=True)) if one != other)
    digits = f"{chr(stored[place])!r} instead of {chr(computed[place])!r}"
    return f"fib:{n} is not F({n}): digit {place + 1:,} of {len(computed):,} is {digits}"

"""Faults on demand: which calls, what goes wrong, how often, after how many."""

from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase

SLOW_S = 5.0


class FaultKind(StrEnum):
    """What goes wrong."""

    LOST_REQUEST = "lost_request"  # hang up, nothing done
    LOST_RESPONSE = "lost_response"  # done, then hang up
    TIMEOUT_BEFORE = "timeout_before"  # silence, nothing done
    TIMEOUT_AFTER = "timeout_after"  # done, then silence
    ERROR_500_BEFORE = "error_500_before"  # nothing done; the 500 is kept under the key
    ERROR_500_AFTER = "error_500_after"  # done; the 500 is kept under the key
    RATE_LIMIT_429 = "rate_limit_429"
    LOCK_TIMEOUT_429 = "lock_timeout_429"
    KEY_IN_USE_409 = "key_in_use_409"
    SLOW = "slow"  # answers after Faults.slow_s seconds


class Hangup(Exception):
    """The connection breaks without an answer."""


class Silence(Exception):
    """No answer ever comes; the caller runs into its own time limit."""


BEFORE = frozenset({FaultKind.LOST_REQUEST, FaultKind.TIMEOUT_BEFORE})


@dataclass(frozen=True)
class Fault:
    """`match` is 'METHOD /path'; * stands for anything."""

    id: int
    match: str
    kind: FaultKind
    times: int
    after: int


class Faults:
    """The faults that are armed, oldest first; the first that fires on a call wins."""

    def __init__(self) -> None:
        self._armed: list[Fault] = []
        self._count = 0
        self.fired: list[tuple[FaultKind, str]] = []
        self.slow_s = SLOW_S

    def add(self, match: str, kind: FaultKind, times: int = 1, after: int = 0) -> Fault:
        self._count += 1
        fault = Fault(self._count, match, FaultKind(kind), times, after)
        self._armed.append(fault)
        return fault

    def list(self) -> "tuple[Fault, ...]":
        return tuple(self._armed)

    def clear(self) -> None:
        self._armed.clear()

    def take(self, method: str, path: str) -> FaultKind | None:
        """The fault for this call, if one fires; counts down the others."""
        if not self._armed:
            return None
        name = f"{method} {path}"
        for position, fault in enumerate(self._armed):
            if not fnmatchcase(name, fault.match):
                continue
            if fault.after > 0:
                self._armed[position] = replace(fault, after=fault.after - 1)
                continue
            self._count_down(position, fault)
            self.fired.append((fault.kind, name))
            return fault.kind
        return None

    def _count_down(self, position: int, fault: Fault) -> None:
        if fault.times > 1:
            self._armed[position] = replace(fault, times=fault.times - 1)
        else:
            del self._armed[position]

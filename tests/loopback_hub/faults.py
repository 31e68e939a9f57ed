"""Scripted trouble: which request goes wrong, how, and whether it was applied before it did."""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Delivery = Literal["answer", "hang", "reset", "truncate", "garbage"]


@dataclass
class Fault:
    """What happens to matching requests.

    `path` is a pattern searched in the path and query as sent. `delivery`: answer with `status`
    (None: the real answer); hang for `seconds` and close; reset the connection; truncate the real
    answer's body; or answer 200 with garbage instead of JSON. `applied` runs the request first.
    `before` is called before anything else, to let somebody else act at that moment. `stale`
    makes branches look one commit old.
    """

    method: str
    path: str
    delivery: Delivery = "answer"
    status: int | None = None
    applied: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    seconds: float = 3.0
    before: Callable[[], object] | None = None
    stale: bool = False
    times: int = 1
    skip: int = 0

    @property
    def runs_request(self) -> bool:
        if self.delivery == "truncate" or self.applied:
            return True
        return self.delivery == "answer" and self.status is None

    def matches(self, method: str, target: str) -> bool:
        return self.method == method and re.search(self.path, target) is not None


class Faults:
    """The script: faults in order; the first that matches and is not used up is taken."""

    def __init__(self):
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, method: str, path: str, **how) -> Fault:
        fault = Fault(method, path, **how)
        self._faults.append(fault)
        return fault

    def take(self, method: str, target: str) -> Fault | None:
        with self._lock:
            for fault in self._faults:
                if fault.times > 0 and fault.matches(method, target):
                    if fault.skip > 0:
                        fault.skip -= 1
                        continue
                    fault.times -= 1
                    return fault
        return None

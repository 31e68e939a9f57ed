"""The log of a job as the runner reads it: which lines are commands, and what is shown."""

import re
from dataclasses import dataclass, field

COMMAND = re.compile(r"::(?P<name>[^\s:]+)(?: (?P<properties>[^:]*(?::[^:]+)*?))?::(?P<data>.*)")
# The older form may stand anywhere in a line.
OLD_COMMAND = re.compile(r"##\[(?P<name>[a-z-]+)[^\]]*\](?P<data>.*)")
KNOWN = {
    *("add-mask", "add-matcher", "add-path", "debug", "echo", "endgroup", "error", "group"),
    *("internal-set-repo-path", "notice", "remove-matcher", "save-state", "set-env"),
    *("set-output", "stop-commands", "warning"),
}


@dataclass
class Log:
    """What the steps printed. `commands` took effect; `shown` is what a reader sees."""

    raw: str = ""
    commands: list[tuple[str, str]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    masks: list[str] = field(default_factory=list)
    stopped_until: str | None = None

    def read(self, printed: str) -> None:
        """Take in what one step printed."""
        self.raw += printed
        for line in printed.splitlines():
            self._read_line(line)

    @property
    def shown(self) -> str:
        return "\n".join(self.lines)

    @property
    def errors(self) -> list[str]:
        return [data for name, data in self.commands if name == "error"]

    def _read_line(self, line: str) -> None:
        found = COMMAND.match(line.lstrip()) or OLD_COMMAND.search(line)
        if self.stopped_until is not None:
            if found and found["name"] == self.stopped_until:
                self.stopped_until = None
                return
        elif found and found["name"] in KNOWN:
            self.commands.append((found["name"], found["data"]))
            if found["name"] == "stop-commands":
                self.stopped_until = found["data"]
            if found["name"] == "add-mask":
                self.masks.append(found["data"])
                return
        for secret in self.masks:
            line = line.replace(secret, "***")
        self.lines.append(line)

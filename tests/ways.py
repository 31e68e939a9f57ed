"""Every way to run a measurement: whole, divided, interrupted, layer by layer; one command each."""

import signal
import subprocess
import sys
import time

from command import environment

TORCHRUN = ("torch.distributed.run", "--standalone", "--nproc-per-node")
FEW = (
    *("--profile", "deployment", "--num-samples", 40, "--max-seq-len", 48, "--batch-tokens", 192),
    *("--calibration-samples", 8, "--evaluation-samples", 8, "--cpu-threads", 1),
)
KEPT = ("--state-dir", "kept")
MOST_KILLS = 3


def command(*words):
    return [sys.executable, "-m", *map(str, words)]


class Run:
    """A folder in which one checkpoint is measured once, in some way."""

    def __init__(self, folder, checkpoint):
        self.folder, self.checkpoint = folder, checkpoint
        self.told = folder.parent / f"{folder.name}.told"
        folder.mkdir()

    def run(self, *words):
        self.start(*words).wait()
        assert self.process.returncode == 0, self.told.read_text()

    def start(self, *words):
        with self.told.open("a") as told:
            self.process = subprocess.Popen(
                command(*words),
                stdout=told, stderr=told, cwd=self.folder, env=environment(self.folder.parent),
                start_new_session=True,
            )  # fmt: skip
        return self.process

    def measure(self, *more, by=()):
        self.run(*by, "hubmaxact", "measure", self.checkpoint, *FEW, *more)

    def kill_and_measure(self, *more, by=()):
        """Kill it as soon as it has kept more than before, and go on, again and again."""
        kept, killed = self.kept(), 0
        while killed < MOST_KILLS:
            run = self.start(*by, "hubmaxact", "measure", self.checkpoint, *FEW, *KEPT, *more)
            while self.kept() == kept and run.poll() is None:
                time.sleep(0.01)
            kept = self.kept()
            run.send_signal(signal.SIGKILL)
            run.wait()
            assert run.returncode == -signal.SIGKILL, self.told.read_text()
            killed += 1
        self.measure(*KEPT, *more)

    def kept(self):
        """The states that lie there, by name and time."""
        return {(path.name, path.stat().st_mtime_ns) for path in self.folder.glob("kept/state-*")}

    def files(self):
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in found}


def shards(run):
    """Three shards, merged in another order, without the checkpoint."""
    beside = run.folder.parent / "shards"
    beside.mkdir()
    for index in range(3):
        run.measure("--shard", f"{index}/3", "--output", beside / f"{index}")
    run.run("hubmaxact", "merge", *(beside / f"{index}" for index in (2, 0, 1)))


def kill_two_processes(run):
    """Two processes that end with torchrun, and one that goes on alone."""
    run.kill_and_measure(by=(*TORCHRUN, 2, "-m"))


WAYS = {
    "kept": lambda run: run.measure(*KEPT),
    "killed": lambda run: run.kill_and_measure(),
    "streamed": lambda run: run.measure("--stream"),
    "streamed_and_killed": lambda run: run.kill_and_measure("--stream"),
    "two_processes": lambda run: run.measure(by=(*TORCHRUN, 2, "-m")),
    "three_processes": lambda run: run.measure(by=(*TORCHRUN, 3, "-m")),
    "two_processes_and_killed": kill_two_processes,
    "shards": shards,
}
"""All but the one that nothing disturbs."""

"""A measurement that is killed again and again: does it end in the bytes of one that nobody kills?

    python benchmarks/kills.py CHECKPOINT [KILLS] [OPTION of hubmaxact measure...]

Starts `hubmaxact measure CHECKPOINT --state-dir ...`, kills it with SIGKILL at a random moment of
the time that an undisturbed run takes, and starts it again; where a run comes to its end, its files
are held to the undisturbed ones, and the next begins. Without options a tiny run is made of many
batches. Prints how many kills there were, how many of them the kept state outgrew, and how many
runs came to their end.
"""

import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT)]

from hubmaxact.measurement.state.state_file import read_about  # noqa: E402 found by the line above

TINY = (
    *("--profile", "deployment", "--num-samples", "400", "--max-seq-len", "32"),
    *("--batch-tokens", "64", "--device", "cpu"),
)


def started(checkpoint: str, folder: Path, options: Sequence[str]) -> "subprocess.Popen[bytes]":
    """Start a run that writes into a folder."""
    command = [sys.executable, "-m", "hubmaxact", "measure", checkpoint, *options]
    where = ["--output", str(folder / "report.json")]
    return subprocess.Popen(
        [*command, *where], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=ROOT
    )


def ended(run: "subprocess.Popen[bytes]", seconds: float | None) -> bool:
    """Whether a run came to its end; else it was killed after so many seconds."""
    try:
        _, said = run.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        run.kill()
        run.communicate()
        return False
    if run.returncode != 0:
        sys.exit(said.decode())
    return True


def files(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def kept(state: Path) -> frozenset[int]:
    """Batches that are kept in a folder."""
    found = state.glob("state-*.safetensors")
    return frozenset(index for file in found for index in read_about(file).done)


def main(checkpoint: str, kills: str = "200", *options: str) -> None:
    """Kill and start until there were so many kills, and the last run came to its end."""
    options = options or TINY
    with tempfile.TemporaryDirectory() as name:
        folder, state = Path(name, "reports"), Path(name, "state")
        folder.mkdir()
        begin = time.monotonic()
        ended(started(checkpoint, folder, options), None)
        seconds, undisturbed = time.monotonic() - begin, files(folder)
        killed = forward = runs = 0
        chance, before = random.Random(0), frozenset[int]()
        while True:
            limit = chance.uniform(0, seconds) if killed < int(kills) else None
            run = started(checkpoint, folder, [*options, "--state-dir", str(state)])
            if ended(run, limit):
                if files(folder) != undisturbed or state.exists():
                    sys.exit(f"after {killed} kills: not the same files, or a state is left over")
                runs, before = runs + 1, frozenset()
                if limit is None:
                    break
                shutil.rmtree(folder)
                folder.mkdir()
                continue
            killed, now = killed + 1, kept(state)
            if files(folder) == undisturbed:  # killed on its way out
                before = now
                shutil.rmtree(folder)
                folder.mkdir()
                continue
            if not now >= before:
                sys.exit(f"kill {killed}: batches were lost: {sorted(before - now)}")
            forward, before = forward + (now > before), now
    print(f"{killed} kills, {forward} of them with more kept, {runs} runs ended in the same bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])

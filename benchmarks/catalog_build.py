"""How fast a catalog is built: from nothing, again, and after one report in a hundred changed.

    python benchmarks/catalog_build.py [NUM_REPORTS] [FOLDER]

Makes small valid reports by arithmetic in FOLDER (a temporary one if none is named), prints
reports per second for each build, and the size of the index.
"""

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from catalog_reports import report_bytes_of

from hubmaxact.catalog.build import build_from_folder
from hubmaxact.catalog.store import read_index


def make(folder: Path, num_reports: int) -> None:
    """Write reports that differ in their weights, a thousand to a folder."""
    for number in range(num_reports):
        path = folder / f"org-{number // 1000}" / f"model-{number:05}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(report_bytes_of(path.stem))


def change(folder: Path) -> None:
    """Another stage in one report of a hundred."""
    for path in sorted(folder.rglob("*.json"))[::100]:
        report = json.loads(path.read_bytes())
        report["model"]["stage"] = "base"
        path.write_text(json.dumps(report))


def timed(what: str, folder: Path, output: Path, num_reports: int) -> None:
    """Build, and print how fast that was."""
    began, used = time.perf_counter(), time.process_time()
    built = build_from_folder(folder, output)
    seconds, cpu = time.perf_counter() - began, time.process_time() - used
    print(
        f"{what}: {num_reports / seconds:,.0f} reports/s "
        f"({seconds:.1f} s, {cpu:.1f} s of CPU; {built.unchanged:,} unchanged)"
    )


def main(num_reports: str = "10000", where: str | None = None) -> None:
    """Make the reports and build three times."""
    count = int(num_reports)
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(where or temporary)
        folder, output = root / "reports", root / "catalog"
        make(folder, count)
        timed("from nothing", folder, output, count)
        timed("unchanged", folder, output, count)
        change(folder)
        timed("1 % changed", folder, output, count)
        began = time.perf_counter()
        index = read_index(output)
        rows = index.table().num_rows
        print(f"read: {rows:,} rows in {time.perf_counter() - began:.2f} s")
        print(f"index: {len(index.content):,} bytes")
        print(f"memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB at most")


if __name__ == "__main__":
    main(*sys.argv[1:])

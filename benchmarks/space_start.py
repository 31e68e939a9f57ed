"""How fast the Space starts and answers, over an index of many synthetic releases.

    python benchmarks/space_start.py [NUM_RELEASES] [FOLDER]

Makes the index in FOLDER (a temporary one if none is named), starts the Space as the Hub does, and
prints the seconds from there to the first answer and to the first rows, what opening the page
takes then, pages per second for one client and for twenty, and the memory of the process.
"""

import hashlib
import itertools
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import httpx
from catalog_reports import report_bytes_of

from hubmaxact.catalog.build import build_from_folder
from hubmaxact.catalog.parquet import encode, rows_of
from hubmaxact.catalog.store import read_index, replace_index

if TYPE_CHECKING:
    from hubmaxact.catalog.manifest import IndexFile

APP = Path(__file__).parents[1] / "space" / "app.py"
FAMILIES = ("alpha", "beta", "gamma", "delta")
STAGES = ("base", "instruct", None)
SECONDS = 5.0  # of asking, each time
OPENING = ("/", "/app.js", "/style.css", "/data/about.json", "/data/page.json")
SLOW = ("/data/findings.json", "/download/all.csv")


def make(folder: Path, count: int) -> Path:
    """An index of so many releases: one report's row, with values and layers by chance."""
    reports = folder / "reports"
    reports.mkdir(parents=True, exist_ok=True)
    (reports / "one.json").write_bytes(report_bytes_of("one"))
    build_from_folder(reports, folder / "catalog", with_paper=False)
    index = read_index(folder / "catalog")
    (template,) = rows_of(index.table())
    chance = random.Random(1)
    content = encode([release(template, number, chance) for number in range(count)])
    digest = hashlib.sha256(content).hexdigest()
    of_table: IndexFile = {
        **index.manifest["index"],
        "rows": count,
        "sha256": digest,
        "size": len(content),
    }
    replace_index(folder / "catalog", content, {**index.manifest, "index": of_table})
    return folder / "catalog"


def release(template: Mapping[str, Any], number: int, chance: random.Random) -> Any:
    """One row, with values and layers by chance."""
    layers = chance.choice((24, 32, 48, 80))
    largest = 10 ** chance.uniform(1, 6)
    by_layer = {
        name: [largest * chance.random() for _ in range(layers)]
        for name in template
        if name.endswith("_by_layer") and template[name] is not None
    }
    name = f"org-{number % 97}/model-{number:06}"
    return {
        **template,
        **by_layer,
        "key": name,
        "name": name,
        "family": chance.choice(FAMILIES),
        "stage": chance.choice(STAGES),
        "num_parameters": (parameters := int(10 ** chance.uniform(8, 12))),
        "size": parameters,
        "num_layers": layers,
        "abs_max": largest,
        "max_value": -largest,
    }


def start(catalog: Path, home: Path) -> subprocess.Popen[str]:
    """The Space, as the Hub starts it."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    place = {"HUBMAXACT_INDEX": str(catalog), "HOME": str(home), "HF_HOME": str(home / "hf")}
    return subprocess.Popen(
        [sys.executable, str(APP)],
        env={**kept, **place, "GRADIO_SERVER_PORT": "27860"},
        stdout=subprocess.PIPE,
        text=True,
    )


def first_rows(http: httpx.Client, began: float) -> float:
    """Seconds until there are rows; asks again while the index is being read."""
    while (answer := http.get("/data/page.json")).status_code == 503:
        time.sleep(0.05)
    assert answer.json()["rows"]
    return time.perf_counter() - began


def asking(http: httpx.Client, *paths: str) -> float:
    """Seconds that these answers take together."""
    began = time.perf_counter()
    for path in paths:
        http.get(path).raise_for_status()
    return time.perf_counter() - began


def addresses() -> Iterator[str]:
    """Pages that nobody has asked for before, as people search, filter and turn pages."""
    for number in itertools.count():
        family = FAMILIES[number % len(FAMILIES)]
        yield f"/data/page.json?family={family}&q={number % 1000}&page={1 + number % 3}&sort=name"


def per_second(url: str, clients: int) -> tuple[float, float]:
    """Pages per second, and the 95th percentile of the seconds that each took."""
    numbers, lock = addresses(), threading.Lock()
    end = time.perf_counter() + SECONDS

    def ask(_: int) -> list[float]:
        took = []
        with httpx.Client(base_url=url, timeout=60) as http:
            while (began := time.perf_counter()) < end:
                with lock:
                    address = next(numbers)
                assert http.get(address).status_code == 200
                took.append(time.perf_counter() - began)
        return took

    with ThreadPoolExecutor(clients) as pool:
        took = sorted(itertools.chain.from_iterable(pool.map(ask, range(clients))))
    return len(took) / SECONDS, took[int(len(took) * 0.95)]


def memory(process: subprocess.Popen[str]) -> int:
    """MiB that the process held at most."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(found(r"VmHWM:\s+(\d+)", status)[1]) // 1024


def found(pattern: str, text: str) -> re.Match[str]:
    """Where a pattern stands in a text; it must."""
    match = re.search(pattern, text)
    assert match, text
    return match


def measure(catalog: Path, home: Path) -> None:
    """Start the Space, ask, and print."""
    began = time.perf_counter()
    process = start(catalog, home)
    try:
        assert process.stdout
        url = found(r"http://\S+", process.stdout.readline())[0]
        with httpx.Client(base_url=url, timeout=60) as http:
            assert http.get("/").status_code == 200
            print(f"serving: {time.perf_counter() - began:.1f} s after the start")
            print(f"first rows: {first_rows(http, began):.1f} s after the start")
            print(f"opening the page: {asking(http, *OPENING):.2f} s")
            for path in SLOW:
                print(f"{path}, for the first time: {asking(http, path):.1f} s")
        for clients in (1, 20):
            rate, slow = per_second(url, clients)
            print(f"{clients} client(s): {rate:,.0f} pages/s, 95 % within {slow * 1000:,.0f} ms")
        print(f"memory: {memory(process)} MiB at most")
    finally:
        process.terminate()
        process.wait()


def main(num_releases: str = "10000", where: str | None = None) -> None:
    """Make the index and measure."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(where or temporary)
        catalog = make(folder, int(num_releases))
        size = (catalog / "index.parquet").stat().st_size
        print(f"index: {int(num_releases):,} releases, {size:,} bytes")
        measure(catalog, folder)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The rooms of the package, who may import whom, and what in a tree of modules breaks that.

Every import counts: at the top, inside a function, for types. A room that needs another one is a
row changed here, with its reason in the pull request.
"""

import ast
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

BEFORE = {"measurement", "verification", "corpus"}  # the report is made
AFTER = {  # it is read
    "rendering",
    "publication",
    "comparison",
    "gate",
    "engine_files",
    "shipped_scales",
    "catalog",
    "page",
}

# Room -> rooms that it may import; each stands below all that it imports. A name with a dot is a
# room inside a room. Every room may import itself.
ALLOWED = {
    "errors": (),
    "printable": (),
    "formats": (),
    "deployed_formats": (),
    "temporary_files": (),
    "files": ("errors", "printable", "temporary_files"),
    "scales": ("formats",),
    "stored_weights": ("printable", "files", "scales"),
    "adapters": ("printable",),
    "confinement": ("errors", "printable"),
    "hub": ("errors", "printable"),
    "recognition": ("errors", "printable", "files", "scales", "stored_weights", "hub"),
    "report": ("errors", "printable", "formats", "deployed_formats", "files", "hub"),
    "sidecars": (
        "errors",
        "printable",
        "temporary_files",
        "files",
        "scales",
        "hub",
        "recognition",
        "report",
    ),
    "corpus": ("errors", "printable", "files", "hub"),
    "measurement": (),
    "measurement.batch_plan": (),
    "measurement.batch_deal": ("errors", "measurement.batch_plan"),
    "measurement.rotary_pairs": (),
    "measurement.asked_rounding": ("errors", "printable", "deployed_formats"),
    "measurement.options": (
        "errors",
        "formats",
        "measurement.batch_plan",
        "measurement.batch_deal",
        "measurement.asked_rounding",
    ),
    "measurement.watcher": ("measurement.batch_plan",),
    "measurement.failures": ("errors", "printable", "files"),
    "measurement.libraries": ("errors", "measurement.failures"),
    "measurement.loops": (),
    "measurement.dequantization": ("stored_weights", "measurement.failures", "measurement.loops"),
    "measurement.checkpoint": (
        "errors",
        "printable",
        "scales",
        "stored_weights",
        "adapters",
        "confinement",
        "hub",
        "recognition",
        "report",
        "measurement.failures",
        "measurement.libraries",
        "measurement.loops",
        "measurement.dequantization",
    ),
    "measurement.source": ("errors", "printable", "hub", "recognition", "measurement.checkpoint"),
    "measurement.source_with_base": (
        "errors",
        "printable",
        "adapters",
        "hub",
        "recognition",
        "measurement.checkpoint",
        "measurement.source",
    ),
    "measurement.anatomy": ("errors", "report", "measurement.rotary_pairs", "measurement.failures"),
    "measurement.encoding": (
        "errors",
        "printable",
        "corpus",
        "measurement.options",
        "measurement.watcher",
        "measurement.failures",
        "measurement.checkpoint",
        "measurement.anatomy",
    ),
    "measurement.rounding": ("formats", "deployed_formats"),
    "measurement.statistics": (
        "formats",
        "deployed_formats",
        "measurement.batch_plan",
        "measurement.rotary_pairs",
        "measurement.rounding",
    ),
    "measurement.kernels": (
        "formats",
        "deployed_formats",
        "measurement.batch_plan",
        "measurement.rotary_pairs",
        "measurement.failures",
        "measurement.loops",
        "measurement.rounding",
        "measurement.statistics",
    ),
    "measurement.state": (
        "errors",
        "printable",
        "temporary_files",
        "files",
        "recognition",
        "measurement.failures",
        "measurement.checkpoint",
        "measurement.statistics",
    ),
    "measurement.distributed": (
        "errors",
        "printable",
        "measurement.options",
        "measurement.failures",
        "measurement.libraries",
        "measurement.checkpoint",
        "measurement.state",
    ),
    "measurement.execution": (
        "errors",
        "printable",
        "report",
        "measurement.batch_plan",
        "measurement.failures",
        "measurement.anatomy",
        "measurement.statistics",
        "measurement.kernels",
    ),
    "measurement.run_facts": (
        "report",
        "measurement.batch_plan",
        "measurement.anatomy",
        "measurement.execution",
    ),
    "measurement.passes": (
        "measurement.batch_plan",
        "measurement.batch_deal",
        "measurement.watcher",
        "measurement.anatomy",
        "measurement.statistics",
        "measurement.state",
        "measurement.distributed",
        "measurement.execution",
        "measurement.run_facts",
    ),
    "measurement.simulation": (
        "errors",
        "printable",
        "deployed_formats",
        "scales",
        "stored_weights",
        "report",
        "measurement.failures",
        "measurement.checkpoint",
        "measurement.anatomy",
        "measurement.rounding",
        "measurement.execution",
    ),
    "measurement.end_to_end": (
        "errors",
        "printable",
        "deployed_formats",
        "measurement.batch_plan",
        "measurement.asked_rounding",
        "measurement.failures",
        "measurement.anatomy",
        "measurement.rounding",
        "measurement.statistics",
        "measurement.kernels",
        "measurement.execution",
    ),
    "measurement.streaming": (
        "errors",
        "printable",
        "recognition",
        "measurement.batch_plan",
        "measurement.failures",
        "measurement.checkpoint",
        "measurement.anatomy",
        "measurement.execution",
    ),
    "measurement.prepare": (
        "errors",
        "printable",
        "corpus",
        "measurement.batch_plan",
        "measurement.options",
        "measurement.watcher",
        "measurement.libraries",
        "measurement.checkpoint",
        "measurement.source",
        "measurement.source_with_base",
        "measurement.anatomy",
        "measurement.encoding",
        "measurement.kernels",
        "measurement.simulation",
        "measurement.streaming",
    ),
    "measurement.assembly": (
        "printable",
        "formats",
        "deployed_formats",
        "scales",
        "stored_weights",
        "recognition",
        "report",
        "sidecars",
        "corpus",
        "measurement.batch_plan",
        "measurement.rotary_pairs",
        "measurement.options",
        "measurement.checkpoint",
        "measurement.anatomy",
        "measurement.statistics",
        "measurement.execution",
        "measurement.run_facts",
        "measurement.end_to_end",
        "measurement.prepare",
    ),
    "measurement.forecast": (
        "errors",
        "corpus",
        "stored_weights",
        "measurement.batch_plan",
        "measurement.options",
        "measurement.watcher",
        "measurement.failures",
        "measurement.libraries",
        "measurement.loops",
        "measurement.checkpoint",
        "measurement.source_with_base",
        "measurement.anatomy",
        "measurement.encoding",
        "measurement.statistics",
        "measurement.execution",
        "measurement.end_to_end",
        "measurement.prepare",
    ),
    "measurement.confined": (
        "printable",
        "confinement",
        "recognition",
        "report",
        "corpus",
        "measurement.batch_plan",
        "measurement.options",
        "measurement.watcher",
        "measurement.checkpoint",
        "measurement.source",
        "measurement.prepare",
        "measurement.assembly",
    ),
    "measurement.facts_json": (
        "report",
        "measurement.batch_plan",
        "measurement.rotary_pairs",
        "measurement.anatomy",
        "measurement.run_facts",
    ),
    "measurement.stopping": (),
    "measurement.kept_run": (
        "errors",
        "printable",
        "measurement.batch_deal",
        "measurement.checkpoint",
        "measurement.state",
        "measurement.distributed",
        "measurement.run_facts",
        "measurement.passes",
        "measurement.facts_json",
        "measurement.stopping",
    ),
    "measurement.run_plan": (
        "errors",
        "report",
        "measurement.batch_plan",
        "measurement.asked_rounding",
        "measurement.options",
        "measurement.watcher",
        "measurement.state",
        "measurement.distributed",
        "measurement.execution",
        "measurement.run_facts",
        "measurement.passes",
        "measurement.end_to_end",
        "measurement.streaming",
        "measurement.prepare",
        "measurement.assembly",
        "measurement.kept_run",
    ),
    "measurement.measure_source": (
        "errors",
        "report",
        "corpus",
        "measurement.options",
        "measurement.watcher",
        "measurement.loops",
        "measurement.checkpoint",
        "measurement.source",
        "measurement.distributed",
        "measurement.execution",
        "measurement.end_to_end",
        "measurement.prepare",
        "measurement.assembly",
        "measurement.kept_run",
        "measurement.run_plan",
    ),
    "measurement.shards": (
        "printable",
        "measurement.batch_plan",
        "measurement.batch_deal",
        "measurement.watcher",
        "measurement.state",
        "measurement.execution",
        "measurement.run_facts",
        "measurement.prepare",
        "measurement.assembly",
        "measurement.facts_json",
        "measurement.run_plan",
    ),
    "measurement.run": (
        "errors",
        "report",
        "measurement.options",
        "measurement.watcher",
        "measurement.libraries",
        "measurement.source_with_base",
        "measurement.distributed",
        "measurement.assembly",
        "measurement.confined",
        "measurement.kept_run",
        "measurement.measure_source",
        "measurement.shards",
    ),
    "measurement.confined_run": (
        "confinement",
        "measurement.libraries",
        "measurement.confined",
        "measurement.measure_source",
    ),
    "verification": (
        "errors",
        "printable",
        "formats",
        "confinement",
        "recognition",
        "report",
        "sidecars",
        "corpus",
        "measurement.batch_plan",
        "measurement.options",
        "measurement.watcher",
        "measurement.libraries",
        "measurement.loops",
        "measurement.checkpoint",
        "measurement.source",
        "measurement.source_with_base",
        "measurement.execution",
        "measurement.prepare",
        "measurement.assembly",
        "measurement.confined",
    ),
    "rendering": ("printable", "formats", "deployed_formats", "report"),
    "publication": (
        "errors",
        "printable",
        "temporary_files",
        "files",
        "hub",
        "recognition",
        "report",
        "sidecars",
        "rendering",
    ),
    "comparison": ("errors", "printable", "formats", "deployed_formats", "report", "rendering"),
    "gate": ("errors", "printable", "formats", "deployed_formats", "report", "rendering"),
    "engine_files": (
        "errors",
        "printable",
        "formats",
        "deployed_formats",
        "temporary_files",
        "files",
        "scales",
        "recognition",
        "report",
        "sidecars",
    ),
    "shipped_scales": (
        "errors",
        "printable",
        "scales",
        "recognition",
        "report",
        "sidecars",
        "rendering",
    ),
    "catalog": (
        "errors",
        "printable",
        "formats",
        "deployed_formats",
        "temporary_files",
        "files",
        "hub",
        "recognition",
        "report",
        "rendering",
        "publication",
    ),
    "page": (
        "errors",
        "printable",
        "formats",
        "temporary_files",
        "files",
        "hub",
        "report",
        "rendering",
        "catalog",
    ),
    "cli": (
        "errors",
        "printable",
        "formats",
        "temporary_files",
        "files",
        "report",
        "sidecars",
        "measurement.batch_plan",
        "measurement.options",
        "measurement.watcher",
        "measurement.failures",
        "measurement.distributed",
        "measurement.assembly",
        "measurement.forecast",
        "measurement.shards",
        "measurement.run",
        "verification",
        "rendering",
        "publication",
        "comparison",
        "gate",
        "engine_files",
        "shipped_scales",
        "catalog",
        "page",
    ),
    "__main__": ("cli",),
    "__init__": (
        "errors",
        "report",
        "measurement.options",
        "measurement.run",
        "verification",
        "publication",
        "comparison",
        "gate",
        "engine_files",
        "shipped_scales",
    ),
}
VERSION = {  # may read hubmaxact.__version__
    "hub",
    "measurement.assembly",
    "catalog",
    "page",
    "cli",
}

TORCH = ("torch", "transformers", "accelerate", "safetensors", "numpy", "numba")
TORCH_ROOMS = ("measurement", "verification")
TOOLS = ("corpus.repetition",)  # run by maintainers, numpy inside a function

MOST_LOOSE = 7
MOST_LINES = 300
MOST_NAMESAKES = 3


BY_NAME = (
    "__init__",
    "cli.main",
    "catalog.parquet",
    "measurement.libraries",
)  # import what a table of theirs names

PACKAGE = "hubmaxact"


class Import(NamedTuple):
    importer: str
    target: str
    line: int


class Tree:
    """The modules of a package in a folder, by dotted name without the package's own."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.modules = {self._dotted(path): path for path in sorted(folder.rglob("*.py"))}

    def _dotted(self, path: Path) -> str:
        parts = path.relative_to(self.folder).with_suffix("").parts
        return ".".join(part for part in parts if part != "__init__") or "__init__"

    @cached_property
    def nodes(self) -> dict[str, list[ast.AST]]:
        return {
            module: list(ast.walk(ast.parse(path.read_text("utf-8"))))
            for module, path in self.modules.items()
        }

    def imported(self, module: str) -> Iterator[tuple[str, int]]:
        """Dotted names of every import in a module, wherever it stands; a relative one as `.`."""
        for node in self.nodes[module]:
            if isinstance(node, ast.Import):
                yield from ((alias.name, node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level:
                yield ".", node.lineno
            elif isinstance(node, ast.ImportFrom):
                yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)

    @cached_property
    def imports(self) -> list[Import]:
        """Imports between the package's own modules."""
        found = []
        for importer in self.modules:
            for name, line in self.imported(importer):
                if name.split(".")[0] != PACKAGE:
                    continue
                inner = name.removeprefix(PACKAGE).removeprefix(".") or "__init__"
                while inner not in self.modules and "." in inner:
                    inner = inner.rpartition(".")[0]
                found.append(Import(importer, inner if inner in self.modules else "__init__", line))
        return found

    def changed(self, module: str, source: str) -> "Tree":
        """The same modules with another text of one of them."""
        other = Tree(self.folder)
        other.nodes = self.nodes | {module: list(ast.walk(ast.parse(source)))}
        return other

    def homeless(self) -> list[str]:
        return [module for module in self.modules if room(module) is None]

    def forbidden(self) -> list[str]:
        """Imports that no row allows."""
        return [
            f"{each.importer}:{each.line} -> {each.target}"
            for each in self.imports
            if not _is_allowed(room(each.importer), room(each.target))
        ]

    def unseen(self) -> list[str]:
        """Imports that the table cannot judge: relative ones, and by a name worked out."""
        relative = [f"{m}:{line}" for m in self.modules for n, line in self.imported(m) if n == "."]
        by_name = [
            f"{module}:{node.lineno}"
            for module, nodes in self.nodes.items()
            for node in nodes
            if isinstance(node, ast.Call) and module not in BY_NAME
            if getattr(node.func, "attr", getattr(node.func, "id", None))
            in {"import_module", "__import__"}
        ]
        return relative + by_name

    def heavy(self) -> list[str]:
        """Imports of torch and its like outside its rooms."""
        return [
            f"{module}:{line} imports {name}"
            for module in self.modules
            for name, line in self.imported(module)
            if name.split(".")[0] in TORCH
            and module.split(".")[0] not in TORCH_ROOMS
            and module not in TOOLS
        ]

    def circle(self) -> str:
        """Modules that import each other in a circle; empty when there are none."""
        graph: dict[str, set[str]] = {}
        for each in self.imports:
            if each.target not in {"__init__", each.importer}:
                graph.setdefault(each.importer, set()).add(each.target)
        finished: set[str] = set()

        def visit(module: str, path: tuple[str, ...]) -> str:
            if module in path:
                return " -> ".join([*path[path.index(module) :], module])
            found = ""
            if module not in finished:
                steps = (visit(other, (*path, module)) for other in sorted(graph.get(module, ())))
                found = next(filter(None, steps), "")
                finished.add(module)
            return found

        return next(filter(None, (visit(module, ()) for module in graph)), "")

    def idle(self) -> list[str]:
        """Edges that are allowed and that nobody uses."""
        used = {(room(each.importer), room(each.target)) for each in self.imports}
        edges = ((name, other) for name, others in ALLOWED.items() for other in others)
        return [f"{name} -> {other}" for name, other in edges if (name, other) not in used]


def room(module: str) -> str | None:
    """The longest room in the table that a module lies in."""
    parts = module.split(".")
    names = (".".join(parts[:end]) for end in range(len(parts), 0, -1))
    return next((name for name in names if name in ALLOWED), None)


def _is_allowed(importer: str | None, target: str | None) -> bool:
    if importer is None or target is None:
        return False
    if target == "__init__":
        return importer in VERSION or importer == "__init__"
    return importer == target or target in ALLOWED[importer]

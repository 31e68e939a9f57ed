"""Measure how large an open-weight model's activations get, and publish it with the model.

Every public name is in `__all__` and is imported when it is first used, so that
`import hubmaxact` loads neither torch nor the network. `docs/python.md` shows each at work.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hubmaxact.comparison.build import compare
    from hubmaxact.engine_files.export import export
    from hubmaxact.errors import HubmaxactError
    from hubmaxact.gate.gate import check
    from hubmaxact.measurement.options import Options
    from hubmaxact.measurement.run import measure
    from hubmaxact.publication.push import push
    from hubmaxact.report.document import Report
    from hubmaxact.report.read import read_report
    from hubmaxact.report.validate import validate
    from hubmaxact.report.write import write_report
    from hubmaxact.shipped_scales.audit import audit
    from hubmaxact.verification.verify import verify

__version__ = "0.1.0"

__all__ = [
    "HubmaxactError",
    "Options",
    "Report",
    "audit",
    "check",
    "compare",
    "export",
    "measure",
    "push",
    "read_report",
    "validate",
    "verify",
    "write_report",
]

# Where each name is defined. No room has the name of a function: importing `hubmaxact.measure.x`
# would put the module in the function's place.
_HOMES = {
    "HubmaxactError": "errors",
    "Options": "measurement.options",
    "Report": "report.document",
    "audit": "shipped_scales.audit",
    "check": "gate.gate",
    "compare": "comparison.build",
    "export": "engine_files.export",
    "measure": "measurement.run",
    "push": "publication.push",
    "read_report": "report.read",
    "validate": "report.validate",
    "verify": "verification.verify",
    "write_report": "report.write",
}


if not TYPE_CHECKING:  # type checkers know the names from above, and refuse any other

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

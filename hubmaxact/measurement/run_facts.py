"""What one run is: all that a report needs beside statistics, and that decides their bits."""

from dataclasses import dataclass

from hubmaxact.measurement.anatomy.site import Anatomy
from hubmaxact.measurement.batch_plan import Plan
from hubmaxact.measurement.execution.recorder import Recorder
from hubmaxact.report.document import Environment, Protocol
from hubmaxact.report.model_block import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """One run, whoever runs which of its batches."""

    model: Model  # the report's block; digests of the weights follow when they are made
    protocol: Protocol  # the report's block; what counts were rounded to is seen only afterwards
    environment: Environment
    domains: tuple[str, ...]  # of each sample
    plan: Plan
    anatomy: Anatomy
    allow_partial: bool  # whether a report may be made although an expected tensor was not seen

    def recorder(self) -> Recorder:
        """Make a recorder of this run that has seen nothing."""
        sums = self.protocol.get("format_errors") == "all"
        return Recorder(self.anatomy, len(self.domains), format_errors=sums)

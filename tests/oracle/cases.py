"""What is measured in these tests, and both answers to it."""

from dataclasses import dataclass

from oracle import texts
from oracle.families import FAMILIES

CALIBRATION, EVALUATION, MAX_SEQ_LEN = 8, 16, 48


@dataclass(frozen=True)
class Case:
    """A tiny checkpoint and how it is run."""

    name: str
    dtype: str = "bfloat16"
    budget: int = 128
    bos: bool = True
    spike: bool = False
    specials: str = "as_tokenizer"
    wide: bool = False

    @property
    def checkpoint(self):
        """What the checkpoint is made with."""
        return {"bos": self.bos, "spike": self.spike, "wide": self.wide}

    def __str__(self):
        marks = [mark for mark in ("bos", "spike", "wide") if getattr(self, mark)]
        return "-".join([self.name, self.dtype, str(self.budget), *marks, self.specials])


@dataclass
class Both:
    """One measurement by hubmaxact and the same one by the oracle."""

    case: Case
    report: dict
    ids: list
    batches: list
    sites: dict  # site key -> Captured
    routed: dict  # layer -> tokens per expert

    @property
    def family(self):
        """Where the roles of the checkpoint live."""
        return FAMILIES[self.case.name]

    @property
    def domains(self):
        """The domain of each sample."""
        return [row["domain"] for row in texts.ROWS]

    def site(self, key):
        """The report's row of a site."""
        (row,) = [r for r in self.report["sites"] if (r["role"], r["layer"], r["part"]) == key]
        return row

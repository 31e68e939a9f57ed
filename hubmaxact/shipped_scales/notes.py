"""What holds of a whole audit, in sentences."""

from collections.abc import Iterator, Sequence

from hubmaxact.errors import HubmaxactError
from hubmaxact.printable import LONGEST_PATH, counted, printable
from hubmaxact.recognition.card import CARD, MOST_READ, base_model
from hubmaxact.recognition.listing import Listing
from hubmaxact.report.document import Report
from hubmaxact.shipped_scales.row import Row


def notes(report: Report, listing: Listing, rows: Sequence[Row]) -> Iterator[str]:
    """Yield what whoever reads the rows should know.

    Args:
        report: Of the base model.
        listing: The quantized checkpoint.
        rows: Its scales.

    Yields:
        Sentences, safe for a terminal.
    """
    if not rows:
        yield "It ships no static scales: activations are scaled as they come, or not quantized."
    said, measured = _base_of(listing), report["model"]["id"]
    if said and measured and said.lower() != measured.lower():
        yield (
            f"It was made from {printable(said)} by its card, and the report is of "
            f"{printable(measured)}."
        )
    if "simulated_activations" in report["protocol"]:
        yield (
            "The report is of a run that rounded the inputs of linear maps as its checkpoint is "
            "served, simulated: its maxima are of that run, not of the model as it is."
        )
    if report["status"] != "complete":
        yield f"The report is {report['status']}."
    if others := [row for row in rows if not row.agrees]:
        verb = "differs" if len(others) == 1 else "differ"
        yield (
            f"{counted(len(others), 'scale')} {verb} from that of another map which reads the same "
            f"tensor (first: {printable(others[0].module, LONGEST_PATH)}). A fused kernel takes "
            "one for all: the largest input_scale; or the largest input_global_scale, which "
            "reaches least."
        )


def _base_of(listing: Listing) -> str | None:
    if CARD not in listing.root:
        return None
    try:
        return base_model(listing.read(CARD)[:MOST_READ].decode("utf-8", "replace"))
    except HubmaxactError:  # an audit does without it
        return None

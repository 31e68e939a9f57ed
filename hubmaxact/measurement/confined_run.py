"""The inner side of a confined measurement: the process that the checkpoint's own code runs in."""

from typing import Any

from hubmaxact.confinement.child import Tell, serve


def measure_and_tell(asked: dict[str, Any], tell: Tell) -> None:
    """Measure, and tell the result.

    Args:
        asked: Source, options and corpus, as `confined.crossing` writes them.
        tell: Writes a message.

    Raises:
        HubmaxactError: As `measure`.
    """
    from hubmaxact.measurement import libraries
    from hubmaxact.measurement.confined.crossing import corpus_of, options_of, source_of
    from hubmaxact.measurement.confined.watching import Teller
    from hubmaxact.measurement.measure_source import measure_source

    libraries.load()
    measured = measure_source(
        source_of(asked),
        options_of(asked),
        Teller(tell),
        corpus=corpus_of(asked),
        hashes_weights=False,
    )
    for name, content in measured.sidecars.items():
        tell("sidecar", name, content=content)
    tell("report", measured.report)


if __name__ == "__main__":
    serve(measure_and_tell)

"""The inner side of confined checks: the process that the checkpoint's own code runs in."""

from typing import Any

from hubmaxact.confinement.child import Tell, serve


def check_and_tell(asked: dict[str, Any], tell: Tell) -> None:
    """Run the checks, and tell each.

    Args:
        asked: Report, source, options and corpus, as `confined.crossing` writes them.
        tell: Writes a message.

    Raises:
        HubmaxactError: As `verify`.
    """
    from hubmaxact.measurement import libraries
    from hubmaxact.measurement.confined.crossing import corpus_of, options_of, source_of
    from hubmaxact.measurement.confined.watching import Teller
    from hubmaxact.verification.verify import checks_of_model

    libraries.load()
    source, options, corpus = source_of(asked), options_of(asked), corpus_of(asked)
    for check in checks_of_model(asked["report"], source, options, Teller(tell), corpus):
        tell("check", check.name, check.passed, check.detail)


if __name__ == "__main__":
    serve(check_and_tell)

"""Print the digest of every window of probe-5k: `python -m hubmaxact.corpus.probe_5k.write_pins`.

For maintainers: the output replaces hubmaxact/corpus/seeds/pins.txt when VERSION is raised.
"""

from hubmaxact.corpus.probe_5k.pins import NAME, VERSION, WINDOW, make_window
from hubmaxact.corpus.probe_5k.places import NUM_TEXTS
from hubmaxact.corpus.texts import digest_of


def table() -> str:
    """Return the pin file's content, made anew."""
    num_windows = -(-NUM_TEXTS // WINDOW)
    head = f"# {NAME} version {VERSION}: SHA-256 of each window of {WINDOW} texts"
    return "\n".join([head, *(digest_of(make_window(number)) for number in range(num_windows))])


if __name__ == "__main__":
    print(table())  # noqa: T201  # printing is this command's job

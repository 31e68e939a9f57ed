"""Some windows of the corpus on standard output: a line of JSON each, the texts alone.

`python -m hubmaxact.corpus.probe_5k FIRST END STEP`, for a process that has other things to do
meanwhile; see `makers`.
"""

import json
import sys

from hubmaxact.corpus.probe_5k.pins import make_window


def main() -> None:
    """Make the windows FIRST, FIRST + STEP and so on, below END."""
    for number in range(*map(int, sys.argv[1:])):
        line = json.dumps([text.text for text in make_window(number)])
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

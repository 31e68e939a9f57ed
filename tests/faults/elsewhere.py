"""Where a run says that its report is, when its place did not take it."""

import re
import shutil
from pathlib import Path

from faults.disk import files_in


def taken_from_elsewhere(said):
    """Take away the files that a run says it put elsewhere, as if its report were `report.json`.

    They stay when the same command has succeeded since: whoever was told of them may want them.

    Returns:
        What `files_in` found there. None: nothing is said of another place.
    """
    found = re.search(r"The report is in (\S+)/activation_maxima\.json\.$", said, re.MULTILINE)
    if found is None:
        return None
    folder = Path(found[1])
    assert folder.name.startswith("hubmaxact-report-"), said
    files = files_in(folder)
    shutil.rmtree(folder)
    return {name.replace("activation_maxima", "report"): file for name, file in files.items()}

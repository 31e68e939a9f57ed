"""Runs the command line many times for the price of one start: a process that forks for each run.

Reads one JSON object for each run from stdin (arguments, folder, file for the output) and answers
with its exit code. Every run is a fresh child that has imported everything and used nothing.
"""

import json
import os
import sys

import pyarrow.parquet
from huggingface_hub import HfApi  # noqa: F401 likewise; the name is resolved lazily

import hubmaxact.catalog.build
import hubmaxact.cli.catalog
import hubmaxact.cli.catalog_progress  # noqa: F401
from hubmaxact.cli.main import main
from hubmaxact.report.validate import validate


def run(arguments, folder, output):
    """What `hubmaxact ARGUMENTS` does, in this process; never returns."""
    os.chdir(folder)
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    sys.argv = ["hubmaxact", *arguments]
    code = 70
    try:
        main()
        code = 0
    except SystemExit as end:
        code = end.code or 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


validate({})  # compiles the schema
pyarrow.array([])  # looks for pandas, which takes a second to load where it is installed
for line in sys.stdin:
    request = json.loads(line)
    child = os.fork()
    if child == 0:
        run(**request)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    sys.stdout.write(f"{code}\n")
    sys.stdout.flush()

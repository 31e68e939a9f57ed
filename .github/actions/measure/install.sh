#!/usr/bin/env bash
# Install hubmaxact into a virtual environment of its own, out of the way of the caller's Python:
# the package this action came with and the versions it was tested with, or a release from PyPI.
set -euo pipefail

root=$(cd "$GITHUB_ACTION_PATH/../../.." && pwd)
venv=$RUNNER_TEMP/hubmaxact
extra=
if [[ -n $INPUT_CHECKPOINT ]]; then
  extra='[measure]'
fi

install() {
  "$venv/bin/python" -m pip --disable-pip-version-check --quiet install "$@"
}

python -m venv "$venv"
if [[ -n $INPUT_VERSION ]]; then
  install "hubmaxact$extra==$INPUT_VERSION"
else
  install -c "$root/constraints.txt" hatchling
  install -c "$root/constraints.txt" --no-build-isolation "$root$extra"
fi

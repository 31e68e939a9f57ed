#!/usr/bin/env bash
# Install hubmaxact into a virtual environment of its own, out of the way of the caller's Python:
# the package this action came with and the versions it was tested with, or a release from PyPI.
set -euo pipefail

log=$RUNNER_TEMP/hubmaxact-install.log
: > "$log"

# Whatever ends this step early, the job's error is the last that pip calls one, or the last line.
explain() {
  local code=$? said
  if [[ $code != 0 ]]; then
    said=$(grep '^ERROR: ' "$log" || cat "$log")
    said=$(tail -n 1 <<< "$said" | tr -d '\r' | sed 's/^ERROR: //; s/%/%25/g')
    echo "::error title=hubmaxact::hubmaxact could not be installed: ${said:-exit code $code}"
  fi
}
trap explain EXIT

root=$(cd "$GITHUB_ACTION_PATH/../../.." && pwd)
venv=$RUNNER_TEMP/hubmaxact
extra=
if [[ -n $INPUT_CHECKPOINT ]]; then
  extra='[measure]'
fi

install() {
  "$venv/bin/python" -m pip --disable-pip-version-check --quiet install "$@" 2>&1 | tee -a "$log"
}

python -m venv "$venv" 2>&1 | tee -a "$log"
if [[ -n $INPUT_VERSION ]]; then
  install "hubmaxact$extra==$INPUT_VERSION"
else
  install -c "$root/constraints.txt" hatchling
  install -c "$root/constraints.txt" --no-build-isolation "$root$extra"
fi

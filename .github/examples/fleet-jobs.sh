#!/usr/bin/env bash
# Measure every repository of a list, each in a job of its own on Hugging Face Jobs:
#   hf buckets create alice/maxima
#   bash fleet-jobs.sh models.txt alice/maxima --preset paper --device cuda
# What follows the bucket are options of hubmaxact measure. Reports and states of runs lie in the
# bucket, which outlives the jobs. A job that dies is tried again; submit the list again when its jobs
# have ended: what is measured is left alone, what was killed goes on. HF_TOKEN must be a user's
# token that may read the repositories and write to the bucket.
set -euo pipefail

here=$(dirname "$(realpath "$0")") bucket=${2:?name a bucket}
member='pip install --quiet "hubmaxact[measure]==0.1.0"'$'\n'$(cat "$here/fleet-member.sh")
lines=$(bash "$here/fleet-list.sh" "$@")
while IFS= read -r line; do
  hf jobs run --detach --flavor "${FLAVOR:-a10g-large}" --timeout 12h --attempts 3 \
    --secrets HF_TOKEN --volume "hf://buckets/$bucket:/maxima" --label "fleet=$bucket" \
    python:3.12 bash -c "$member" fleet-member.sh "$line" /maxima "${@:3}" < /dev/null
done <<< "$lines"

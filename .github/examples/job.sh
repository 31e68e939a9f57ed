#!/usr/bin/env bash
# Measure on Hugging Face Jobs, and open a pull request from there. A job has no identity of its
# own to exchange: HF_TOKEN must be a user's token that may read alice/model and discuss it.
set -euo pipefail

hf jobs run --flavor a10g-large --timeout 6h --secrets HF_TOKEN python:3.12 bash -c '
  set -e
  pip install --quiet "hubmaxact[measure]==0.1.0"
  hubmaxact measure alice/model --preset paper --device cuda --output report.json
  hubmaxact check report.json --require-complete
  hubmaxact push report.json alice/model --pr
'

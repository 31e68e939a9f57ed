#!/usr/bin/env bash
# Prepare a release where the weights are: measure them, put the report beside the code, tag.
set -euo pipefail

hubmaxact measure ./checkpoint --model-id alice/model --output activation_maxima.json
hubmaxact check activation_maxima.json --config gate.toml
git add activation_maxima.json activation_maxima gate.toml
git commit --message "Report the activation maxima of v1.2.3"
git tag v1.2.3
git push origin HEAD v1.2.3

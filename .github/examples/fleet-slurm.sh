#!/usr/bin/env bash
#SBATCH --job-name=hubmaxact
#SBATCH --output=hubmaxact-%A_%a.log
#SBATCH --gpus=1
#SBATCH --time=12:00:00
#SBATCH --requeue
# Measure every repository of a list, as one Slurm array:
#   bash fleet-slurm.sh models.txt /shared/maxima --preset paper --device cuda
# What follows the folder are options of hubmaxact measure. /shared is storage that all nodes see.
# Submit it again at any time: what is measured is left alone, what was killed goes on. Have an
# environment with hubmaxact[measure] active, which jobs inherit.
set -euo pipefail

if [[ -n ${SLURM_ARRAY_TASK_ID:-} ]]; then
  here=$1 lines=$2 folder=$3
  line=$(sed -n "$((SLURM_ARRAY_TASK_ID + 1))p" "$lines")
  exec bash "$here/fleet-member.sh" "$line" "$folder" "${@:4}"
fi

here=$(dirname "$(realpath "$0")") # Slurm runs a copy of this script from elsewhere
mkdir -p "${2:?name a folder that all nodes see}/lists"
folder=$(realpath "$2")
lines=$(mktemp "$folder/lists/XXXXXXXX") # another list may be submitted while this one waits
bash "$here/fleet-list.sh" "$@" > "$lines" || { rm "$lines"; exit 2; }
last=$(($(wc -l < "$lines") - 1))
exec sbatch --array="0-$last%${AT_ONCE:-8}" "$here/fleet-slurm.sh" \
  "$here" "$lines" "$folder" "${@:3}"

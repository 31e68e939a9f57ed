#!/usr/bin/env bash
# Measure one repository of a fleet:
#   bash fleet-member.sh OWNER/NAME[@REVISION] FOLDER [OPTION of hubmaxact measure]...
# Its report goes to FOLDER/reports/OWNER/NAME[@REVISION]/. One that is there, valid and of the commit
# that the revision names now is left alone; a run that was killed goes on from FOLDER/states. Other
# options want another FOLDER.
set -euo pipefail

line=$1 folder=$2
shift 2
repository=${line%%@*} revision=main
if [[ $line == *@* ]]; then revision=${line#*@}; fi
report=$folder/reports/$line/activation_maxima.json

commit=$(python3 - "$repository" "$revision" <<'PYTHON'
import sys
from huggingface_hub import HfApi
try:
    print(HfApi().model_info(sys.argv[1], revision=sys.argv[2]).sha)
except Exception as error:
    sys.exit(f"{sys.argv[1]}: {error}")
PYTHON
)
if [[ -f $report ]] && hubmaxact validate "$report" &&
  [[ $(python3 -c 'import hubmaxact, sys; print(hubmaxact.read_report(sys.argv[1])["model"]["commit"])' "$report") == "$commit" ]]; then
  echo "$line is measured at $commit already." >&2
  exit 0
fi
state=$folder/states/$line/$commit
mkdir -p "$(dirname "$report")" "$state"
hubmaxact measure "$repository" --revision "$revision" --state-dir "$state" --output "$report" "$@"
rmdir "$state" 2> /dev/null || true

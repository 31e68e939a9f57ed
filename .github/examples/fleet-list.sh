#!/usr/bin/env bash
# Print the repositories of a list, or refuse it: bash fleet-list.sh models.txt
# A line is owner/name or owner/name@revision; # begins a comment, and empty lines count for nothing.
set -euo pipefail
export LC_ALL=C

word='[A-Za-z0-9][A-Za-z0-9._-]*'
line_of_a_list="^$word/$word(@$word(/$word)*)?\$"
list=${1:?name a file of repositories, one a line}
[[ -r $list ]] || { printf "%s cannot be read. Name a file of repositories, one a line.\n" "$list" >&2; exit 2; }
number=0
found=$'\n'
while IFS= read -r line || [[ -n $line ]]; do
  number=$((number + 1))
  line=${line%%#*}
  line=${line%"${line##*[![:space:]]}"}
  [[ -n $line ]] || continue
  if ! [[ $line =~ $line_of_a_list ]]; then
    printf '%s, line %d: %q is not owner/name or owner/name@revision. Correct it; nothing was started.\n' "$list" "$number" "$line" >&2
    exit 2
  fi
  if [[ $found == *$'\n'"$line"$'\n'* ]]; then
    printf '%s, line %d: %s is there twice. Remove one; nothing was started.\n' "$list" "$number" "$line" >&2
    exit 2
  fi
  found+=$line$'\n'
done < "$list"
if [[ $found == $'\n' ]]; then
  printf '%s names no repository. Write one a line, as owner/name.\n' "$list" >&2
  exit 2
fi
printf '%s' "${found#$'\n'}"

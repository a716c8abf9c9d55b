#!/bin/bash
# Searches the model of the money flow completely, then each of ten seeded mutants, which must fail.
# Small scope (1 crash, 2 sends): about 46 million states, 5 minutes, 3 GB. FAST=1 runs the mutants
# only. MODEL_JOBS mutants run side by side (one needs up to 2 GB).
set -u
here=$(cd "$(dirname "$0")" && pwd)
for need in spin gcc; do
  command -v "$need" >/dev/null || { echo "The model needs $need: apt-get install $need"; exit 2; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# search NAME "SPIN FLAGS" "GCC FLAGS": prints "NAME errors states seconds"
search() {
  mkdir -p "$work/$1" && cd "$work/$1" && cp "$here/refund_recharge.pml" m.pml
  # shellcheck disable=SC2086 - the flags are words
  spin -a $2 -DCRASH=1 -DSENDS=2 m.pml >spin.log 2>&1 &&
    gcc -O2 -w -DVECTORSZ=2048 -DCOLLAPSE -DSAFETY $3 -o pan pan.c 2>>spin.log &&
    ./pan -m2000000 -n >pan.log 2>&1
  errors=$(grep -ao 'errors: [0-9]*' pan.log | grep -o '[0-9]*')
  states=$(grep -a 'states, stored' pan.log | awk '{print $1}')
  seconds=$(grep -a 'elapsed time' pan.log | awk '{print $4}')
  # A search that was cut short has proven nothing.
  grep -aq 'Search not completed\|out of memory\|max search depth too small' pan.log && cut=1 || cut=0
  echo "$1 ${errors:-none} ${states:-0} ${seconds:-0} $cut"
}

# judge "NAME errors states seconds cut" WANTED: prints a line; returns 1 for a wrong outcome
judge() {
  read -r name errors states seconds cut <<<"$1"
  wrong=0
  if [ "$2" = none ]; then
    { [ "$errors" = 0 ] && [ "$cut" = 0 ]; } || wrong=1
  else
    { [ "$errors" != none ] && [ "$errors" -ge 1 ]; } || wrong=1
  fi
  verdict=$([ $wrong = 0 ] && echo "as it should be" || echo "WRONG")
  echo "$name: $errors errors in $states states, $seconds s: $verdict"
  return $wrong
}

export -f search
export here work
violations=0
runs=0
printf 'M%s\n' 1 2 3 4 5 6 7 8 9 10 |
  xargs -P "${MODEL_JOBS:-2}" -I{} bash -c 'search {} -D{} "-DBFS -DMEMLIM=12000"' >"$work/mutants"
while read -r line; do
  judge "$line" some || violations=$((violations + 1))
  runs=$((runs + 1))
done < <(sort -V "$work/mutants")
if [ -z "${FAST:-}" ]; then
  judge "$(search base '' '-DMEMLIM=9000')" none || violations=$((violations + 1))
  runs=$((runs + 1))
fi
echo "violations: $violations  model runs: $runs"
[ "$violations" = 0 ] && [ "$runs" -ge 10 ]

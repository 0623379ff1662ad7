#!/usr/bin/env bash
# once.sh PROGRAM MPIRUN [FLAG...]: under a launcher a command that is no run says once what it says alone, with the same
# exit code, and does once what it does.
set -euo pipefail
program=$1
shift
launcher=("$@" -n 2)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

for words in "--version" "--help" "run --help" "list strategies" "topology ring:8" "docs strategies" "strange" "report nowhere"; do
  read -ra arguments <<<"$words"
  expected=0
  "$program" "${arguments[@]}" >alone.out 2>alone.err || expected=$?
  code=0
  "${launcher[@]}" "$program" "${arguments[@]}" >together.out 2>together.err || code=$?
  [ "$code" -eq "$expected" ] || fail "laconic $words ends with $code under the launcher, alone with $expected"
  cmp alone.out together.out || fail "laconic $words says something else under the launcher"
  # A launcher adds lines of its own where a program fails.
  if [ -s alone.err ]; then
    [ "$(grep -cFx -f alone.err together.err)" -eq 1 ] || fail "laconic $words does not say its error once: $(cat together.err)"
  fi
done
# A run over MPI ends when a process is lost.
cat >absent.toml <<'JOB'
[job]
epochs = 1
[data]
dataset = "fashion_mnist"
[model]
name = "lenet5"
[optimizer]
name = "adam"
[workers]
count = 2
least = 1
[strategy]
name = "synchronous"
JOB
code=0
"${launcher[@]}" "$program" run absent.toml >together.out 2>together.err || code=$?
[ "$code" -eq 2 ] || fail "a job with absent workers ends with $code under the launcher: $(cat together.err)"
grep -q "absent.toml:11: workers.least: a run over MPI ends when a process is lost" together.err ||
  fail "a job with absent workers is refused in other words: $(cat together.err)"
echo "all said once"

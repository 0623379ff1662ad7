#!/usr/bin/env bash
# tests/python/arrays.sh PROGRAM: arrays that NumPy wrote, of every type and form. A job that reads them ends with the model,
# to the bit, that it has from the same samples in IDX files or tables. Then the arrays of examples/own_data. Exit code 77, which
# says that nothing was tried, where there is no NumPy.
set -euo pipefail
program=$(realpath "$1")
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=/usr/bin/python3
if ! "$python" -c 'import numpy' 2>/dev/null; then
  echo "no NumPy for $python (Debian's python3-numpy): no array of it was read"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"$python" "$here/arrays.py" > arrays

cat > job.toml <<'END'
[job]
steps = 40
[data]
dataset = "numpy"
dir = "."
batch = 16
[model]
name = "logistic_regression"
[optimizer]
name = "sgd"
learning_rate = 0.001
[workers]
count = 2
threads = 1
[strategy]
name = "synchronous"
[evaluation]
every = "40 steps"
[output]
progress = "off"
END

run() {  # name, then what the job has beside job.toml
  "$program" run job.toml --set job.name="$1" "${@:2}" > "$1.log" 2>&1
}
run_or_say() {
  run "$@" && return
  cat "$1.log" >&2
  exit 1
}
table=(--set data.dataset=csv --set data.label=61 --set data.normalise=false --set data.classes=10)
run_or_say bytes --set data.dataset=mnist
run_or_say numbers "${table[@]}" --set data.train_file=numbers_train.csv --set data.test_file=numbers_test.csv
run_or_say whole "${table[@]}" --set data.train_file=whole_train.csv --set data.test_file=whole_test.csv
# Whether two runs have the same tensors and measured the same on the test split.
same() {
  "$python" - "$@" <<'END'
import json, struct, sys

def tensors(run):
    with open(f"runs/{run}/model.safetensors", "rb") as file:
        file.seek(struct.unpack("<Q", file.read(8))[0], 1)
        return file.read()

def test(run):
    return json.load(open(f"runs/{run}/summary.json"))["test"]

one, other = sys.argv[1:]
sys.exit(0 if tensors(one) == tensors(other) and test(one) == test(other) else f"{one} and {other}: {test(one)}, {test(other)}")
END
}
if same numbers whole 2> /dev/null; then
  echo "other samples made the same model: nothing can be compared" >&2
  exit 1
fi

count=0
while read -r kind keys; do
  count=$((count + 1))
  read -ra settings <<< "$keys"
  if [ "$kind" = refused ]; then
    word=${settings[0]}
    if run "array$count" "${settings[@]:1}" --set data.classes=10 || ! grep -q "$word" "array$count.log"; then
      echo "not refused with a word of '$word': $keys" >&2
      exit 1
    fi
    continue
  fi
  run_or_say "array$count" "${settings[@]}" --set data.classes=10
  same "$kind" "array$count"
done < arrays
[ "$count" -ge 20 ]

example=$here/../../examples/own_data
"$python" "$example/stripes.py" runs/stripes-data
"$program" run "$example/stripes.toml" --set data.dir=runs/stripes-data --set job.epochs=2 --set output.progress=off
"$python" -c 'import json; assert json.load(open("runs/stripes/summary.json"))["test"]["accuracy"] > 0.8'
echo "$count sets of arrays read as NumPy wrote them"

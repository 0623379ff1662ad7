#!/usr/bin/env bash
# tests/python/models.sh PROGRAM [PYTHON]: the module of examples/pytorch_model trained by three strategies, a model of the program's
# own, and an LSTM with a loss of its own trained on text, all read by Python. Exit code 77, which says that nothing was tried, where there is no PyTorch.
set -euo pipefail
program=$(realpath "$1")
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=${2:-/usr/bin/python3}
if ! "$python" -c 'import torch' 2>/dev/null; then
  echo "no PyTorch for $python (Debian's has python3-torch): models were not read by Python"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"$python" "$here/../../examples/pytorch_model/export.py" net.pt

common=(--set model.file=net.pt --set job.epochs=0 --set job.steps=120 --set optimizer.learning_rate=0.003 --set workers.count=4 --set evaluation.every="120 steps" --set output.progress=off)
job=$here/../../examples/pytorch_model/job.toml
sparse=(--set compression.operator=top_k --set compression.ratio=0.1)
"$program" run "$job" "${common[@]}" --set job.name=fda
"$program" run "$job" "${common[@]}" --set job.name=choco --set strategy.name=choco --set topology.graph=ring "${sparse[@]}"
"$program" run "$job" "${common[@]}" --set job.name=push --set strategy.name=sparse_push --set topology.graph=directed_ring "${sparse[@]}"
"$program" run "$job" "${common[@]:2}" --set job.name=own --set model.name=lenet5
"$program" run "$job" "${common[@]}" --set job.name=fda --set output.dir=runs/again --set workers.threads=1
cmp runs/fda/model.safetensors runs/again/model.safetensors
"$python" "$here/models.py" net.pt

# A state dict that Python has saved, also as the checkpoint of a training loop, and a module as it is, are measured.
"$python" - <<'PYTHON'
import torch
state = torch.load("runs/own/model.pt")
torch.save(state, "state.pt")
torch.save({"epoch": 1, "model_state_dict": {"module." + name: value for name, value in state.items()}}, "checkpoint.pt")
PYTHON
# Without the lines of progress that slow machines show.
measure() {
  "$program" evaluate "$@" | grep -v '^evaluating the model '
}
own=(--set model.name=lenet5)
measure runs/own/model.safetensors "$job" "${own[@]}" >measured
for model in runs/own/model.pt state.pt checkpoint.pt; do
  measure "$model" "$job" "${own[@]}" | cmp - measured
done
measure runs/fda/model.safetensors "$job" --set model.file=net.pt >measured
measure runs/fda/model.pt "$job" | cmp - measured

mkdir text
"$python" "$here/text.py" write text
cat >text.toml <<'TOML'
[job]
name = "text"
epochs = 6
[data]
dataset = "tinyshakespeare"
dir = "text"
batch = 4
[model]
file = "text/net.pt"
loss = "module"
[optimizer]
name = "adam"
learning_rate = 0.01
[workers]
count = 2
[strategy]
name = "fda"
threshold = 0.05
[evaluation]
every = "6 epochs"
[output]
progress = "off"
TOML
"$program" run text.toml
"$python" "$here/text.py" check text runs/text
# From the last letter alone three in four can be known; the rest is in what the LSTM remembers.
accuracy=$(sed -n 's/.*"best_test_accuracy": \([0-9.]*\).*/\1/p' runs/text/summary.json)
"$python" -c "assert $accuracy > .85, $accuracy"

# What was done to a table's columns is stored, and goes into the model where the job asks for it.
mkdir table
"$python" "$here/preprocess.py" write table
cut -d, -f1-4 table/train.csv >table/classes.csv
cut -d, -f1-3,5 table/train.csv >table/numbers.csv
cat >table.toml <<'TOML'
[job]
name = "table"
steps = 300
[data]
dataset = "csv"
dir = "table"
test_file = ""
validation = 0.1
[model]
name = "mlp"
[optimizer]
name = "adam"
learning_rate = 0.01
[workers]
count = 2
[strategy]
name = "synchronous"
[evaluation]
every = "300 steps"
[output]
progress = "off"
TOML
classes=(--set data.train_file=classes.csv --set data.label=kind)
"$program" run table.toml "${classes[@]}" --set job.name=state
"$program" run table.toml "${classes[@]}" --set job.name=classes --set output.preprocess=true
"$program" run table.toml --set data.train_file=numbers.csv --set data.label=price --set data.targets=numbers \
  --set model.loss=mse --set job.name=numbers --set output.preprocess=true
"$python" "$here/preprocess.py" check table

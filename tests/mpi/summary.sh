#!/usr/bin/env bash
# summary.sh PROGRAM MPIRUN [FLAG...]: what a run over processes tells of classes and workers is what the simulator tells
# of the same job, whose models are the same to the bit.
set -euo pipefail
program=$1
shift
launcher=("$@" -n 2)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

mkdir data
/usr/bin/python3 - <<'END'
import random
random.seed(5)
for name, lines in (("train", 120), ("test", 90)):
    with open(f"data/{name}.csv", "w") as file:
        file.write("x,y,label\n")
        for i in range(lines):
            label = random.choice(("cat", "dog"))
            file.write(f"{random.gauss(1 if label == 'cat' else -1, 1)},{random.gauss(0, 1)},{label}\n")
END
cat >job.toml <<'END'
[job]
steps = 30
[data]
dataset = "csv"
dir = "data"
label = "label"
batch = 8
[model]
name = "logistic_regression"
[optimizer]
name = "sgd"
[workers]
count = 2
[strategy]
name = "synchronous"
[output]
progress = "off"
END
"$program" run job.toml --set job.name=alone >alone.out
"${launcher[@]}" "$program" run job.toml --set job.name=together >together.out
/usr/bin/python3 - <<'END'
import json

alone, together = (json.load(open(f"runs/{name}/summary.json")) for name in ("alone", "together"))
assert alone["runtime"] == "simulator" and together["runtime"] == "mpi"
assert alone["classification"]["samples"] == 90 and len(alone["classification"]["confusion"]) == 2
assert 0.6 < alone["classification"]["auc"] <= 1
assert together["classification"] == alone["classification"], (together["classification"], alone["classification"])
keys = ("own_accuracy", "own_samples", "test_accuracy")
for mine, its in zip(alone["by_worker"], together["by_worker"], strict=True):
    assert [mine[key] for key in keys] == [its[key] for key in keys], (mine, its)
    assert mine["own_samples"] == 60
END
# Whose model it is that was measured, and the counts of a quiet run.
grep -q 'of the average model at step 30' alone.out
grep -q 'of the model that worker 0 last synchronised at step 30' together.out
grep -q '^  classes       macro F1 .*AUC ' together.out
echo "the same of both"

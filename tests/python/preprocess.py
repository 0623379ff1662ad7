"""Tables that a job reads, and what it stored of them, against PyTorch on the raw rows: preprocess.py write|check FOLDER"""
import csv
import json
import sys
import zipfile

import numpy as np
import torch

FEATURES = ["time", "height", "width"]


def rows_of(folder):
    with open(f"{folder}/train.csv") as file:
        table = list(csv.reader(file))
    assert table[0][:3] == FEATURES
    return np.array([[float(field) for field in row[:3]] for row in table[1:]]), [row[3:] for row in table[1:]]


def write(folder):
    generator = np.random.default_rng(1)
    with open(f"{folder}/train.csv", "w") as file:
        print(*FEATURES, "kind", "price", sep=",", file=file)
        for _ in range(400):
            time, height, width = 1.7e9 + generator.integers(0, 900), generator.normal(170, 8), generator.normal(0, 1e-3)
            kind = ["low", "middle", "high"][int((height > 165) + (height > 175))]
            print(time, height, width, kind, 250 + 3 * (height - 170) + (time - 1.7e9) / 50, sep=",", file=file)


def check(folder):
    rows, answers = rows_of(folder)
    for run in ("classes", "numbers"):
        summary = json.load(open(f"runs/{run}/summary.json"))
        notes = json.load(open(f"runs/{run}/preprocess.json"))
        extra = {"preprocess.json": ""}
        model = torch.jit.load(f"runs/{run}/model.pt", _extra_files=extra)
        assert json.loads(extra["preprocess.json"]) == notes
        test = notes["test_rows"]
        assert len(test) == summary["test"]["samples"] == 80
        train = sorted(set(range(len(rows))) - set(test))
        assert set(notes["validation_rows"]) < set(train) and len(notes["validation_rows"]) == 32
        assert notes["inputs"]["names"][:3] == FEATURES
        np.testing.assert_allclose(notes["inputs"]["mean"][:3], rows[train].mean(0), rtol=1e-12)
        np.testing.assert_allclose(notes["inputs"]["deviation"][:3], rows[train].std(0), rtol=1e-9)
        inputs = torch.from_numpy(rows[test])
        if run == "classes":
            names = notes["targets"]["names"]
            assert names == sorted({"low", "middle", "high"})
            with torch.no_grad():
                predicted = [names[i] for i in model(inputs).argmax(1)]
            accuracy = np.mean([kind == answers[row][0] for kind, row in zip(predicted, test)])
            assert accuracy > 0.7 and abs(accuracy - summary["test"]["accuracy"]) < 1e-9, accuracy
            print(f"{run}: accuracy {accuracy:.4f} on raw rows, the same in Python")
            continue
        prices = np.array([float(answers[row][1]) for row in test])
        with torch.no_grad():
            predicted = model(inputs).numpy()[:, 0]
        r2 = 1 - ((predicted - prices) ** 2).sum() / ((prices - prices.mean()) ** 2).sum()
        mae = np.abs(predicted - prices).mean()
        assert r2 > 0.9, r2
        np.testing.assert_allclose([r2, mae], [summary["test"]["r2"], summary["test"]["mae"]], rtol=1e-5)
        print(f"{run}: R2 {r2:.4f}, MAE {mae:.3f} on raw rows, the same in Python")
    with zipfile.ZipFile("runs/state/model.pt") as file:
        (name,) = [name for name in file.namelist() if name.endswith("/extra/preprocess.json")]
        assert json.loads(file.read(name)) == json.load(open("runs/state/preprocess.json"))
    state = torch.load("runs/state/model.pt")
    assert list(state) == ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]


{"write": write, "check": check}[sys.argv[1]](sys.argv[2])

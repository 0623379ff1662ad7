"""Tables as NumPy reads and normalises them, and LEAF's JSON as Python writes it: tables.py SHOW_SAMPLES"""
import json
import os
import sys

import numpy as np

from samples import samples

PROGRAM = sys.argv[1]
generator = np.random.default_rng(2)
COUNT = 500
columns = {
    "plain": generator.normal(3, 2, COUNT),
    "constant": np.full(COUNT, 0.1),
    "times": 1.7e9 + generator.uniform(0, 50, COUNT),
    "ids": 2.0**24 + 1 + np.arange(COUNT) % 7,
    "tiny": generator.normal(0, 1e-30, COUNT),
    "large": generator.normal(0, 1e30, COUNT),
    "whole": generator.integers(-5, 6, COUNT).astype(float),
    "skewed": generator.exponential(1, COUNT) ** 4,
}
table = np.stack(list(columns.values()), 1)
labels = generator.integers(0, 3, COUNT)
os.makedirs("table")
for name, rows in ("train", slice(None)), ("test", slice(0, 10)):
    with open(f"table/{name}.csv", "w") as file:
        print(*columns, "label", sep=",", file=file)
        for row, label in zip(table[rows], labels[rows]):
            print(*(repr(float(value)) for value in row), label, sep=",", file=file)

deviation = table.std(0)
deviation[list(columns).index("constant")] = 1  # a column of one value becomes 0
wanted = (table - table.mean(0)) / deviation
found = samples(PROGRAM, "csv", "table")[:, 0, 0, :]
# A float has 24 bits; the mean of large times, in double, loses some of its own.
error = np.abs(found - wanted).max(0)
assert (error < 1e-6 * np.maximum(1, np.abs(wanted).max(0))).all(), dict(zip(columns, error))
assert np.abs(found.mean(0, dtype="f8")).max() < 1e-6
kept = samples(PROGRAM, "csv", "table", normalise="false")[:, 0, 0, :]
assert (kept == table.astype("f4")).all()

# LEAF's form, as its scripts write it: images in lists of lists, in two files of users.
images = generator.uniform(0, 1, (60, 4, 5))
for split, first in ("train", 0), ("test", 30):
    os.makedirs(f"leaf/{split}")
    for part in 0, 1:
        users = {f"user {part}{user}": range(first + 15 * part + 5 * user, first + 15 * part + 5 * user + 5)
                 for user in range(3)}
        content = {"users": list(users), "num_samples": [len(places) for places in users.values()], "user_data": {
            user: {"x": images[list(places)].tolist(), "y": [place % 3 for place in places]}
            for user, places in users.items()}}
        with open(f"leaf/{split}/part_{part}.json", "w") as file:
            json.dump(content, file)
found = samples(PROGRAM, "leaf", "leaf", shape="4x5")
assert (found[:, 0] == images[:30].astype("f4")).all()
print(f"{table.shape[1]} columns normalised as NumPy does, {len(found)} samples of LEAF's JSON")

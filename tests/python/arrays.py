"""Samples that NumPy made, in the current folder in every form that a job can read them: arrays.py

Images of bytes lie in IDX files, and numbers in tables of text (those of one four times as large, and whole); all lie in
arrays too. Prints a line for each set of arrays: whose samples it has, and the settings of a job that reads it. Then one
for each array that is refused, with a word of the reason.
"""
import struct
import warnings

import numpy as np

generator = np.random.default_rng(1)
SHAPE = (3, 5, 4)  # channels, height, width
COUNTS = {"train": 240, "test": 60}
# Between -100 and 100, in steps that float16 holds and decimal digits write exactly.
inputs = {split: generator.integers(-400, 401, (count, *SHAPE)) / 4 for split, count in COUNTS.items()}
pixels = {split: generator.integers(0, 256, (count, 5, 4), dtype="uint8") for split, count in COUNTS.items()}
labels = {split: np.where(values.sum((1, 2, 3)) > 0, 2, values[:, 0, 0, 0] > 0) for split, values in inputs.items()}


def idx(name, array):
    with open(name, "wb") as file:
        file.write(struct.pack(f">I{array.ndim}I", 0x800 + array.ndim, *array.shape))
        file.write(array.astype("uint8").tobytes())


for split, prefix in ("train", "train"), ("test", "t10k"):
    idx(f"{prefix}-images-idx3-ubyte", pixels[split])
    idx(f"{prefix}-labels-idx1-ubyte", labels[split])
    for name, factor in ("numbers", 1), ("whole", 4):
        with open(f"{name}_{split}.csv", "w") as file:
            for row, label in zip(inputs[split].reshape(COUNTS[split], -1) * factor, labels[split]):
                print(*row, label, sep=",", file=file)


def show(kind, **keys):
    print(kind, *(f"--set=data.{key}={value}" for key, value in keys.items()))


def archive(kind, name, arrays, save=np.savez, **keys):
    save(name, **arrays)
    show(kind, train_file=name, test_file=name, inputs="x_{split}", labels="y_{split}", **keys)


def both(values, answers=labels):
    return {f"x_{split}": values[split] for split in COUNTS} | {f"y_{split}": answers[split] for split in COUNTS}


def cast(arrays, dtype):
    return {split: array.astype(dtype) for split, array in arrays.items()}


def flat(arrays):
    return {split: array.reshape(len(array), -1) for split, array in arrays.items()}


archive("bytes", "bytes.npz", both(pixels))
archive("bytes", "packed.npz", both(pixels, cast(labels, ">i4")), np.savez_compressed)
archive("bytes", "channel.npz", both({split: array[..., None] for split, array in pixels.items()}),
        layout="channels-last")
for dtype in "<f2", ">f2", "<f4", ">f4", "<f8", ">f8":
    archive("numbers", f"{dtype[1:]}{dtype[0] == '>'}.npz", both(cast(flat(inputs), dtype), cast(labels, "uint8")))
whole = {split: (array * 4).astype("int64") for split, array in flat(inputs).items()}
for dtype in "<i2", ">i2", "<i4", ">i4", "<i8", ">i8":
    archive("whole", f"whole{dtype[1:]}{dtype[0] == '>'}.npz", both(cast(whole, dtype), cast(labels, "<u2")))
for split in COUNTS:
    np.save(f"x_{split}.npy", inputs[split].astype("f4"))
    np.save(f"y_{split}.npy", labels[split].reshape(-1, 1))
show("numbers", train_file="x_train.npy", train_labels="y_train.npy", test_file="x_test.npy", test_labels="y_test.npy")
last = {split: np.ascontiguousarray(array.transpose(0, 2, 3, 1), "f4") for split, array in inputs.items()}
archive("numbers", "last.npz", both(last), np.savez_compressed, layout="channels-last")
archive("numbers", "columns.npz", both({split: np.asfortranarray(array) for split, array in inputs.items()}))
for version in (1, 0), (2, 0), (3, 0):
    for split in COUNTS:
        with open(f"x_{split}_{version[0]}.npy", "wb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that older versions do not read it
            np.lib.format.write_array(file, inputs[split].astype("f4"), version=version)
    show("numbers", train_file=f"x_train_{version[0]}.npy", train_labels="y_train.npy",
         test_file=f"x_test_{version[0]}.npy", test_labels="y_test.npy")

# What is refused.
for word, array in {
    "objects": np.array([{}] * COUNTS["train"], dtype=object),
    "records": np.zeros(COUNTS["train"], dtype=[("a", "f4")]),
    "<c8": flat(inputs)["train"].astype("complex64"),
    "finite": np.full((COUNTS["train"], 2), np.nan),
}.items():
    np.save(f"refused_{word}.npy", array)
    show(f"refused {word}", train_file=f"refused_{word}.npy", train_labels="y_train.npy", test_file=f"refused_{word}.npy",
         test_labels="y_train.npy")

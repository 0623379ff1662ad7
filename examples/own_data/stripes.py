"""Images for stripes.toml, as NumPy keeps them: stripes.py [FOLDER], by default the folder stripes beside this file"""
import pathlib
import sys

import numpy as np

generator = np.random.default_rng(1)
place = np.arange(16)


def images(count):
    labels = generator.integers(0, 3, count)
    pixels = np.empty((count, 16, 16, 3), "uint8")
    for image, label in zip(pixels, labels):
        # Rows, columns, or diagonals, of two random colours.
        along = [place[:, None], place[None, :], place[:, None] + place[None, :]][label]
        light = (along + generator.integers(4)) // 2 % 2 * np.ones((16, 16), int)
        image[:] = generator.integers(0, 256, (2, 3))[light]
    return {"x": pixels, "y": labels}


folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "stripes"
folder.mkdir(parents=True, exist_ok=True)
np.savez_compressed(folder / "train.npz", **images(1200))
np.savez_compressed(folder / "test.npz", **images(300))

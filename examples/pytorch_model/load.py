"""Loads the module that a run gave back, and measures it on Fashion-MNIST's test split: load.py runs/job/model.pt"""
import gzip
import sys

import torch

FOLDER = "/usr/share/datasets/fashion-mnist/"


def idx(name, offset):
    with gzip.open(FOLDER + name) as file:
        return torch.frombuffer(bytearray(file.read()[offset:]), dtype=torch.uint8)


model = torch.jit.load(sys.argv[1]).eval()
images = idx("t10k-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28) / 255
labels = idx("t10k-labels-idx1-ubyte.gz", 8)
with torch.no_grad():
    right = sum((model(x).argmax(1) == y).sum().item() for x, y in zip(images.split(500), labels.split(500)))
print(f"accuracy {right / len(labels):.4f}")

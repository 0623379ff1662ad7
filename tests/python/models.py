"""What runs/NAME/model.pt and model.safetensors have to hold, against the module that went in: models.py NET"""
import gzip
import json
import struct
import sys

import torch

FOLDER = "/usr/share/datasets/fashion-mnist/"


def safetensors(path):
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        head = json.loads(file.read(size))
        body = file.read()
    tensors = {}
    for name, entry in head.items():
        if name == "__metadata__":
            continue
        assert entry["dtype"] == "F32", name
        begin, end = entry["data_offsets"]
        tensors[name] = torch.frombuffer(bytearray(body[begin:end]), dtype=torch.float32).reshape(entry["shape"])
    return tensors


def idx(name, offset):
    with gzip.open(FOLDER + name) as file:
        return torch.frombuffer(bytearray(file.read()[offset:]), dtype=torch.uint8)


def accuracy(model):
    images = idx("t10k-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28) / 255
    labels = idx("t10k-labels-idx1-ubyte.gz", 8)
    with torch.no_grad():
        right = sum((model(x).argmax(1) == y).sum().item() for x, y in zip(images.split(500), labels.split(500)))
    return right / len(labels)


given = torch.jit.load(sys.argv[1])
frozen = {name for name, parameter in given.named_parameters() if not parameter.requires_grad}
assert frozen == {"project.weight", "project.bias"}
for run in ("fda", "choco", "push"):
    back = torch.jit.load(f"runs/{run}/model.pt").eval()
    stored = safetensors(f"runs/{run}/model.safetensors")
    state, before = back.state_dict(), given.state_dict()
    assert list(state) == list(before), run
    for name, tensor in state.items():
        if name in frozen or tensor.dtype != torch.float32:
            assert torch.equal(tensor, before[name]), (run, name)
        else:
            assert torch.equal(tensor, stored.pop(name)), (run, name)
            assert not torch.equal(tensor, before[name]), (run, name)
    assert not stored, (run, stored.keys())
    measured = json.load(open(f"runs/{run}/summary.json"))["test"]["accuracy"]
    assert measured > 0.3, (run, measured)
    assert abs(accuracy(back) - measured) < 5e-4, (run, accuracy(back), measured)
    print(f"{run}: accuracy {measured:.4f}, the same in Python")

state = torch.load("runs/own/model.pt")
stored = safetensors("runs/own/model.safetensors")
assert list(state) == list(stored)
assert all(torch.equal(state[name], stored[name]) for name in stored)

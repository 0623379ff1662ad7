"""Writes net.pt, a module as others write them: batch norm, dropout, a layer used twice, a frozen one."""
import sys

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2))
        self.project = nn.Linear(16 * 7 * 7, 64)
        self.mix = nn.Linear(64, 64)  # used twice
        self.drop = nn.Dropout(0.25)
        self.head = nn.Linear(64, 10)
        for parameter in self.project.parameters():  # a random projection that stays
            parameter.requires_grad_(False)

    def forward(self, x):
        x = self.features(x).flatten(1)
        x = torch.relu(self.mix(torch.relu(self.project(x))))
        x = self.drop(torch.relu(self.mix(x)))
        return self.head(x)


torch.manual_seed(1)
torch.jit.script(Net()).save(sys.argv[1] if len(sys.argv) > 1 else "net.pt")

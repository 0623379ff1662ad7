"""Writes a text and a module for it, or reads the module back: text.py write FOLDER | text.py check FOLDER RUN

The module is torch.nn.LSTM, which computes with a list of its parameters, with tied weights, and a loss of its own.
"""
import pathlib
import sys

import torch
from torch import nn

ALPHABET = "abcdefgh\n"
VOCABULARY = len(ALPHABET) + 1  # and one for what the training text has not


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(VOCABULARY, 16)
        self.lstm = nn.LSTM(16, 16, num_layers=2, batch_first=True, dropout=0.1)
        self.scores = nn.Linear(16, VOCABULARY)
        self.scores.weight = self.table.weight

    def forward(self, tokens):
        hidden, _ = self.lstm(self.table(tokens))
        return self.scores(hidden)

    @torch.jit.export
    def loss(self, output: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(output, labels, label_smoothing=0.05)


command, folder = sys.argv[1], pathlib.Path(sys.argv[2])
if command == "write":
    # Each letter is followed by the next one or, one time in four and after a pattern, by the one after it.
    state, text = 1, []
    for i in range(20000):
        draw = (i * 2654435761 >> 7) % 4
        state = (state + (2 if draw == 0 else 1)) % len(ALPHABET)
        text.append(ALPHABET[state])
    (folder / "tinyshakespeare.txt").write_text("".join(text))
    torch.manual_seed(1)
    torch.jit.script(Net()).save(str(folder / "net.pt"))
else:
    given = torch.jit.load(str(folder / "net.pt"))
    back = torch.jit.load(f"{sys.argv[3]}/model.pt").eval()
    before, after = given.state_dict(), back.state_dict()
    assert list(before) == list(after)
    for name, tensor in after.items():
        assert not torch.equal(tensor, before[name]), f"{name} was not trained"
    assert torch.equal(after["scores.weight"], after["table.weight"])
    # What came back computes with what was trained: the plain module with the same tensors gives the same.
    plain = Net().eval()
    plain.load_state_dict(after)
    tokens = torch.arange(40).remainder(len(ALPHABET)).reshape(4, 10)
    with torch.no_grad():
        assert torch.allclose(back(tokens), plain(tokens), atol=1e-5)
    print(f"{sys.argv[3]}: an LSTM came back as it was trained")

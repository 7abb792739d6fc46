# runs: 1
# metrics: loss
"""A wave, continued by two LSTM cells and L-BFGS with a closure."""

import numpy as np
import torch
from torch import nn, optim

np.random.seed(0)
torch.manual_seed(0)
x = np.arange(40) + np.random.randint(-40, 40, 6).reshape(6, 1)
data = torch.from_numpy(np.sin(x / 8.0))


class Sequence(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm1 = nn.LSTMCell(1, 9)
        self.lstm2 = nn.LSTMCell(9, 9)
        self.linear = nn.Linear(9, 1)

    def forward(self, input, future=0):
        outputs = []
        state1 = (torch.zeros(len(input), 9, dtype=torch.double),) * 2
        state2 = state1
        for part in input.split(1, dim=1):
            state1 = self.lstm1(part, state1)
            state2 = self.lstm2(state1[0], state2)
            outputs.append(self.linear(state2[0]))
        for _ in range(future):
            state1 = self.lstm1(outputs[-1], state1)
            state2 = self.lstm2(state1[0], state2)
            outputs.append(self.linear(state2[0]))
        return torch.cat(outputs, dim=1)


seq = Sequence().double()
criterion = nn.MSELoss()
optimizer = optim.LBFGS(seq.parameters(), lr=0.6, max_iter=6)
for step in range(4):
    print("STEP:", step)

    def closure():
        optimizer.zero_grad()
        out = seq(data[2:, :-1])
        loss = criterion(out, data[2:, 1:])
        print("loss:", loss.item())
        loss.backward()
        return loss

    optimizer.step(closure)
    with torch.no_grad():
        pred = seq(data[:2, :-1], future=5)
        print("test loss:", criterion(pred[:, :-5], data[:2, 1:]).item())
np.save("continued.npy", pred.numpy())

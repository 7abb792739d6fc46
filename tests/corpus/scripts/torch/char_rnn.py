# runs: 1
# metrics: loss
"""Names of made-up villages, letter by letter, by a recurrent net with gradients cut."""

import random
import string

import torch
import torch.nn as nn

random.seed(3)
torch.manual_seed(3)
BEGIN, END = ["Wald", "Stein", "Neu", "Ober", "Hohen", "Gross"], ["dorf", "heim", "berg", "bach", "au", "ried"]
names = [random.choice(BEGIN) + random.choice(END) for _ in range(40)]
letters = string.ascii_letters + "$"
index = {c: i for i, c in enumerate(letters)}


class CharRNN(nn.Module):
    def __init__(self, size, hidden=24):
        super(CharRNN, self).__init__()
        self.embed = nn.Embedding(size, 8)
        self.rnn = nn.GRU(8, hidden)
        self.out = nn.Linear(hidden, size)

    def forward(self, x, h=None):
        x, h = self.rnn(self.embed(x).unsqueeze(1), h)
        return self.out(x.squeeze(1)), h


net = CharRNN(len(letters))
optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
criterion = nn.CrossEntropyLoss()
all_losses, total_loss = [], 0
for i in range(1, 61):
    name = random.choice(names)
    source = torch.tensor([index[c] for c in name])
    target = torch.tensor([index[c] for c in name[1:] + "$"])
    net.zero_grad()
    output, _ = net(source)
    loss = criterion(output, target)
    loss.backward()
    norm = nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimizer.step()
    total_loss += loss.item()
    if i % 20 == 0:
        all_losses.append(total_loss / 20)
        total_loss = 0
print(all_losses, norm.item())


@torch.no_grad()
def sample(start):
    h, c, text = None, start, start
    for _ in range(10):
        out, h = net(torch.tensor([index[c]]), h)
        c = letters[torch.distributions.Categorical(logits=out[0]).sample().item()]
        if c == "$":
            break
        text += c
    return text


print([sample(c) for c in "WNO"], torch.rand(1).item(), random.random())

# runs: 1
# metrics: loss
"""A tiny transformer learns to turn a sequence round; warm-up by a lambda."""

import math

import torch
from torch import nn

torch.manual_seed(5)
torch.use_deterministic_algorithms(True)
VOCAB, LENGTH, WIDTH = 10, 6, 16


class Positions(nn.Module):
    def __init__(self, width, length):
        super().__init__()
        where = torch.arange(length).unsqueeze(1) * torch.exp(torch.arange(0, width, 2) * (-math.log(1e4) / width))
        table = torch.zeros(length, width)
        table[:, 0::2], table[:, 1::2] = torch.sin(where), torch.cos(where)
        self.register_buffer("table", table)

    def forward(self, x):
        return x + self.table[: x.size(1)]


class Turner(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, WIDTH)
        self.positions = Positions(WIDTH, LENGTH)
        layer = nn.TransformerEncoderLayer(WIDTH, 2, 32, dropout=0.1, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(WIDTH, VOCAB, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, x):
        return self.head(self.encoder(self.positions(self.embed(x) * math.sqrt(WIDTH))))


model = Turner()
opt = torch.optim.AdamW(model.parameters(), lr=1.0, betas=(0.9, 0.98), eps=1e-9)
sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: WIDTH**-0.5 * min((s + 1) ** -0.5, (s + 1) * 15**-1.5) * 0.2)
criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
for step in range(40):
    x = torch.randint(0, VOCAB, (16, LENGTH))
    logits = model(x)
    loss = criterion(logits.reshape(-1, VOCAB), x.flip(1).reshape(-1))
    opt.zero_grad(set_to_none=True)
    loss.backward()
    opt.step()
    sched.step()
    if step % 8 == 7:
        print(step, loss.item(), sched.get_last_lr())
model.eval()
print(model(x[:1]).argmax(-1).tolist(), x[:1].flip(1).tolist())
print(sum(p.numel() for p in model.parameters() if p.requires_grad))

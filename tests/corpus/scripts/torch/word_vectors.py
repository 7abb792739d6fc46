# runs: 1
# metrics: loss
"""Skip-grams with negative samples, sparse gradients and two embeddings."""

import collections

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(1)
text = ("the cat sat on the mat the dog sat on the rug a cat and a dog ran to the mat and the rug " * 3).split()
counts = collections.Counter(text)
words = sorted(counts)
ids = {w: i for i, w in enumerate(words)}
pairs = [(ids[w], ids[text[j]]) for i, w in enumerate(text) for j in (i - 1, i + 1) if 0 <= j < len(text)]
noise = torch.tensor([counts[w] for w in words]).float() ** 0.75


class SkipGram(nn.Module):
    def __init__(self, n, dim):
        super().__init__()
        self.centre = nn.Embedding(n, dim, sparse=True)
        self.context = nn.Embedding(n, dim, sparse=True)

    def forward(self, c, o, neg):
        v = self.centre(c)
        positive = (v * self.context(o)).sum(-1)
        negative = torch.bmm(self.context(neg), v.unsqueeze(2)).squeeze(2)
        return -(F.logsigmoid(positive) + F.logsigmoid(-negative).sum(1)).mean()


model = SkipGram(len(words), 6)
optimizer = torch.optim.SparseAdam(list(model.parameters()), lr=0.02)
pairs = torch.tensor(pairs)
for epoch in range(4):
    for batch in pairs[torch.randperm(len(pairs))].split(32):
        negatives = torch.multinomial(noise, len(batch) * 3, replacement=True).view(-1, 3)
        loss = model(batch[:, 0], batch[:, 1], negatives)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
vectors = F.normalize(model.centre.weight.detach())
near = (vectors @ vectors[ids["cat"]]).argsort(descending=True)[1:4]
print([words[i] for i in near])

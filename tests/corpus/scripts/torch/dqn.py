# runs: 1
# metrics: loss
"""Q-learning with a target net, a memory of moves, and greed that grows."""

import math
import random
from collections import deque, namedtuple

import torch
import torch.nn as nn

Transition = namedtuple("Transition", ("state", "action", "next_state", "reward"))


class ReplayMemory(object):
    def __init__(self, capacity):
        self.memory = deque([], maxlen=capacity)

    def push(self, *args):
        self.memory.append(Transition(*args))

    def sample(self, batch_size):
        return random.sample(self.memory, batch_size)

    def __len__(self):
        return len(self.memory)


random.seed(4)
torch.manual_seed(4)
GAMMA, TAU, BATCH = 0.9, 0.05, 16
policy_net = nn.Sequential(nn.Linear(1, 12), nn.ReLU(), nn.Linear(12, 2))
target_net = nn.Sequential(nn.Linear(1, 12), nn.ReLU(), nn.Linear(12, 2))
target_net.load_state_dict(policy_net.state_dict())
optimizer = torch.optim.AdamW(policy_net.parameters(), lr=5e-3, amsgrad=True)
memory = ReplayMemory(200)
steps_done = 0


def optimize_model():
    if len(memory) < BATCH:
        return None
    batch = Transition(*zip(*memory.sample(BATCH)))
    alive = torch.tensor([s is not None for s in batch.next_state])
    q = policy_net(torch.cat(batch.state)).gather(1, torch.cat(batch.action))
    following = torch.zeros(BATCH)
    with torch.no_grad():
        following[alive] = target_net(torch.cat([s for s in batch.next_state if s is not None])).max(1).values
    loss = nn.SmoothL1Loss()(q, (following * GAMMA + torch.cat(batch.reward)).unsqueeze(1))
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_value_(policy_net.parameters(), 100)
    optimizer.step()
    return loss.item()


for episode in range(8):
    place, last = random.uniform(-1, 1), None
    for t in range(20):
        state = torch.tensor([[place]])
        threshold = 0.05 + 0.85 * math.exp(-1.0 * steps_done / 60)
        steps_done += 1
        if random.random() > threshold:
            with torch.no_grad():
                action = policy_net(state).max(1).indices.view(1, 1)
        else:
            action = torch.tensor([[random.randrange(2)]])
        place += 0.25 if action.item() else -0.25
        done = abs(place) > 2
        reward = torch.tensor([-1.0 if done else 1.0 - abs(place)])
        memory.push(state, action, None if done else torch.tensor([[place]]), reward)
        last = optimize_model()
        target = target_net.state_dict()
        for key, value in policy_net.state_dict().items():
            target[key] = value * TAU + target[key] * (1 - TAU)
        target_net.load_state_dict(target)
        if done:
            break
    print(episode, t, last)
print(target_net(torch.linspace(-1, 1, 5).unsqueeze(1)).tolist())

# runs: 0
# why: what is optimised is an image, no parameter of a model: nothing is trained here.
"""Style of one picture, content of another: the input itself is optimised, with closures."""

import torch
import torch.nn.functional as F
from torch import optim

torch.manual_seed(10)
content, style = torch.rand(1, 3, 12, 12), torch.rand(1, 3, 12, 12) ** 3
features = torch.nn.Sequential(torch.nn.Conv2d(3, 6, 3), torch.nn.ReLU(), torch.nn.Conv2d(6, 6, 3)).requires_grad_(
    False
)


def gram(f):
    b, c, h, w = f.shape
    f = f.view(c, h * w)
    return f @ f.t() / (c * h * w)


image = content.clone().requires_grad_(True)
optimizer = optim.LBFGS([image], max_iter=5)
run = [0]
while run[0] <= 12:

    def closure():
        with torch.no_grad():
            image.clamp_(0, 1)
        optimizer.zero_grad()
        out = features(image)
        style_score = 1e3 * F.mse_loss(gram(out), gram(features(style)))
        content_score = F.mse_loss(out, features(content))
        loss = style_score + content_score
        loss.backward()
        run[0] += 1
        if run[0] % 4 == 0:
            print(run[0], style_score.item(), content_score.item())
        return loss

    optimizer.step(closure)
print(image.sum().item())

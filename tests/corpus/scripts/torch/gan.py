# runs: 1
# metrics: errD_real, errD_fake, errG
"""Two nets against each other, for numbers from a bent distribution."""

import torch
import torch.nn as nn
import torch.optim as optim

manualSeed = 999
torch.manual_seed(manualSeed)
nz, batch_size = 4, 32


def weights_init(m):
    if isinstance(m, nn.Linear):
        nn.init.normal_(m.weight.data, 0.0, 0.2)
        nn.init.constant_(m.bias.data, 0)


def real_data():
    x = torch.randn(batch_size, 1)
    return torch.cat([x, x**2 + 0.1 * torch.randn(batch_size, 1)], 1)


netG = nn.Sequential(nn.Linear(nz, 16), nn.BatchNorm1d(16), nn.ReLU(True), nn.Linear(16, 2))
netD = nn.Sequential(nn.Linear(2, 16), nn.LeakyReLU(0.2, inplace=True), nn.Linear(16, 1), nn.Sigmoid())
netG.apply(weights_init)
netD.apply(weights_init)
criterion = nn.BCELoss()
fixed_noise = torch.randn(5, nz)
optimizerD = optim.Adam(netD.parameters(), lr=0.01, betas=(0.5, 0.999))
optimizerG = optim.Adam(netG.parameters(), lr=0.01, betas=(0.5, 0.999))
real_label, fake_label = 1.0, 0.0
for i in range(40):
    netD.zero_grad()
    label = torch.full((batch_size,), real_label)
    output = netD(real_data()).view(-1)
    errD_real = criterion(output, label)
    errD_real.backward()
    D_x = output.mean().item()
    noise = torch.randn(batch_size, nz)
    fake = netG(noise)
    label.fill_(fake_label)
    output = netD(fake.detach()).view(-1)
    errD_fake = criterion(output, label)
    errD_fake.backward()
    errD = errD_real + errD_fake
    optimizerD.step()

    netG.zero_grad()
    label.fill_(real_label)
    output = netD(fake).view(-1)
    errG = criterion(output, label)
    errG.backward()
    optimizerG.step()
    if i % 10 == 0:
        print("[%d] Loss_D: %.8f Loss_G: %.8f D(x): %.8f" % (i, errD.item(), errG.item(), D_x))
with torch.no_grad():
    print(netG(fixed_noise).tolist())
torch.save({"G": netG.state_dict(), "D": netD.state_dict(), "optG": optimizerG.state_dict()}, "both.pth")

# runs: 1
# metrics: g_loss, d_loss
"""Manual optimization of two nets by two optimizers."""

import lightning.pytorch as pl
import torch
import torch.nn.functional as F


class GAN(pl.LightningModule):
    def __init__(self, latent=3, **kwargs):
        super().__init__()
        self.save_hyperparameters()
        self.automatic_optimization = False
        self.generator = torch.nn.Sequential(torch.nn.Linear(latent, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
        self.discriminator = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.LeakyReLU(), torch.nn.Linear(8, 1))
        self.example_input_array = torch.zeros(2, latent)

    def forward(self, z):
        return self.generator(z)

    def adversarial_loss(self, y_hat, real):
        return F.binary_cross_entropy_with_logits(y_hat, torch.full_like(y_hat, real))

    def training_step(self, batch):
        (real,) = batch
        optimizer_g, optimizer_d = self.optimizers()
        z = torch.randn(len(real), self.hparams.latent)

        self.toggle_optimizer(optimizer_g)
        g_loss = self.adversarial_loss(self.discriminator(self(z)), 1.0)
        self.log("g_loss", g_loss, prog_bar=True)
        self.manual_backward(g_loss)
        optimizer_g.step()
        optimizer_g.zero_grad()
        self.untoggle_optimizer(optimizer_g)

        self.toggle_optimizer(optimizer_d)
        real_loss = self.adversarial_loss(self.discriminator(real), 1.0)
        fake_loss = self.adversarial_loss(self.discriminator(self(z).detach()), 0.0)
        d_loss = (real_loss + fake_loss) / 2
        self.log("d_loss", d_loss, prog_bar=True)
        self.manual_backward(d_loss)
        self.clip_gradients(optimizer_d, gradient_clip_val=0.5, gradient_clip_algorithm="norm")
        optimizer_d.step()
        optimizer_d.zero_grad()
        self.untoggle_optimizer(optimizer_d)

    def configure_optimizers(self):
        opt_g = torch.optim.Adam(self.generator.parameters(), lr=0.01, betas=(0.5, 0.999))
        opt_d = torch.optim.Adam(self.discriminator.parameters(), lr=0.01, betas=(0.5, 0.999))
        return [opt_g, opt_d], []


pl.seed_everything(4)
data = torch.utils.data.TensorDataset(torch.randn(64, 2) * 0.3 + torch.tensor([1.0, -1.0]))
model = GAN(note="kept as a hyper-parameter")
trainer = pl.Trainer(
    max_epochs=3, enable_progress_bar=False, logger=False, enable_checkpointing=False, accelerator="cpu", devices=1
)
trainer.fit(model, torch.utils.data.DataLoader(data, batch_size=16))
print({k: v.item() for k, v in trainer.callback_metrics.items()}, trainer.global_step)
print(model(torch.ones(2, 3)).tolist())

# runs: 1
# metrics: train_loss
"""Callbacks that print at every turn, one that stops the training, one with a state in the checkpoint."""

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback, GradientAccumulationScheduler, LambdaCallback
from lightning.pytorch.demos.boring_classes import BoringModel


class Talker(Callback):
    def on_fit_start(self, trainer, pl_module):
        print("fit starts with", trainer.callbacks.index(self), trainer.max_epochs)

    def on_train_epoch_start(self, trainer, pl_module):
        print("epoch", trainer.current_epoch, "accumulating", trainer.accumulate_grad_batches)

    def on_before_optimizer_step(self, trainer, pl_module, optimizer):
        norms = L.pytorch.utilities.grad_norm(pl_module.layer, norm_type=2)
        print("  step", trainer.global_step, {k: round(float(v), 7) for k, v in norms.items()})

    def on_train_end(self, trainer, pl_module):
        print("training ends", trainer.state.status, trainer.should_stop)


class Counter(Callback):
    def __init__(self):
        self.state = {"batches": 0, "epochs": 0}

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        self.state["batches"] += 1
        if self.state["batches"] == 10:
            trainer.should_stop = True

    def on_train_epoch_end(self, trainer, pl_module):
        self.state["epochs"] += 1

    def state_dict(self):
        return dict(self.state)

    def load_state_dict(self, state):
        self.state.update(state)


class Net(BoringModel):
    def training_step(self, batch, batch_idx):
        out = super().training_step(batch, batch_idx)
        self.log("train_loss", out["loss"])
        return out


L.seed_everything(2)
counter = Counter()
callbacks = [Talker(), counter, GradientAccumulationScheduler({0: 2, 1: 4})]
callbacks.append(LambdaCallback(setup=lambda trainer, module, stage: print("setup for", stage)))
trainer = L.Trainer(
    max_epochs=6,
    limit_train_batches=4,
    limit_val_batches=1,
    callbacks=callbacks,
    logger=False,
    enable_checkpointing=False,
    enable_progress_bar=False,
    enable_model_summary=False,
    gradient_clip_val=0.7,
)
model = Net()
print([type(c).__name__ for c in trainer.callbacks])
trainer.fit(model)
print([type(c).__name__ for c in trainer.callbacks])
print(counter.state, trainer.current_epoch, trainer.global_step, model.layer.weight.sum().item())
trainer.save_checkpoint("end.ckpt")
print(torch.load("end.ckpt", weights_only=False)["callbacks"])

"""Hugging Face's MLflowCallback in a Trainer, over a model of a few weights made from its configuration."""

from __future__ import annotations

import json
import os
import sys

os.environ["MLFLOW_TRACKING_URI"] = sys.argv[1]
os.environ["MLFLOW_EXPERIMENT_NAME"] = "transformers"
os.environ["HF_MLFLOW_LOG_ARTIFACTS"] = "1"
os.environ["MLFLOW_TAGS"] = '{"team": "a"}'

import mlflow
import torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

torch.manual_seed(0)
config = BertConfig(
    vocab_size=20,
    hidden_size=8,
    num_hidden_layers=1,
    num_attention_heads=2,
    intermediate_size=8,
    max_position_embeddings=8,
)
rows = [{"input_ids": [i % 20, (i * 7) % 20, 1], "attention_mask": [1, 1, 1], "labels": i % 2} for i in range(16)]
arguments = TrainingArguments(
    "out",
    run_name="tuned",
    report_to="mlflow",
    num_train_epochs=1,
    per_device_train_batch_size=4,
    logging_steps=2,
    eval_strategy="epoch",
    save_strategy="epoch",
    use_cpu=True,
    disable_tqdm=True,
)
trainer = Trainer(BertForSequenceClassification(config), arguments, train_dataset=rows, eval_dataset=rows[:4])
trainer.train()
run = mlflow.active_run() or mlflow.last_active_run()
mlflow.end_run()
print(json.dumps({"run_id": run.info.run_id, "steps": trainer.state.global_step}))

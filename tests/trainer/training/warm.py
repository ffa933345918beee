"""Loaded once by the server from which ranks are forked."""

import torch

import trainer.session  # noqa: F401

torch.set_num_threads(1)
torch.optim.SGD([torch.zeros(1, requires_grad=True)])  # the first optimiser loads torch._dynamo, 2 s

"""Real runs: each test gets `ranks`, which starts them and kills what is left at the end."""

import pytest
import torch

from tests.trainer.training.ranks import Ranks

torch.set_num_threads(1)


@pytest.fixture
def ranks(tmp_path):
    started = Ranks(tmp_path)
    yield started
    started.kill()

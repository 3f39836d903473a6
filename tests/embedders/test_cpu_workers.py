"""Threads for calls of a model that may run at once."""

import pytest
import torch

from imagerag.embedders.cpu_workers import CpuWorkers


@pytest.mark.parametrize("device", ["cpu", "cuda:0", ""])
def test_results_and_failures_come_back_and_torchs_threads_are_as_before(device: str) -> None:
    before = torch.get_num_threads()
    with CpuWorkers(device) as workers:
        assert workers.count >= 1
        assert workers.count == 1 or device == "cpu"
        assert workers.submit(pow, 2, 5).result() == 32
        with pytest.raises(ZeroDivisionError):
            workers.submit(divmod, 1, 0).result()
    assert torch.get_num_threads() == before

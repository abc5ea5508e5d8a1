# SPDX-License-Identifier: GPL-3.0-or-later
"""A run spread over several processes, as torchrun starts them: each learns from a part of every batch.

Gradients are averaged by hand between backward and step: the painter is called piecewise, and the discriminator several
times a step, which DistributedDataParallel does not bear well.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed

from ..painting.devices import choose_device


@dataclass(frozen=True)
class Processes:
    """This process among those of the run."""

    device: torch.device
    rank: int = 0
    world: int = 1

    @property
    def leads(self) -> bool:
        """True for the one process that writes and tells."""
        return self.rank == 0

    def average(self, tensors: Iterable[Tensor]) -> None:
        """Each tensor becomes its mean over the processes, in place."""
        if self.world > 1:
            listed = list(tensors)
            flat = torch.cat([tensor.flatten() for tensor in listed])
            distributed.all_reduce(flat)
            flat /= self.world
            for tensor, mean in zip(listed, flat.split([tensor.numel() for tensor in listed]), strict=True):
                tensor.copy_(mean.view_as(tensor))

    def agree(self, value: bool) -> bool:
        """The leading process's answer, in all of them: clocks differ."""
        if self.world == 1:
            return value
        said = torch.tensor(float(value), device=self.device)
        distributed.broadcast(said, 0)
        return bool(said)


@contextmanager
def join_processes(device_name: str) -> Iterator[Processes]:
    """The processes that torchrun started, one device each; without torchrun this one alone. Raises SettingError."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        yield Processes(choose_device(device_name))
        return
    device = choose_device(device_name)
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Processes(device, distributed.get_rank(), distributed.get_world_size())
        distributed.barrier()  # one that leaves while another still writes may crash on its way out
    finally:
        distributed.destroy_process_group()

# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports of a training run: a line to the user, curves to TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..imaging.preview import write_png
from ..progress import Reporter
from .region_validation import RegionValidation
from .run_folder import BOARD, SHEET
from .throughput import Speed
from .validation import Validation


class Journal:
    """Written by one process. Without TensorBoard it says so, and informs only the user."""

    def __init__(self, run: Path, start: int, validation: Validation | RegionValidation, reporter: Reporter) -> None:
        self.run, self.held_out, self.reporter = run, validation, reporter
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            self.board = None
            reporter.note("TensorBoard is not installed: no scalars are kept")
        else:
            # Steps that a killed run logged beyond its checkpoint are done again.
            self.board = SummaryWriter(str(run / BOARD), purge_step=start)

    def progress(self, step: int, losses: Mapping[str, float], speed: Speed) -> None:
        """Losses are means since the last time."""
        self._scalars("train", losses, step)
        self._scalars("speed", speed._asdict(), step)
        self.reporter.note(
            f"step {step}: {_told(losses)}; {speed.samples:.1f} samples/s, {speed.flops / 1e12:.3g} TFLOP/s "
            f"({speed.share:.0%} of the ceiling), {speed.waited:.0%} waiting for data"
        )

    def validation(self, step: int, painter: Any) -> None:
        """The running average on people that it does not learn from, beside geometry alone."""
        losses, sheet = self.held_out.look(painter)
        self._scalars("validation", losses, step)
        self.reporter.note(f"step {step}, validation: {_told(losses)} (geometry alone: {_told(self.held_out.baseline)})")
        write_png(self.run / SHEET, sheet)
        if self.board is not None:
            self.board.add_image("target, geometry, ours, photos", sheet, step, dataformats="HWC")
            self.board.flush()

    def _scalars(self, group: str, values: Mapping[str, float], step: int) -> None:
        if self.board is not None:
            for name, value in values.items():
                self.board.add_scalar(f"{group}/{name}", value, step)


def _told(losses: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.4f}" for name, value in losses.items())

# SPDX-License-Identifier: GPL-3.0-or-later
"""Names for the arrays that all rooms hand about: what they hold and how wide it is. Shapes stand in the docstrings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Reals = NDArray[np.floating]
"""float32 or float64."""
Bytes = NDArray[np.uint8]

Points = NDArray[np.float32]
"""[..., 2] landmarks or other places in a picture."""
Picture = NDArray[np.uint8]
"""[H, W, 3] sRGB."""
Linear = NDArray[np.float32]
"""[H, W, 3] scene-linear Rec.709."""

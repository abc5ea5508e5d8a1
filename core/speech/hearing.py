# SPDX-License-Identifier: GPL-3.0-or-later
"""The network that hears phones, in NumPy: a conformer (Gulati et al. 2020) on a mel spectrogram, with weights of hama 1.7.

Its makers run it with a library of their own, which Windows lacks; what is here was made after the names and shapes of the
weights, and gives the same chances within 0.001.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..arrays import Floats
from ..fetching import SPEECH

COUNT_AT = 8
"""Where the file says how many tensors it has."""
TYPES = {0: np.float32, 1: np.float16}
WINDOW, HOP = 400, 160
"""Samples of a spectrum, and between two; there are two for each moment of the network."""
QUIETEST = 1e-10
"""Energy of a band below which nothing counts."""
HEADS, BLOCKS = 4, 4
MODEL = "acoustic_model.model."
STEM, DEPTHWISE = 801, 804
"""The exporter numbered the weights of convolutions: of the first one, and of the first block's depthwise one."""
MATRICES = (829, 830, 831, 835, 836, 837)
"""And those of each block's matrices: in and out of the first feed-forward, in and out of attention, of the second one."""
NEXT_BLOCK = 9
EPSILON = 1e-5

Weights = Mapping[str, Floats]


def hear(samples: Floats) -> Floats:
    """[T, tokens] logarithms of the chances of each token, of `samples` [N], N > WINDOW / 2; T is about N / 320. Raises
    MissingWeightsError."""
    weights = _weights(SPEECH.find())
    flow = _spectrogram(samples, weights)
    flow = _gelu(_strided(flow, weights[f"onnx::Conv_{STEM}"]) + weights[f"onnx::Conv_{STEM + 1}"])
    for block in range(BLOCKS):
        flow = _conformer(flow, weights, block)
    heard = flow @ weights[f"{MODEL}proj.weight"][:, :, 0].T + weights[f"{MODEL}proj.bias"]
    heard -= heard.max(axis=1, keepdims=True)
    return np.asarray(heard - np.log(np.exp(heard).sum(axis=1, keepdims=True)))


@lru_cache(maxsize=1)
def _weights(path: Path) -> Weights:
    """The tensors of the file that was tested: a table of names, types, shapes and places, then their bytes."""
    data = SPEECH.verified(path)
    (count,) = struct.unpack_from("<I", data, COUNT_AT)
    at, table = COUNT_AT + 4, []
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data, at)
        name = data[at + 2 : at + 2 + length].decode()
        at += 2 + length
        kind, rank = data[at], data[at + 1]
        shape = struct.unpack_from(f"<{rank}I", data, at + 2)
        begin, size = struct.unpack_from("<QQ", data, at + 2 + 4 * rank)
        at += 18 + 4 * rank
        table.append((name, TYPES[kind], shape, begin, size))
    start = len(data) - max(begin + size for *_, begin, size in table)
    return {
        name: np.frombuffer(data[start + begin : start + begin + size], kind).reshape(shape).astype(np.float32)
        for name, kind, shape, begin, size in table
    }


def _spectrogram(samples: Floats, weights: Weights) -> Floats:
    """[2 T, bands] logarithms of the energy."""
    padded = np.pad(samples, WINDOW // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    power = sum(np.square(frames @ weights[f"stft_{part}_kernel"][:, 0].T) for part in ("real", "imag"))
    return np.asarray(np.log(np.maximum(power @ weights["mel_fb"], QUIETEST)))


def _strided(flow: Floats, kernel: Floats) -> Floats:
    """[2 T, C] to [T, D] by a kernel [D, C, 3] that goes two steps at a time."""
    padded = np.pad(flow, ((1, 1), (0, 0)))
    count = (len(flow) + 1) // 2
    return np.asarray(sum(padded[i : i + 2 * count : 2][:count] @ kernel[:, :, i].T for i in range(3)))


def _conformer(flow: Floats, weights: Weights, block: int) -> Floats:
    """One block on a flow [T, C]."""
    own = f"{MODEL}blocks.{block}."
    first_in, first_out, attended_in, attended_out, last_in, last_out = (
        weights[f"onnx::MatMul_{number + NEXT_BLOCK * block}"] for number in MATRICES
    )

    def norm(name: str) -> Floats:
        centred = flow - flow.mean(axis=1, keepdims=True)
        spread = np.sqrt(np.square(centred).mean(axis=1, keepdims=True) + EPSILON)
        return np.asarray(centred / spread * weights[f"{own}{name}.weight"] + weights[f"{own}{name}.bias"])

    def fed(name: str, inner: Floats, outer: Floats) -> Floats:
        hidden = _silu(norm(f"{name}.norm") @ inner + weights[f"{own}{name}.fc1.bias"])
        return np.asarray(0.5 * (hidden @ outer + weights[f"{own}{name}.fc2.bias"]))

    flow = flow + fed("ffn1", first_in, first_out)
    attended = _attended(norm("attn_norm") @ attended_in + weights[f"{own}attn.in_proj_bias"])
    flow = flow + attended @ attended_out + weights[f"{own}attn.out_proj.bias"]
    value, gate = np.split(_pointwise(norm("conv.norm"), weights, f"{own}conv.pointwise1"), 2, axis=1)
    number = DEPTHWISE + 3 * block
    spread = _depthwise(value * _sigmoid(gate), weights[f"onnx::Conv_{number}"]) + weights[f"onnx::Conv_{number + 1}"]
    flow = flow + _pointwise(_silu(spread), weights, f"{own}conv.pointwise2")
    flow = flow + fed("ffn2", last_in, last_out)
    return norm("norm")


def _attended(projected: Floats) -> Floats:
    """[T, C] of queries, keys and values [T, 3 C]."""
    query, key, value = (part.reshape(len(part), HEADS, -1).transpose(1, 0, 2) for part in np.split(projected, 3, axis=1))
    scores = query @ key.transpose(0, 2, 1) / np.float32(np.sqrt(query.shape[-1]))
    scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares = scores / scores.sum(axis=-1, keepdims=True)
    return np.asarray((shares @ value).transpose(1, 0, 2).reshape(len(projected), -1))


def _pointwise(flow: Floats, weights: Weights, name: str) -> Floats:
    return np.asarray(flow @ weights[f"{name}.weight"][:, :, 0].T + weights[f"{name}.bias"])


def _depthwise(flow: Floats, kernel: Floats) -> Floats:
    """Each channel [T, C] by its own kernel [C, 1, K], K odd."""
    length = kernel.shape[-1]
    padded = np.pad(flow, ((length // 2, length // 2), (0, 0)))
    return np.asarray(sum(padded[i : i + len(flow)] * kernel[:, 0, i] for i in range(length)))


def _sigmoid(values: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(values, -60.0, 60.0))))


def _silu(values: Floats) -> Floats:
    return np.asarray(values * _sigmoid(values))


def _gelu(values: Floats) -> Floats:
    """With the error function by Abramowitz and Stegun 7.1.26, whose error is below 2e-7."""
    x = np.abs(values) / np.float32(np.sqrt(2.0))
    t = 1.0 / (1.0 + 0.3275911 * x)
    polynomial = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    erf = np.sign(values) * (1.0 - polynomial * np.exp(-x * x))
    return np.asarray(0.5 * values * (1.0 + erf))

# SPDX-License-Identifier: GPL-3.0-or-later
"""How a take stands: what of it is on disk, what the quality gate says, and the frame that was rendered last."""

from __future__ import annotations

from itertools import islice

import bpy

from .. import jobs
from ..core.errors import HeadcastError
from ..core.listing import ranges
from ..core.take import FramePattern
from ..locale import said
from ..scene.files import absolute
from ..scene.take_state import TakeState, take_state
from ..scene.verified import in_words, verdict_of
from ..thumbnails import icon_of_file, of_take
from .tab import draw_action, draw_job, draw_text

MOST_REASONS = 5
"""Flagged frames whose reasons are told."""
HAND_OVER = ("headcast.share", "headcast.turnover")
SIDE = 5.0
"""Side of the picture, in rows."""


def scene_take(context: bpy.types.Context) -> FramePattern | None:
    """Where the scene's take goes; None for a name that cannot be."""
    try:
        return FramePattern.parse(absolute(context.scene.headcast.output, "Take"))
    except HeadcastError:
        return None


def draw_take(layout: bpy.types.UILayout, pattern: FramePattern | None) -> None:
    """The whole of it. The picture has its place as soon as a render begins, so that nothing moves when it comes."""
    state = take_state(str(pattern)) if pattern else None
    icon = icon_of_file(of_take(pattern)) if pattern else 0
    if icon or (jobs.current is not None and jobs.last.operator == "headcast.render"):
        layout.template_icon(icon, scale=SIDE)
    if state is None or not len(state.frames):
        layout.label(text="No frames yet", icon="INFO")
        return
    draw_frames(layout, state)
    if state.reasons:
        draw_flagged(layout, state)
    draw_report(layout, pattern)
    draw_signature(layout, pattern)
    draw_hand_over(layout)


def draw_hand_over(layout: bpy.types.UILayout) -> None:
    """The buttons that make something of the take for others."""
    if jobs.current is None or jobs.last.operator not in HAND_OVER:
        row = layout.row(align=True)
        row.operator("headcast.share", icon="RENDER_ANIMATION")
        row.operator("headcast.turnover", icon="PACKAGE")
    draw_job(layout, *HAND_OVER)


def draw_signature(layout: bpy.types.UILayout, pattern: FramePattern) -> None:
    """The button that looks at the take's signature, and what was found."""
    draw_action(layout, "headcast.verify", "LOCKED")
    verdict = verdict_of(pattern)
    if verdict is None:
        return
    draw_text(layout, in_words(verdict), "CHECKMARK" if verdict["state"] == "whole" else "ERROR")
    for finding in verdict["findings"][:MOST_REASONS]:
        draw_text(layout, finding, "BLANK1")
    if len(verdict["findings"]) > MOST_REASONS:
        more = len(verdict["findings"]) - MOST_REASONS
        layout.label(text=said("and {} more", more), icon="BLANK1", translate=False)


def draw_report(layout: bpy.types.UILayout, pattern: FramePattern) -> None:
    """The button that opens the take's page, where it has one."""
    if pattern.report.is_file():
        layout.operator("wm.path_open", text="Open Report", icon="URL").filepath = str(pattern.report)


def draw_frames(layout: bpy.types.UILayout, state: TakeState) -> None:
    """The frames on disk."""
    done = int(state.done.sum())
    there = said("{} frames: {}", done, ranges(state.frames[state.done])) if done else said("No frames")
    draw_text(layout, there, "CHECKMARK" if done else "ERROR")
    if not state.done.all():
        draw_text(layout, said("Files gone: {}", ranges(state.frames[~state.done])), "ERROR")
    if state.unseen.any():
        draw_text(layout, said("Empty, no face was seen: {}", ranges(state.frames[state.unseen])), "INFO")


def draw_flagged(layout: bpy.types.UILayout, state: TakeState) -> None:
    """Frames that are not good enough, and why."""
    count = int(state.flagged.sum())
    draw_text(layout, said("{} flagged: {}", count, ranges(state.frames[state.flagged])), "ERROR")
    column = layout.box().column(align=True)
    for frame, reason in islice(state.reasons.items(), MOST_REASONS):
        draw_text(column, f"{frame}: {reason}", "MARKER")
    if count > MOST_REASONS:
        column.label(text=said("and {} more", count - MOST_REASONS), icon="BLANK1", translate=False)

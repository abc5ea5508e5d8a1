# SPDX-License-Identifier: GPL-3.0-or-later
"""A take on one page for people: what was flagged and why, every score over time, what it was rendered from.

One HTML file beside the manifest, with its pictures inside, no script and no address: it can be sent and kept.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template

import cv2
import numpy as np

from ..consent import KINDS
from ..errors import UnreadableImageError
from ..files import whole_file
from ..imaging import exr
from ..imaging.preview import over_checker
from ..take import CONSENT, FRAMES, FramePattern, Record, last_run, read_manifest

CHARTS = {
    "identity": ("Unlike the photos", "identity_limit"),
    "landmarks": ("Face from where it should be, in eye distances", "landmark_limit"),
    "mouth": ("Mouth from where it should be, in eye distances", "mouth_limit"),
    "sharpness": ("Sharpness, as a part of the photos'", "sharpness_limit"),
    "flicker": ("Flicker, of 255", "flicker_limit"),
}
"""Score -> what it is, and the setting that limits it."""
SHOWN = 48
"""Most pictures of each section: a long take stays a page."""
SIDE = 176
"""Side of a thumbnail in pixels."""
MARGIN = 0.08
"""Round the head, in parts of its size."""
WIDTH, HEIGHT = 880, 84
"""Size of a chart in pixels."""


def write_report(pattern: FramePattern) -> Path:
    """Write the page of the take, and return where it is. Raises UnwritableError."""
    run, records = last_run(pattern), sorted(read_manifest(pattern).items())
    flagged = [(frame, record) for frame, record in records if record.get("flagged")]
    mended = [(frame, record) for frame, record in records if not record.get("flagged") and record.get("tries", 1) > 1]
    good = [(frame, record) for frame, record in records if not record.get("flagged") and record.get("tries", 1) == 1]
    name = pattern.manifest.name.split(".")[0]
    empty = sum(record.get("face") == "no" for _, record in records)
    counts = f"{len(flagged)} flagged, {len(mended)} good when rendered again, {empty} without a face"
    page = PAGE.substitute(
        name=escape(name),
        summary=f"{len(records)} frames: {counts}. {_consent(run.get(CONSENT, {}))}",
        flagged=_section("Flagged", pattern, flagged),
        mended=_section("Rendered again", pattern, mended),
        charts="".join(_charts(records, run.get("settings", {}))),
        good=_section("The others", pattern, good),
        inputs="".join(f"<tr><th>{escape(key)}<td>{escape(str(value))}" for key, value in _flat(run)),
    )
    with whole_file(pattern.report) as part:
        part.write_text(page, "utf-8")
    return pattern.report


def _consent(record: Mapping[str, str]) -> str:
    """The page's lines about the person's consent, without a name."""
    if not record.get("id"):
        return "No consent is on record."
    until = f", until {record['until']}" if record.get("until") else ""
    return escape(f"Consent: {KINDS.get(record['kind'], record['kind']).lower()}, record {record['id']}{until}.")


def _section(title: str, pattern: FramePattern, records: Sequence[tuple[int, Record]]) -> str:
    """Pictures of the frames, evenly chosen where there are many; nothing where there are none."""
    if not records:
        return ""
    chosen = np.unique(np.linspace(0, len(records) - 1, min(SHOWN, len(records))).round().astype(int))
    left_out = f", {len(chosen)} of them shown" if len(chosen) < len(records) else ""
    figures = "".join(_figure(pattern.path(records[i][0]), *records[i]) for i in chosen)
    return f"<h2>{title} <small>{len(records)} frames{left_out}</small></h2><div class=frames>{figures}</div>"


def _figure(path: Path, frame: int, record: Record) -> str:
    lines = [f"<li>{escape(reason)}" for reason in record.get("flagged", {}).values()]
    if record.get("tries", 1) > 1:
        lines.append(f"<li>{record['tries']} tries; this is: {escape(record['attempt'])}")
    if record.get("face") == "no":
        lines.append("<li>no face")
    return f"<figure>{_thumbnail(path)}<figcaption><b>{frame}</b><ul>{''.join(lines)}</ul></figcaption></figure>"


def _thumbnail(path: Path) -> str:
    """The head in a frame as an image element."""
    try:
        seen = exr.read_head(path)
    except UnreadableImageError:
        return "<div class=none>no picture</div>"
    rows, columns = (np.flatnonzero(seen[..., 3].any(axis=axis)) for axis in (1, 0))
    if len(rows):
        margin = int(MARGIN * (rows[-1] - rows[0]))
        top, left = max(rows[0] - margin, 0), max(columns[0] - margin, 0)
        seen = seen[top : rows[-1] + margin + 1, left : columns[-1] + margin + 1]
    scale = SIDE / max(seen.shape[:2])
    small = cv2.resize(over_checker(seen), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    content = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])[1]
    return f'<img src="data:image/jpeg;base64,{base64.b64encode(content.tobytes()).decode()}" alt="">'


def _charts(records: Sequence[tuple[int, Record]], settings: Mapping[str, float]) -> Iterator[str]:
    """A drawing of each score that was measured, over the frames."""
    for name, (title, limit_name) in CHARTS.items():
        points = [(frame, record["scores"][name]) for frame, record in records if name in record.get("scores", {})]
        if not points:
            continue
        limit = settings.get(limit_name)
        bad = {frame for frame, record in records if name in record.get("flagged", {})}
        yield f"<h3>{escape(title)}</h3>{_chart(points, bad, limit, (records[0][0], records[-1][0]))}"


def _chart(points: Sequence[tuple[int, float]], bad: set[int], limit: float | None, span: tuple[int, int]) -> str:
    """Values over the frame numbers of `span`, from 0 up; the limit is dashed, frames in `bad` have dots."""
    first, last = span
    top = max([value for _, value in points] + ([limit] if limit else [])) * 1.1 or 1.0

    def place(frame: int, value: float) -> tuple[float, float]:
        return round((frame - first) / max(last - first, 1) * WIDTH, 1), round(HEIGHT * (1 - value / top), 1)

    line = " ".join(f"{x},{y}" for x, y in (place(*point) for point in points))
    dots = "".join(
        '<circle r="3.5" cx="{}" cy="{}"><title>{}: {}</title></circle>'.format(*place(frame, value), frame, value)
        for frame, value in points
        if frame in bad
    )
    y = place(first, limit)[1] if limit else HEIGHT
    dashes = f'<line x2="{WIDTH}" y1="{y}" y2="{y}"/><text x="{WIDTH + 6}" y="{y + 4}">{limit:g}</text>' if limit else ""
    return (
        f'<svg viewBox="-6 -6 {WIDTH + 60} {HEIGHT + 26}"><rect width="{WIDTH}" height="{HEIGHT}"/>{dashes}'
        f'<polyline points="{line}"/>{dots}<text y="{HEIGHT + 16}">{first}</text>'
        f'<text x="{WIDTH}" y="{HEIGHT + 16}" text-anchor="end">{last}</text></svg>'
    )


def _flat(record: Mapping[str, object], before: str = "") -> Iterator[tuple[str, object]]:
    """Names and values, those of settings as `settings.pose`."""
    for key, value in record.items():
        if key == FRAMES:
            continue
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield "fingerprint" if key == "run" else before + key, value


PAGE = Template("""<!doctype html>
<html lang=en><meta charset=utf-8><meta name=viewport content="width=device-width"><title>$name</title>
<style>
:root { color-scheme: dark }
body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; background: #1d1d1d; color: #ddd; font: 14px/1.45 sans-serif }
h1, h2, h3 { font-weight: 600 } h2 { margin-top: 2rem } h3 { margin: 1rem 0 .2rem; font-size: 13px } small { color: #999 }
.frames { display: flex; flex-wrap: wrap; gap: 12px }
figure { margin: 0; width: 176px } img { display: block; border-radius: 4px }
.none { height: 176px; background: #2b2b2b; color: #888; text-align: center; line-height: 176px }
figcaption { padding-top: 4px } ul { margin: 0; padding-left: 1.1em; color: #e8a33d; font-size: 12px }
svg { width: 100% } rect { fill: #262626 } polyline { fill: none; stroke: #6fa8dc; stroke-width: 1.5 }
line { stroke: #e8a33d; stroke-dasharray: 5 4 } circle { fill: #e8593d } text { fill: #999; font-size: 11px }
table { border-collapse: collapse; font-size: 12px } th { padding: 1px 1.5em 1px 0; text-align: left; color: #999 }
td { overflow-wrap: anywhere }
</style>
<h1>$name</h1><p>$summary</p>
$flagged$mended<h2>Scores</h2>$charts$good<h2>Rendered from</h2><table>$inputs</table>
""")

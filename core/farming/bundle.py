# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder that a farm can be handed: what is to be run, on which files, in which chunks.

Each task is `headcast render` of some of the frames. Tasks know nothing of each other: a frame that is there, whole and
current, is kept, so a task that was killed can be run again, and a whole job too. The last task is the same for all frames:
it renders whatever is still missing, such as handles, and writes the report of the whole take.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from ..files import whole_file
from ..listing import parse_ranges
from ..performance import Performance
from ..settings import BundleSettings, RenderSettings
from ..take import FramePattern
from ..tracking.retiming import at_rate

TEMPLATE, FLAMENCO = "template.json", "flamenco_job.json"
VALUES, PARAMETERS = "parameter_values.json", "parameters.json"
"""The same values: as Deadline Cloud's bundles have them, and as `openjd run -p file://` does."""
JOB_TYPE = "headcast_take.js"
"""For the folder `scripts` of a Flamenco Manager."""
MOST_CHUNKS = 1024
"""As many values as a task's parameter may have in Open Job Description (2023-09, section 3.4.1)."""
OWN = frozenset({"chunk", "headcast", "frames"})
"""Settings that are the bundle's business, not the tasks'."""
FILES = {"plate": "Plate", "clean_plate": "CleanPlate", "weights": "Weights"}
"""Settings that name files, and the job's parameters for them: a farm may map those to where its workers have the files."""


def write_bundle(
    likeness: Path, performance: Path, output: str, folder: Path, settings: BundleSettings
) -> tuple[Path, list[str]]:
    """Write the bundle of a take into `folder`, and return its template and the chunks of frames.

    Raises WrongFileError for a performance that cannot be read, SettingError, UnwritableError.
    """
    pattern = FramePattern.parse(output)
    numbers = at_rate(Performance.load(performance), settings.rate).frames.tolist()
    wanted = parse_ranges(settings.frames, numbers) if settings.frames else numbers
    chunks = list(chunks_of(wanted, max(settings.chunk, -(-len(wanted) // MOST_CHUNKS))))
    paths = {"Likeness": likeness, "Performance": performance, "Folder": pattern.folder}
    paths |= {parameter: Path(getattr(settings, name)) for name, parameter in FILES.items() if getattr(settings, name)}
    places = {name: str(path.absolute()) for name, path in paths.items()}
    command = {"Headcast": settings.headcast, "Name": Path(str(pattern)).name}
    job = f"Headcast {Path(str(pattern)).name}"
    _write(folder / TEMPLATE, _template(job, places, command, _words(settings), chunks))
    values = [{"name": name, "value": value} for name, value in (places | command).items()]
    _write(folder / VALUES, {"parameterValues": values})
    _write(folder / PARAMETERS, places | command)
    _write(folder / FLAMENCO, _flamenco(job, places, command, _words(settings), chunks))
    with whole_file(folder / JOB_TYPE) as part:
        shutil.copyfile(Path(__file__).with_name(JOB_TYPE), part)
    return folder / TEMPLATE, chunks


def chunks_of(numbers: Sequence[int], size: int) -> Iterator[str]:
    """Rising frame numbers as ranges of at most `size` frames that follow each other, such as "1001-1020"."""
    begin = 0
    for i in range(1, len(numbers) + 1):
        if i == len(numbers) or i - begin == size or numbers[i] != numbers[i - 1] + 1:
            yield f"{numbers[begin]}-{numbers[i - 1]}" if i - begin > 1 else f"{numbers[begin]}"
            begin = i


def _words(settings: BundleSettings) -> list[str]:
    """The settings that are not as they are anyway, as the command line has them."""
    words = []
    for item in fields(RenderSettings):
        value = getattr(settings, item.name)
        if item.name in OWN or value == item.default:
            continue
        option = "--" + item.name.replace("_", "-")
        if item.name in FILES:
            value = f"{{{{Param.{FILES[item.name]}}}}}"
        words += [option] if value is True else [f"{option}={value}"]
    return words


def _template(
    job: str, places: Mapping[str, str], command: Mapping[str, str], words: Sequence[str], chunks: Sequence[str]
) -> dict[str, Any]:
    """By the Open Job Description, 2023-09."""
    output = "{{Param.Folder}}/{{Param.Name}}"
    task = ["render", "{{Param.Likeness}}", "{{Param.Performance}}", f"--output={output}", *words]

    def step(name: str, *more: str, **rest: Any) -> dict[str, Any]:
        run = {"command": "{{Param.Headcast}}", "args": [*task, *more]}
        return {"name": name, **rest, "script": {"actions": {"onRun": run}}}

    space = {"taskParameterDefinitions": [{"name": "Frames", "type": "STRING", "range": list(chunks)}]}
    return {
        "specificationVersion": "jobtemplate-2023-09",
        "name": job,
        "description": "A take of Headcast. Tasks can be run again at any time: frames that are there are kept.",
        "parameterDefinitions": [
            *(_place(name) for name in places),
            *({"name": name, "type": "STRING"} for name in command),
        ],
        "steps": [
            step("Render", "--frames={{Task.Param.Frames}}", parameterSpace=space),
            step("Report", dependencies=[{"dependsOn": "Render"}]),
        ],
    }


def _place(name: str) -> dict[str, Any]:
    """A parameter that a farm may map to where its workers have that file."""
    kind = {"objectType": "DIRECTORY", "dataFlow": "OUT"} if name == "Folder" else {"objectType": "FILE", "dataFlow": "IN"}
    return {"name": name, "type": "PATH", **kind}


def _flamenco(
    job: str, places: Mapping[str, str], command: Mapping[str, str], words: Sequence[str], chunks: Sequence[str]
) -> dict[str, Any]:
    """What Flamenco's Manager is sent: POST /api/v3/jobs."""
    for name, value in places.items():
        words = [word.replace(f"{{{{Param.{name}}}}}", value) for word in words]
    settings = {
        "headcast": command["Headcast"],
        "likeness": places["Likeness"],
        "performance": places["Performance"],
        "output": str(Path(places["Folder"]) / command["Name"]),
        "chunks": ",".join(chunks),
        "options": json.dumps(words),
    }
    platform = {"win32": "windows", "darwin": "darwin"}.get(sys.platform, "linux")
    return {
        "name": job,
        "type": JOB_TYPE.removesuffix(".js").replace("_", "-"),
        "priority": 50,
        "submitter_platform": platform,
        "settings": settings,
    }


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as part:
        part.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")

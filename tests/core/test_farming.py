# SPDX-License-Identifier: GPL-3.0-or-later
"""A take on a farm: a job that farms take, tasks that may be killed and run again, a report in the end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from headcast.core.cli.main import main
from headcast.core.errors import SettingError
from headcast.core.farming.bundle import FLAMENCO, JOB_TYPE, PARAMETERS, TEMPLATE, VALUES, chunks_of, write_bundle
from headcast.core.settings import BundleSettings
from headcast.core.take import FramePattern, read_manifest

from .test_checking import likeness, performance

MANAGER = """
const vm = require("vm"), fs = require("fs");
const tasks = [];
function Task(name, type) { return { name, type, commands: [], after: [],
  addCommand(command) { this.commands.push(command); }, addDependency(task) { this.after.push(task.name); } }; }
const author = { Task, Command: (name, parameters) => ({ name, parameters }) };
const sandbox = { author, JSON, console };
vm.createContext(sandbox);
vm.runInContext(fs.readFileSync(process.argv[1], "utf8") + ";this.TYPE = JOB_TYPE; this.compile = compileJob;", sandbox);
const sent = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
for (const setting of sandbox.TYPE.settings)
  if (setting.required && !sent.settings[setting.key]) throw new Error("missing " + setting.key);
for (const key of Object.keys(sent.settings))
  if (!sandbox.TYPE.settings.some(setting => setting.key === key)) throw new Error("unknown " + key);
sandbox.compile({ settings: sent.settings, addTask(task) { tasks.push(task); } });
console.log(JSON.stringify(tasks));
"""
"""As much of Flamenco's API as the job type asks for; settings are checked as the Manager does."""


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    likeness().save(tmp_path / "x.likeness")
    performance(8).save(tmp_path / "y.performance")
    return tmp_path


def bundled(inputs: Path, **settings: object) -> Path:
    person, drive = inputs / "x.likeness", inputs / "y.performance"
    write_bundle(person, drive, str(inputs / "out" / "t_v001.####.exr"), inputs / "job", BundleSettings(**settings))
    return inputs / "job"


def run(job: Path, headcast: Path) -> subprocess.CompletedProcess[str]:
    """Has `openjd` run the last step, and the one that it depends on, in sessions of its own."""
    openjd = [sys.executable, "-m", "openjd", "run", str(job / TEMPLATE), "--step", "Report", "--run-dependencies"]
    given = ["-p", f"file://{job / PARAMETERS}", "-p", f"Headcast={headcast}"]
    return subprocess.run([*openjd, *given], capture_output=True, text=True, check=False, timeout=300)


def command_in(folder: Path) -> Path:
    """`headcast` of this Python, wherever the tests' package is."""
    path = folder / "headcast"
    start = "from headcast.core.cli.main import main; raise SystemExit(main())"
    path.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{start}' \"$@\"\n")
    path.chmod(0o755)
    return path


def test_chunks_are_ranges_of_neighbours() -> None:
    assert list(chunks_of([1, 2, 3, 4, 5, 9, 11, 12], 3)) == ["1-3", "4-5", "9", "11-12"]
    assert list(chunks_of([-3, -2, -1], 2)) == ["-3--2", "-1"]
    assert list(chunks_of([], 3)) == []


def test_the_job_is_one_that_farms_take(inputs: Path) -> None:
    from openjd.model import (
        DocumentType,
        create_job,
        decode_job_template,
        document_string_to_object,
        preprocess_job_parameters,
    )

    (inputs / "plate").mkdir()
    job = bundled(inputs, chunk=3, eyes=0.5, as_painted=True, plate=str(inputs / "plate" / "p.####.exr"), frames="1001-1007")
    text = (job / TEMPLATE).read_text("utf-8")
    template = decode_job_template(template=document_string_to_object(document=text, document_type=DocumentType.JSON))
    render, report = template.steps
    assert [step.name for step in template.steps] == ["Render", "Report"]
    assert report.dependencies[0].dependsOn == "Render"
    words = list(map(str, render.script.actions.onRun.args))
    assert words[:3] == ["render", "{{Param.Likeness}}", "{{Param.Performance}}"]
    assert {"--eyes=0.5", "--as-painted", "--plate={{Param.Plate}}", "--frames={{Task.Param.Frames}}"} <= set(words)
    assert "--frames" not in " ".join(map(str, report.script.actions.onRun.args))
    definitions = {item.name: item for item in template.parameterDefinitions}
    assert definitions["Plate"].type.value == "PATH"
    values = {item["name"]: item["value"] for item in json.loads((job / VALUES).read_text("utf-8"))["parameterValues"]}
    given = preprocess_job_parameters(
        job_template=template,
        job_parameter_values=values,
        job_template_dir=job,
        current_working_dir=inputs,
        allow_job_template_dir_walk_up=True,
    )
    made = create_job(job_template=template, job_parameter_values=given)
    assert [str(chunk) for chunk in made.steps[0].parameterSpace.taskParameterDefinitions["Frames"].range] == [
        "1001-1003",
        "1004-1006",
        "1007",
    ]


def test_a_long_take_has_no_more_tasks_than_a_job_may(inputs: Path) -> None:
    drive = performance(3000)
    drive.save(inputs / "y.performance")
    job = bundled(inputs, chunk=1)
    steps = json.loads((job / TEMPLATE).read_text("utf-8"))["steps"]
    assert len(steps[0]["parameterSpace"]["taskParameterDefinitions"][0]["range"]) == 1000


def test_flamenco_makes_tasks_of_it(inputs: Path) -> None:
    job = bundled(inputs, chunk=3, gaze=0.25)
    done = subprocess.run(
        ["node", "-e", MANAGER, str(job / JOB_TYPE), str(job / FLAMENCO)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    tasks = json.loads(done.stdout)
    assert [task["name"] for task in tasks] == ["render-1001-1003", "render-1004-1006", "render-1007-1008", "report"]
    assert tasks[-1]["after"] == [task["name"] for task in tasks[:-1]]
    for task in tasks:
        (command,) = task["commands"]
        assert (task["type"], command["name"]) == ("misc", "exec")
        given = command["parameters"]["args"]
        assert given[:3] == ["render", str(inputs / "x.likeness"), str(inputs / "y.performance")]
        assert f"--output={inputs / 'out' / 't_v001.####.exr'}" in given
        assert "--gaze=0.25" in given
    assert tasks[0]["commands"][0]["parameters"]["args"][-1] == "--frames=1001-1003"


def test_a_take_is_rendered_in_chunks_though_tasks_are_killed(inputs: Path) -> None:
    """The first time, each task's process is killed with one frame written; the job is sent again, and all is there."""
    job = bundled(inputs, chunk=4, tries=0, motion="absolute", weights="", crop="full")
    killer = inputs / "killer"
    begun = f"ls {inputs}/out/t_v001.*.exr >/dev/null 2>&1"
    killer.write_text(
        f'#!/bin/sh\n{command_in(inputs)} "$@" & task=$!\n'
        f"while kill -0 $task 2>/dev/null; do {begun} && kill -9 $task; sleep .02; done\n"
        "exit 1\n"
    )
    killer.chmod(0o755)
    pattern = FramePattern.parse(str(inputs / "out" / "t_v001.####.exr"))
    first = run(job, killer)
    assert first.returncode != 0
    assert 1 <= len(list(pattern.on_disk())) < 8
    again = run(job, command_in(inputs))
    assert again.returncode == 0, again.stdout[-3000:]
    assert sorted(path.name for path in pattern.on_disk()) == [f"t_v001.{number}.exr" for number in range(1001, 1009)]
    assert sorted(read_manifest(pattern)) == list(range(1001, 1009))
    assert not [path for path in pattern.folder.iterdir() if path.name.endswith(".part")]


def test_the_command_line_writes_the_job(inputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["bundle", str(inputs / "x.likeness"), str(inputs / "y.performance"), "-o", str(inputs / "o.####.exr")]
    assert main([*words, "--folder", str(inputs / "job"), "--chunk", "5"]) == 0
    assert "2 tasks, then the report" in capsys.readouterr().out
    assert {path.name for path in (inputs / "job").iterdir()} == {TEMPLATE, VALUES, PARAMETERS, FLAMENCO, JOB_TYPE}
    assert main([*words, "--folder", str(inputs / "job"), "--frames", "7"]) == 2
    with pytest.raises(SettingError):
        BundleSettings(chunk=0)

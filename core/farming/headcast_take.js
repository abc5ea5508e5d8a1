// SPDX-License-Identifier: GPL-3.0-or-later
// Headcast's job type for Flamenco: chunks of a take's frames, then a task that sees that all is there and writes the report.
// Copy it into the folder `scripts` beside the Flamenco Manager, whose Workers need the command `headcast`.

const JOB_TYPE = {
    label: "Headcast Take",
    description: "A likeness plays a performance: EXR frames, a manifest and a report",
    settings: [
        { key: "likeness", type: "string", subtype: "file_path", required: true,
          description: "Who plays: X.likeness" },
        { key: "performance", type: "string", subtype: "file_path", required: true,
          description: "What is played: Y.performance" },
        { key: "output", type: "string", subtype: "file_path", required: true,
          description: "Where the frames go, such as /shots/a/head_v001.####.exr" },
        { key: "chunks", type: "string", required: true,
          description: "Frames of each task, such as 1001-1020,1021-1040" },
        { key: "options", type: "string", default: "[]", visible: "web",
          description: "More words for `headcast render`, as a JSON list" },
        { key: "headcast", type: "string", default: "headcast", visible: "web",
          description: "The command on the Workers" },
    ],
};

function compileJob(job) {
    const settings = job.settings;
    const words = ["render", settings.likeness, settings.performance, "--output=" + settings.output]
        .concat(JSON.parse(settings.options || "[]"));

    function task(name, more) {
        const made = author.Task(name, "misc");
        made.addCommand(author.Command("exec", { exe: settings.headcast || "headcast", args: words.concat(more) }));
        return made;
    }

    const report = task("report", []);
    for (const chunk of settings.chunks.split(",")) {
        const render = task("render-" + chunk, ["--frames=" + chunk]);
        job.addTask(render);
        report.addDependency(render);
    }
    job.addTask(report);
}

#!/usr/bin/env python3
"""kills.py PROGRAM [--kills N] [--seed S] [--launcher COMMAND]: runs that are killed at a random moment.

Runs with and without checkpoints, in the simulator and, with a launcher (mpirun --oversubscribe), over processes: of
these all are killed at once, or one of them. The moment is drawn over the whole run, the writing of its results
included. Afterwards

  - a folder of results is there whole, with the model of the step that its summary names, or not at all;
  - a run with a complete checkpoint goes on from it and gives, to the bit, the model of one that was never killed;
  - any other begins anew in the same place, and gives that model too.

The same seed draws the same moments, though not the same instructions. Prints a line of counts; exit code 1, with what
was found, when a statement does not hold.
"""
import argparse
import collections
import json
import os
import pathlib
import random
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

STEPS = 600
WORKERS = 2
JOB = f"""
[job]
steps = {STEPS}
[data]
dataset = "graphical_model"
batch = 64
[model]
name = "mlp"
hidden = 64
[optimizer]
name = "adam"
[workers]
count = {WORKERS}
[strategy]
name = "synchronous"
[network]
deadline = "20 s"
[evaluation]
every = "100 steps"
"""
CHECKPOINTS = ["--set", "checkpoint.every=50 steps"]
PATIENCE = 120  # s, for what takes a moment on a machine that is not too busy


def descendants(process):
    """Ids of a process and of all that it has started."""
    parents = {}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            pass
    found = [process]
    for parent in found:
        found += [child for child, of in parents.items() if of == parent]
    return found


def is_worker(process):
    try:
        return pathlib.Path(f"/proc/{process}/comm").read_text().strip() == "laconic"
    except OSError:
        return False


class Kills:
    def __init__(self, program, launcher, folder):
        self.program = str(pathlib.Path(program).resolve())
        self.launcher = launcher
        self.folder = folder
        self.job = folder / "job.toml"
        self.job.write_text(JOB)
        self.reference = {}
        self.duration = {}

    def command(self, over_processes, arguments):
        launcher = [*self.launcher, "-n", str(WORKERS)] if over_processes else []
        return [*launcher, self.program, "run", *arguments, "--set", "output.progress=off"]

    def start(self, over_processes, arguments):
        return subprocess.Popen(self.command(over_processes, arguments), cwd=self.folder, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, start_new_session=True)

    def complete(self, over_processes, arguments):
        process = self.start(over_processes, arguments)
        text, _ = process.communicate(timeout=PATIENCE)
        return process.returncode, text.decode(errors="replace")

    def results(self, name="job"):
        return self.folder / "runs" / name

    def learn(self, over_processes):
        """The model of a run that nobody kills, and how long that takes."""
        begin = time.monotonic()
        code, text = self.complete(over_processes, [str(self.job), *CHECKPOINTS])
        self.duration[over_processes] = time.monotonic() - begin
        assert code == 0, text
        self.reference[over_processes] = (self.results() / "model.safetensors").read_bytes()
        shutil.rmtree(self.folder / "runs")

    def check_results(self):
        """Every folder of results is whole; returns what there is."""
        found = "nothing"
        for folder in sorted((self.folder / "runs").glob("*")):
            if folder.name.startswith(".") or folder.name.endswith(".checkpoint"):
                continue
            summary = json.loads((folder / "summary.json").read_text())
            stored = (folder / "model.safetensors").read_bytes()
            (size,) = struct.unpack("<Q", stored[:8])
            header = json.loads(stored[8:8 + size])
            end = max(tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__")
            assert len(stored) == 8 + size + end, f"{folder}: a model of {len(stored)} bytes"
            step = int(header["__metadata__"]["step"])
            assert step == summary["model_step"] <= STEPS, f"{folder}: step {step} and {summary['model_step']}"
            for line in (folder / "metrics.jsonl").read_text().splitlines():
                json.loads(line)
            for file in folder.iterdir():
                assert file.stat().st_size > 0 or file.name == "metrics.jsonl", f"{file}: empty"
            found = "results of a whole run" if summary["finished"] else "results until then"
        return found

    def kill(self, draw):
        over_processes = bool(self.launcher) and draw.random() < 0.4
        with_checkpoints = draw.random() < 0.6
        one_alone = over_processes and draw.random() < 0.5
        delay = draw.random() * 1.1 * self.duration[over_processes]
        arguments = [str(self.job), *(CHECKPOINTS if with_checkpoints else [])]
        process = self.start(over_processes, arguments)
        time.sleep(delay)
        family = descendants(process.pid)
        workers = [one for one in family if is_worker(one)]
        victims = [draw.choice(workers)] if one_alone and workers else family
        for victim in victims:
            try:
                os.kill(victim, signal.SIGKILL)
            except ProcessLookupError:
                pass
        process.communicate(timeout=PATIENCE)
        # Those that nobody has killed end by themselves.
        until = time.monotonic() + PATIENCE
        while any(is_worker(one) for one in family):
            assert time.monotonic() < until, "a process is left"
            time.sleep(0.02)

        found = self.check_results()
        checkpoint = self.folder / "runs" / "job.checkpoint"
        has_checkpoint = any(checkpoint.glob("step-*/manifest"))
        if has_checkpoint:
            code, text = self.complete(over_processes, ["--resume", "runs/job"])
            found += ", goes on"
        else:
            code, text = self.complete(over_processes, arguments)
            found += ", begins anew"
        assert code == 0, f"it does not go on ({code}): {text}"
        assert self.check_results().startswith("results")
        model = (self.results() / "model.safetensors").read_bytes()
        assert model == self.reference[over_processes], "it ends with another model"
        left = [entry.name for entry in (self.folder / "runs").iterdir()
                if entry.name not in ("job", "job.failed", "job.interrupted")]
        assert not left, f"left: {left}"
        shutil.rmtree(self.folder / "runs")
        return ("processes" if over_processes else "simulator") + ": " + found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--launcher", default="", help="'mpirun --oversubscribe': over processes too")
    given = parser.parse_args()
    draw = random.Random(given.seed)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="laconic-kills-"))
    counts = collections.Counter()
    number = 0
    try:
        kills = Kills(given.program, shlex.split(given.launcher), folder)
        for over_processes in [False, True] if given.launcher else [False]:
            kills.learn(over_processes)
        for number in range(1, given.kills + 1):
            counts[kills.kill(draw)] += 1
    except (AssertionError, OSError, ValueError, KeyError, subprocess.TimeoutExpired) as problem:
        print(f"kill {number} of seed {given.seed}: {problem}; {folder} is as it was found", file=sys.stderr)
        return 1
    shutil.rmtree(folder)
    for what, times in sorted(counts.items()):
        print(f"{times:4d}  {what}")
    print(f"{given.kills} kills of seed {given.seed}: nothing is half-written, and every run goes on")
    return 0


if __name__ == "__main__":
    sys.exit(main())

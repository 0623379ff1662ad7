"""What laconic reads of a folder, by the program show_samples."""
import subprocess

import numpy as np


class Refused(Exception):
    pass


def samples(program, dataset, folder, **keys):
    """The training samples: count x channels x height x width."""
    words = [f"{key}={value}" for key, value in keys.items()]
    run = subprocess.run([program, dataset, folder, *words], capture_output=True, check=False)
    if run.returncode != 0:
        raise Refused(run.stderr.decode())
    line, content = run.stdout.split(b"\n", 1)
    *shape, kind = line.split()
    return np.frombuffer(content, "uint8" if kind == b"bytes" else "f4").reshape([int(side) for side in shape])

#!/usr/bin/python3
"""One rank of PyTorch's DistributedDataParallel over gloo, the peer of bench/time_to_accuracy.

Start one process a rank, all with the same arguments but for --rank, with GLOO_SOCKET_IFNAME naming the interface; the
ranks find each other through the file --store, which must not exist yet. (This torch's own launcher breaks on Python 3.11.)

It trains what laconic's job trains: the same models from the same family of starts (Glorot's uniform, biases zero),
pixels / 255, an even part of the training images for each rank, passes over it in random order, SGD with momentum.
Rank 0 prints a JSON line for each measurement, with the keys that laconic's metrics.jsonl has:

    {"type": "measurement", "step": 25, "time_s": 1.7, "test": {"accuracy": 0.71}, "wire_bytes": 81234567}

("validation" in the place of "test" where images are held out), and at the end {"type": "end", "end": "until" | "limit" |
"steps"}. Measured is the average of the ranks' models. Time and bytes begin when all ranks are ready, and stand still
during a measurement. Bytes are what the loopback's counter says, all ranks together: without a network namespace of its
own it counts others' too.

Modes: dense (DDP as it comes), fp16 (its compression hook), power_sgd (its hook, of --matrix-rank), local (averaging
every --period steps, no DDP in between).
"""
import argparse
import copy
import datetime
import gzip
import json
import math
import time

import numpy
import torch
import torch.distributed as dist
from torch.distributed.algorithms.ddp_comm_hooks import default_hooks, powerSGD_hook
from torch.distributed.algorithms.model_averaging.averagers import PeriodicModelAverager
from torch.distributed.algorithms.model_averaging.utils import average_parameters
from torch.nn.parallel import DistributedDataParallel

OPERATION_TIMEOUT = datetime.timedelta(minutes=2)


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rank", type=int, required=True)
    parser.add_argument("--world-size", type=int, required=True)
    parser.add_argument("--store", required=True, help="a file that does not exist, the same for all ranks")
    parser.add_argument("--model", choices=["mlp", "lenet5"], required=True)
    parser.add_argument("--mode", choices=["dense", "fp16", "power_sgd", "local"], required=True)
    parser.add_argument("--matrix-rank", type=int, default=1, help="of power_sgd")
    parser.add_argument("--period", type=int, default=16, help="of local, in steps")
    parser.add_argument("--learning-rate", type=float, required=True)
    parser.add_argument("--momentum", type=float, default=0.9)
    parser.add_argument("--batch", type=int, default=32, help="of each rank")
    parser.add_argument("--steps", type=int, required=True, help="at most")
    parser.add_argument("--target", type=float, default=2.0, help="ends the run at a measured accuracy of this")
    parser.add_argument("--limit", type=float, default=math.inf, help="ends the run at the measurement after so many seconds")
    parser.add_argument("--evaluate-every", type=int, default=25, help="steps")
    parser.add_argument("--validation", type=float, default=0.0,
                        help="a part of the training images that is held out, and measured on instead of the test images")
    parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist", help="folder of MNIST's four IDX files")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def read_idx(path):
    """The elements of a gzipped IDX file of bytes, in its dimensions."""
    with gzip.open(path) as file:
        content = file.read()
    dimensions = numpy.frombuffer(content, ">i4", count=content[3], offset=4)
    return numpy.frombuffer(content, numpy.uint8, offset=4 + 4 * content[3]).reshape(dimensions)


def read_split(folder, split):
    images = torch.tensor(read_idx(f"{folder}/{split}-images-idx3-ubyte.gz")).float().div_(255).unsqueeze(1)
    return images, torch.tensor(read_idx(f"{folder}/{split}-labels-idx1-ubyte.gz")).long()


def make_model(name):
    """As in src/training/models/models.cc."""
    nn = torch.nn
    if name == "mlp":
        model = nn.Sequential(nn.Flatten(), nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
    else:
        model = nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2),
            nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(),
            nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10))
    for parameter in model.parameters():
        if parameter.dim() > 1:
            nn.init.xavier_uniform_(parameter)
        else:
            nn.init.zeros_(parameter)
    return model


class Batches:
    """Passes over `shard`, each in a new random order; batches run on across the end of a pass, so that all are full."""

    def __init__(self, images, labels, shard, batch, seed):
        self.images, self.labels, self.shard, self.batch = images, labels, shard, batch
        self.generator = torch.Generator().manual_seed(seed)
        self.order = shard[:0]

    def draw(self):
        if len(self.order) < self.batch:
            new_pass = self.shard[torch.randperm(len(self.shard), generator=self.generator)]
            self.order = torch.cat([self.order, new_pass])
        chosen, self.order = self.order[:self.batch], self.order[self.batch:]
        return self.images[chosen], self.labels[chosen]


def loopback_bytes():
    """What the loopback of this process's network namespace has sent."""
    with open("/proc/self/net/dev") as file:
        for line in file:
            name, _, counters = line.partition(":")
            if name.strip() == "lo":
                return int(counters.split()[8])
    raise RuntimeError("/proc/self/net/dev: no loopback")


class Meter:
    """Seconds and bytes of the training alone. All ranks call pause() and resume() together."""

    def __init__(self):
        self.seconds, self.bytes = 0.0, 0

    def resume(self):
        dist.barrier()
        self.started, self.bytes_then = time.monotonic(), loopback_bytes()

    def pause(self):
        dist.barrier()
        self.seconds += time.monotonic() - self.started
        self.bytes += loopback_bytes() - self.bytes_then


def with_communication(model, arguments):
    """The module that is trained, and what is called after each optimiser step."""
    if arguments.mode == "local":
        averager = PeriodicModelAverager(period=arguments.period, warmup_steps=0)
        return model, lambda: averager.average_parameters(model.parameters())
    if arguments.mode == "power_sgd":
        # Over gloo the hook hangs unless the model is a single bucket.
        whole_mb = 1024
        dist._DEFAULT_FIRST_BUCKET_BYTES = whole_mb * 1024 * 1024
        trained = DistributedDataParallel(model, bucket_cap_mb=whole_mb)
        # 2 is the earliest start that the hook accepts: the steps before are dense.
        state = powerSGD_hook.PowerSGDState(None, matrix_approximation_rank=arguments.matrix_rank, start_powerSGD_iter=2)
        trained.register_comm_hook(state, powerSGD_hook.powerSGD_hook)
    else:
        trained = DistributedDataParallel(model)
        if arguments.mode == "fp16":
            trained.register_comm_hook(None, default_hooks.fp16_compress_hook)
    return trained, lambda: None


def accuracy_of_average(model, images, labels):
    """On rank 0; None elsewhere."""
    average = copy.deepcopy(model)
    average_parameters(average.parameters(), dist.group.WORLD)
    if dist.get_rank() != 0:
        return None
    right = 0
    with torch.no_grad():
        for some_images, some_labels in zip(images.split(1000), labels.split(1000)):
            right += (average(some_images).argmax(1) == some_labels).sum().item()
    return right / len(labels)


def train(arguments):
    torch.manual_seed(arguments.seed)
    images, labels = read_split(arguments.data, "train")
    order = torch.randperm(len(labels))
    held_out = round(arguments.validation * len(labels))
    if held_out:
        test_images, test_labels = images[order[:held_out]], labels[order[:held_out]]
    else:
        test_images, test_labels = read_split(arguments.data, "t10k")
    shard = order[held_out:][arguments.rank::arguments.world_size]
    batches = Batches(images[shard], labels[shard], torch.arange(len(shard)), arguments.batch,
                      seed=arguments.seed * 1000 + arguments.rank)
    model = make_model(arguments.model)
    trained, after_step = with_communication(model, arguments)
    optimizer = torch.optim.SGD(model.parameters(), lr=arguments.learning_rate, momentum=arguments.momentum)
    loss = torch.nn.CrossEntropyLoss()

    meter = Meter()
    meter.resume()
    for step in range(1, arguments.steps + 1):
        some_images, some_labels = batches.draw()
        optimizer.zero_grad()
        loss(trained(some_images), some_labels).backward()
        optimizer.step()
        after_step()
        if step % arguments.evaluate_every != 0 and step != arguments.steps:
            continue
        meter.pause()
        accuracy = accuracy_of_average(model, test_images, test_labels)
        end = [None]
        if arguments.rank == 0:
            print(json.dumps({"type": "measurement", "step": step, "time_s": meter.seconds,
                              "validation" if held_out else "test": {"accuracy": accuracy},
                              "wire_bytes": meter.bytes}), flush=True)
            if accuracy >= arguments.target:
                end = ["until"]
            elif meter.seconds >= arguments.limit:
                end = ["limit"]
        dist.broadcast_object_list(end)
        if end[0]:
            return end[0]
        meter.resume()
    return "steps"


def main():
    arguments = read_arguments()
    # As laconic's compute threads: one thread a rank, and no denormals.
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    dist.init_process_group("gloo", init_method=f"file://{arguments.store}", rank=arguments.rank,
                            world_size=arguments.world_size, timeout=OPERATION_TIMEOUT)
    end = train(arguments)
    if arguments.rank == 0:
        print(json.dumps({"type": "end", "end": end}), flush=True)
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    main()

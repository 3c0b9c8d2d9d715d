"""The scenario that every DHT of `make bench-dht` plays, and how its numbers are taken.

A network is a class with the verbs of `Network` below. `play` starts its nodes, lets them rest, puts
values, gets them at other nodes, silences a share of the nodes and gets the values again; then it
prints one line of JSON. Packets and bytes are the loopback interface's own, IP headers included, so
they mean the same for every system; the namespace and the delays come from Benchmarks/dht.
"""

import argparse
import concurrent.futures
import json
import math
import os
import random
import socket
import sys
import time


class Network:
    """What a system has to be able to do; nodes are numbers from 0."""

    name = "?"

    def __init__(self, options, draw):
        self.options, self.draw = options, draw

    def start(self, node):
        """Starts a node that enters the network through node 0."""
        raise NotImplementedError

    def has_joined(self, node):
        raise NotImplementedError

    def warm_up(self):
        """What a node does before it rests, if joining alone leaves it with an empty table."""

    def make_item(self, number):
        """A key and a signed value."""
        raise NotImplementedError

    def put(self, node, item):
        """Whether the value is stored; may block."""
        raise NotImplementedError

    def get(self, node, item):
        """Whether the very value was found; may block."""
        raise NotImplementedError

    def silence(self, nodes):
        """Ends nodes without a word to the others."""
        raise NotImplementedError


def address(node):
    """A /24 for each node. Not of 127/8: some systems rewrite loopback addresses that they are told."""
    return f"10.{10 + node // 250}.{1 + node % 250}.1"


def options():
    parser = argparse.ArgumentParser()
    for name, kind, default in (
        ("nodes", int, 64), ("ops", int, 60), ("size", int, 500), ("concurrency", int, 4),
        ("kill", float, 0.3), ("settle", float, 10), ("idle", float, 10), ("boot-limit", float, 90),
        ("op-limit", float, 30), ("seed", int, 7),
    ):
        parser.add_argument("--" + name, type=kind, default=default)
    return parser.parse_args()


def memory_kib(name):
    """Rss: with the program's own pages; Anonymous: without them, what each further node takes."""
    with open("/proc/self/smaps_rollup", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(name + ":"))


class Meter:
    """What was spent up to a moment."""

    def __init__(self):
        with open("/proc/self/net/dev", encoding="ascii") as file:
            fields = next(line.split(":")[1].split() for line in file if "lo:" in line)
        self.packets, self.bytes = int(fields[9]), int(fields[8])
        self.time, self.cpu = time.monotonic(), time.process_time()


def percentile(ordered, share):
    return ordered[math.floor(share * (len(ordered) - 1) + 0.5)] if ordered else None


def phase(results, start, rest=(0, 0)):
    """The numbers of one phase, less the traffic of nodes at rest; results are (is good, seconds)."""
    end, count = Meter(), max(1, len(results))
    wall = end.time - start.time
    good = sorted(round(1000 * seconds, 1) for is_good, seconds in results if is_good)
    return {
        "ops": len(results),
        "success": round(len(good) / count, 4),
        "p50_ms": percentile(good, 0.5),
        "p95_ms": percentile(good, 0.95),
        "max_ms": good[-1] if good else None,
        "packets_per_op": round((end.packets - start.packets - rest[0] * wall) / count, 1),
        "bytes_per_op": round((end.bytes - start.bytes - rest[1] * wall) / count),
        "cpu_ms_per_op": round(1000 * (end.cpu - start.cpu) / count, 1),
        "wall_s": round(wall, 1),
        "latencies_ms": good,
    }


def measure(chosen, jobs, verb, rest):
    """Runs a verb for (node, item) pairs, some at a time."""

    def one(job):
        began = time.monotonic()
        try:
            is_good = bool(verb(*job))
        except (TimeoutError, concurrent.futures.TimeoutError):
            is_good = False
        seconds = time.monotonic() - began
        return is_good and seconds <= chosen.op_limit, seconds

    start = Meter()
    with concurrent.futures.ThreadPoolExecutor(chosen.concurrency) as pool:
        results = list(pool.map(one, jobs))
    return phase(results, start, rest)


def boot(chosen, network):
    start, began, joined = Meter(), {}, {}

    def look():
        for node, since in began.items():
            if node and node not in joined and network.has_joined(node):
                joined[node] = time.monotonic() - since

    for node in range(chosen.nodes):
        began[node] = time.monotonic()
        network.start(node)
        time.sleep(0.02)
        look()
    while len(joined) < chosen.nodes - 1 and time.monotonic() < start.time + chosen.boot_limit:
        look()
        time.sleep(0.02)
    results = [(node in joined, joined.get(node, 0)) for node in range(1, chosen.nodes)]
    numbers = phase(results, start)
    numbers["total_s"] = numbers["wall_s"]
    return numbers


def sink(node, port):
    """Holds a silent node's port, so that datagrams to it vanish instead of being refused."""
    held = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for _ in range(50):
        try:
            held.bind((address(node), port))
            break
        except OSError:
            time.sleep(0.1)
    return held


def play(kind):
    chosen = options()
    draw = random.Random(chosen.seed)
    base, own = memory_kib("Rss"), memory_kib("Anonymous")
    network = kind(chosen, draw)
    bootstrap = boot(chosen, network)
    print(f"{network.name}: {chosen.nodes} nodes are up", file=sys.stderr)
    network.warm_up()
    time.sleep(chosen.settle)
    start = Meter()
    time.sleep(chosen.idle)
    end = Meter()
    span = end.time - start.time
    rest = ((end.packets - start.packets) / span, (end.bytes - start.bytes) / span)
    memory = (memory_kib("Rss") - base) / chosen.nodes
    further = (memory_kib("Anonymous") - own) / chosen.nodes

    everyone = range(chosen.nodes)
    puts = [(draw.choice(everyone), network.make_item(number)) for number in range(chosen.ops)]
    put = measure(chosen, puts, network.put, rest)
    time.sleep(1)

    def readers(nodes):
        return [(draw.choice([n for n in nodes if n != writer]), item) for writer, item in puts]

    get = measure(chosen, readers(everyone), network.get, rest)
    victims = set(draw.sample(range(1, chosen.nodes), int(chosen.kill * chosen.nodes)))
    network.silence(victims)
    time.sleep(0.5)
    after = measure(chosen, readers([n for n in everyone if n not in victims]), network.get, rest)
    print(json.dumps({
        "impl": network.name, "args": vars(chosen), "bootstrap": bootstrap,
        "idle": {"packets_per_s_per_node": round(rest[0] / chosen.nodes, 3),
                 "bytes_per_s_per_node": round(rest[1] / chosen.nodes, 1)},
        "rss_kib_per_node": round(memory), "kib_per_further_node": round(further), "put": put, "get": get, "get_after_kill": after,
    }), flush=True)
    # The libraries' threads are left as they are.
    os._exit(0)

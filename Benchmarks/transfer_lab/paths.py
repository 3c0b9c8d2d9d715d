"""UDP over long and lossy paths, and beside a TCP flow: needs root, namespaces and /dev/net/tun."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from .measure import processor_seconds

HERE = Path(__file__).parent
HERE_NET, THERE_NET = "larder-here", "larder-there"
HERE_IP, THERE_IP = "10.77.0.1", "10.77.0.2"
RATE, DELAY = 200, 10  # Mbit/s; ms each way


def missing():
    """Why these cases can't be run here; empty if they can."""
    if os.geteuid() != 0:
        return ["root"]
    return [name for name in ("ip", "cc") if not shutil.which(name)] + (
        [] if Path("/dev/net/tun").exists() else ["/dev/net/tun"])


def inside(namespace, command):
    return ["ip", "netns", "exec", namespace, *command]


class Namespaces:
    """Two network namespaces, gone at the end."""

    def __enter__(self):
        for name in (HERE_NET, THERE_NET):
            subprocess.run(["ip", "netns", "del", name], capture_output=True)
            subprocess.run(["ip", "netns", "add", name], check=True)
            subprocess.run(inside(name, ["ip", "link", "set", "lo", "up"]), check=True)
        return self

    def __exit__(self, *_):
        for name in (HERE_NET, THERE_NET):
            subprocess.run(["ip", "netns", "del", name], capture_output=True)


class Wan(Namespaces):
    """The two of them with a path between that has a rate, a delay, loss and a queue."""

    def __init__(self, lab, loss, queue):
        self.lab, self.loss, self.queue = lab, loss, queue

    def __enter__(self):
        super().__enter__()
        program = self.lab.home / "wan"
        if not program.exists():
            subprocess.run(["cc", "-O2", "-o", str(program), str(HERE / "wan.c")], check=True)
        self.process = subprocess.Popen(
            [str(program), HERE_NET, HERE_IP, THERE_NET, THERE_IP, str(DELAY), str(RATE), str(self.loss),
             str(self.queue)], stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError("the path was not built")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        super().__exit__()


class Veth(Namespaces):
    """The two of them with a fast link between."""

    def __enter__(self):
        super().__enter__()
        subprocess.run(["ip", "link", "add", "wan0", "netns", HERE_NET, "type", "veth", "peer", "name", "wan0",
                        "netns", THERE_NET], check=True)
        for name, address in ((HERE_NET, HERE_IP), (THERE_NET, THERE_IP)):
            subprocess.run(inside(name, ["ip", "addr", "add", f"{address}/24", "dev", "wan0"]), check=True)
            subprocess.run(inside(name, ["ip", "link", "set", "wan0", "up"]), check=True)
        return self


class Seeder:
    """Larder serving files over UDP in the first namespace."""

    def __init__(self, lab, names, foreground):
        home = lab.scratch("udp")
        (home / "list").write_text("".join(f"{lab.files / name}\n" for name in names))
        self.lab, self.blobs = lab, home / "list.blobs"
        command = [lab.larder, "serve", str(home / "store"), str(home / "list"), f"udp={HERE_IP}:7782"]
        if foreground:
            command.append("foreground=1")
        self.process = subprocess.Popen(
            inside(HERE_NET, command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.provider = json.loads(self.process.stdout.readline())["provider"]

    def fetcher(self):
        command = [self.lab.larder, "fetch", str(self.lab.target()), str(self.blobs), self.provider]
        return subprocess.Popen(inside(THERE_NET, command), stdout=subprocess.PIPE, text=True)

    def fetch(self):
        """The seconds that it took, and the processor seconds of both sides."""
        before = processor_seconds(self.process.pid)
        usage = os.times()
        fetcher = self.fetcher()
        told, _ = fetcher.communicate()
        if fetcher.returncode != 0:
            raise RuntimeError("the fetch failed")
        after = os.times()
        client = after.children_user + after.children_system - usage.children_user - usage.children_system
        server = processor_seconds(self.process.pid) - before
        return json.loads(told)["seconds"], client, server

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def wan(report, lab, rounds):
    """The share of a lossy path that UDP gets in the foreground."""
    # Long enough that the first half second, in which the stream opens and grows, does not decide.
    size = 128 << 20
    name = lab.make("wan", size)
    for loss, target in ((0, 0.85), (0.1, 0.8), (1, 0.6)):
        shares = []
        for _ in range(min(rounds, 3)):
            with Wan(lab, loss, 1_250_000):
                seeder = Seeder(lab, [name], foreground=True)
                seconds, _, _ = seeder.fetch()
                seeder.stop()
            shares.append(size * 8 / seconds / RATE / 1e6)
        shares.sort()
        report.figure(f"UDP at {loss} % loss, share of {RATE} Mbit/s with {2 * DELAY} ms",
                      round(shares[len(shares) // 2], 2), f"≥ {target}")


def veth(report, lab, rounds):
    """What a gigabyte over UDP costs where the kernel cuts and joins datagrams."""
    size = 256 << 20
    name = lab.make("one", size)
    costs = []
    for _ in range(rounds):
        with Veth():
            seeder = Seeder(lab, [name], foreground=True)
            costs.append(seeder.fetch())
            seeder.stop()
    middle = [sorted(column)[len(costs) // 2] for column in zip(*costs)]
    report.figure("UDP on a veth, GB/s", round(size / middle[0] / 1e9, 3), "none")
    report.figure("UDP on a veth, CPU s/GB of the client", round(middle[1] / size * 1e9, 2), "≤ 3")
    report.figure("UDP on a veth, CPU s/GB of the server", round(middle[2] / size * 1e9, 2), "≤ 3")


CUBIC = """
import socket, sys, threading
listener = socket.create_server((sys.argv[1], 7000))
stream, _ = listener.accept()
stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"cubic")
block = bytes(65536)
try:
    while True:
        stream.sendall(block)
except OSError:
    pass
"""

READER = """
import socket, sys, time
stream = socket.create_connection((sys.argv[1], 7000))
end, count = time.monotonic() + float(sys.argv[2]), 0
while time.monotonic() < end:
    count += len(stream.recv(1 << 18))
print(count)
"""


def received():
    """The bytes that came out of the path so far."""
    path = "/sys/class/net/wan0/statistics/rx_bytes"
    return int(subprocess.check_output(inside(THERE_NET, ["cat", path])))


def beside(report, lab):
    """What the background controller leaves to a CUBIC flow, and how soon it is back."""
    name = lab.make("large", 1 << 30)
    link = RATE * 1e6 / 8
    for buffer in (50, 100):
        with Wan(lab, 0, int(link * buffer / 1e3)):
            seeder = Seeder(lab, [name], foreground=False)
            fetcher = seeder.fetcher()
            time.sleep(4)
            start = received()
            time.sleep(6)
            alone = (received() - start) / 6 / link
            sender = subprocess.Popen(inside(HERE_NET, [sys.executable, "-c", CUBIC, HERE_IP]))
            time.sleep(0.3)
            seconds, start = 12, received()
            counted = int(subprocess.check_output(
                inside(THERE_NET, [sys.executable, "-c", READER, HERE_IP, str(seconds)])))
            share = (received() - start - counted * 1500 / 1448) / seconds / link
            sender.wait()
            best = 0.0
            for _ in range(6):
                start = received()
                time.sleep(0.5)
                best = max(best, (received() - start) / 0.5 / link)
            fetcher.terminate()
            fetcher.wait()
            seeder.stop()
        report.figure(f"LEDBAT++ alone, {buffer} ms buffer, share", round(alone, 2), "≥ 0.85")
        report.figure(f"LEDBAT++ beside CUBIC, {buffer} ms buffer, share", round(share, 3), "≤ 0.15")
        report.figure(f"LEDBAT++ within 3 s after it, {buffer} ms buffer, share", round(best, 2), "≥ 0.8")

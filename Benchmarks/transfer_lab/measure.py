"""Starts clients and servers and takes their time, processor seconds and memory."""

import os
import resource
import select
import signal
import socket
import subprocess
import time
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


def free_port():
    """A TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"nothing listens on port {port}")


def family(pid):
    """A process and everything below it."""
    children = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
            except (FileNotFoundError, ProcessLookupError):
                pass
    found, todo = [], [pid]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, [])
    return found


def processor_seconds(pid):
    """What a process and its descendants used so far, those that ended and were waited for too."""
    total = 0.0
    for member in family(pid):
        try:
            fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
            total += sum(int(value) for value in fields[13:15]) / TICK
            own = sum(int(value) for value in fields[11:13]) / TICK
            # Nanoseconds where the kernel counts them: a tick is much beside a tenth of a second.
            exact = [task.joinpath("schedstat").read_text().split()[0]
                     for task in Path(f"/proc/{member}/task").iterdir()]
            total += sum(map(int, exact)) / 1e9 if exact else own
        except (FileNotFoundError, ProcessLookupError, IndexError):
            pass
    return total


def resident(pid):
    """The resident bytes of a process and its descendants."""
    total = 0
    for member in family(pid):
        try:
            total += int(Path(f"/proc/{member}/statm").read_text().split()[1])
        except (FileNotFoundError, ProcessLookupError):
            pass
    return total * os.sysconf("SC_PAGE_SIZE")


class Server:
    """A process that serves until the end of the run."""

    def __init__(self, command, port=None, log=None, reads_line=False):
        out = subprocess.PIPE if reads_line else (open(log, "wb") if log else subprocess.DEVNULL)
        err = open(log, "ab") if log else subprocess.DEVNULL
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=out, stderr=err)
        self.line = self.process.stdout.readline().decode() if reads_line else None
        if reads_line and not self.line:
            raise RuntimeError(f"{command[0]} ended at once")
        if port:
            wait_for_port(port)

    @property
    def pid(self):
        return self.process.pid

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.stdin.close()
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Sample:
    """One client's run."""

    def __init__(self, seconds, cpu_client, cpu_server, rss_client, rss_server, output):
        self.seconds, self.output = seconds, output
        self.cpu_client, self.cpu_server = cpu_client, cpu_server
        self.rss_client, self.rss_server = rss_client, rss_server


def run(command, servers=(), limit=300, during=None):
    """Runs a client to its end beside its servers; raises if it fails or takes too long."""
    before = sum(processor_seconds(server.pid) for server in servers)
    began = time.monotonic()
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if during:
        during(process)
    try:
        # What clients print is short: the pipes do not fill.
        pidfd = os.pidfd_open(process.pid)
        ready, _, _ = select.select([pidfd], [], [], limit)
        os.close(pidfd)
        if not ready:
            raise RuntimeError(f"{command[0]} took more than {limit} s")
    except BaseException:
        process.kill()
        process.wait()
        raise
    seconds = time.monotonic() - began
    out, err = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    process.stderr.close()
    time.sleep(0.05)  # A server that forks still has to reap its child.
    cpu_server = sum(processor_seconds(server.pid) for server in servers) - before
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command[:4])}: {err.decode(errors='replace')[-400:]}")
    return Sample(
        seconds, usage.ru_utime + usage.ru_stime, cpu_server, usage.ru_maxrss * 1024,
        sum(resident(server.pid) for server in servers), out.decode(errors="replace"))


def more_files():
    """Lets this process and its children open as many files as the system allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

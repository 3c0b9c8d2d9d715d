"""Daemons on the hosts of a laboratory, and the count of what was checked of them."""

import json
import os
import pathlib
import subprocess
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
LARDER = os.environ.get("LARDER", str(TOP / ".build/debug/larder"))
PORT = 7782
# How long something may take that should take a second: the machine may be busy.
PATIENCE = 60
# What a configuration says of Portage where there is none.
PLAIN = "portage:\n  refresh: []\n"

passed = failed = 0


def check(title, holds, more=""):
    """Counts and prints what was checked; with what helps to see why it does not hold."""
    global passed, failed
    if holds:
        passed += 1
        print(f"ok    {title}", flush=True)
    else:
        failed += 1
        print(f"FAIL  {title}", flush=True)
        for line in more.splitlines()[-25:]:
            print(f"      | {line}", flush=True)


def eventually(test, seconds=PATIENCE):
    """What the test gives once that is true, else what it gave last, with the seconds it took."""
    began = time.monotonic()
    while True:
        result = test()
        spent = time.monotonic() - began
        if result or spent > seconds:
            return result, spent
        time.sleep(0.1)


class Node:
    """A daemon on a host of a laboratory."""

    def __init__(self, lab, name, host, address="0.0.0.0", network="nat", more="", **listen):
        self.lab, self.name, self.host = lab, name, host
        self.root = lab.folder / name
        (self.root / "etc/larder").mkdir(parents=True)
        options = "".join(f"  {key.replace('_', '-')}: {value}\n" for key, value in listen.items())
        (self.root / "etc/larder/larder.yaml").write_text(
            f"network: {network}\nlisten:\n  address: '{address}'\n  port: {PORT}\n{options}"
            f"http:\n  enabled: false\n{more or PLAIN}")
        self.peers()
        self.process = None

    def peers(self, *lines):
        text = "".join(f"{line}\n" for line in lines)
        (self.root / "etc/larder/bootstrap-peers.txt").write_text(text)

    def larder(self, *words, patience=PATIENCE):
        return subprocess.run(
            [LARDER, *words], env={**os.environ, "LARDER_ROOT": str(self.root)},
            capture_output=True, text=True, timeout=patience)

    @property
    def key(self):
        return json.loads(self.larder("key", "show", "--json").stdout)["node"]

    def start(self):
        self.process = self.lab.start(
            self.host, [LARDER, "daemon"], f"{self.name}.log", LARDER_ROOT=str(self.root))
        up, _ = eventually(self.status)
        if not up:
            check(f"{self.name} starts", False, self.log)
        return self

    def stop(self):
        self.process.terminate()
        return self.process.wait(PATIENCE)

    def status(self):
        done = self.larder("status", "--json")
        return json.loads(done.stdout) if done.returncode == 0 else None

    @property
    def peer_count(self):
        return (self.status() or {}).get("peerCount", 0)

    @property
    def addresses(self):
        return (self.status() or {}).get("node", {}).get("addresses", [])

    @property
    def log(self):
        return (self.lab.folder / f"{self.name}.log").read_text(errors="replace")

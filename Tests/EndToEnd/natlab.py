"""Hosts behind routers, in network namespaces of this process: nothing of it is seen from outside.

The public network is 5.0.0.0/8 (these are addresses of the real internet, so that nodes take them for
global ones; there is no way out of the namespaces). Each router has one leg there and one in a network
of its own. Kinds of routers:

    open        passes everything on, translates nothing
    full        one outer port an inner one, open to everybody (full cone)
    address     the same, open to addresses that were sent to (restricted cone)
    port        the same, open to addresses and ports that were sent to (what Linux's masquerade does)
    symmetric   a new outer port for each destination, open to that one alone
"""

import os
import pathlib
import subprocess
import sys

NAT_KINDS = ("full", "address", "port", "symmetric")


def missing():
    """Why there can be no laboratory here; None if there can."""
    for program, package in (("ip", "iproute2"), ("nft", "nftables"), ("unshare", "util-linux")):
        if subprocess.run(["sh", "-c", f"command -v {program}"], capture_output=True).returncode:
            return f"{program} is missing (package {package})"
    probe = subprocess.run(
        ["unshare", "--mount", "--net", "sh", "-c",
         "mount -t tmpfs none /run && ip netns add a && ip netns exec a nft add table ip x"],
        capture_output=True, text=True)
    if probe.returncode:
        return "network namespaces are not allowed here: " + (probe.stderr.strip() or "no reason given")
    return None


def enter():
    """Starts this program again in namespaces of its own, which end with it; returns only there."""
    if os.environ.get("LARDER_NATLAB") == "inside":
        subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
        return
    os.environ["LARDER_NATLAB"] = "inside"
    os.execvp("unshare", [
        "unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc",
        sys.executable, *sys.argv])


def run(*words, check=True, stdin=None):
    done = subprocess.run(words, input=stdin, text=True, capture_output=True)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


class Host:
    """A machine: a namespace, with the words that run a program in it."""

    def __init__(self, name):
        self.name = name
        run("ip", "netns", "add", name)
        # No waiting for duplicate addresses: a link is up when it is made.
        self.run("sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0", check=False)
        self.run("ip", "link", "set", "lo", "up")

    def words(self, *words):
        return ["ip", "netns", "exec", self.name, *words]

    def run(self, *words, check=True, stdin=None):
        return run(*self.words(*words), check=check, stdin=stdin)

    def remove(self):
        run("ip", "netns", "del", self.name, check=False)


class Lab:
    """One arrangement of hosts, removed with everything in it at the end of a `with`."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.hosts = {}
        self.started = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self.started):
            if process.poll() is None:
                process.terminate()
        for process in reversed(self.started):
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for host in self.hosts.values():
            host.remove()

    def host(self, name):
        self.hosts[name] = Host(name)
        return self.hosts[name]

    def switch(self, name):
        """A bridge in a namespace of its own."""
        host = self.host(name)
        host.run("ip", "link", "add", "name", "br0", "type", "bridge", "mcast_snooping", "0")
        host.run("ip", "link", "set", "br0", "up")
        return host

    def plug(self, host, interface, switch, *addresses):
        """Connects a host to a switch by an interface with these addresses."""
        port = f"p{len(switch.run('ip', '-o', 'link').splitlines())}"
        run("ip", "-n", host.name, "link", "add", interface, "type", "veth", "peer", "name", port,
            "netns", switch.name)
        switch.run("ip", "link", "set", port, "master", "br0", "up")
        for address in addresses:
            more = ["nodad"] if ":" in address else []
            host.run("ip", "addr", "add", address, "dev", interface, *more)
        host.run("ip", "link", "set", interface, "up")

    def router(self, name, kind, outside, number, switch):
        """A router of this kind with its own network 192.168.NUMBER.0/24, and that network's switch."""
        host = self.host(name)
        self.plug(host, "wan", switch, f"{outside}/8")
        inside = self.switch(f"{name}-lan")
        self.plug(host, "lan", inside, f"192.168.{number}.1/24")
        host.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        host.run("nft", "-f", "-", stdin=rules(kind, f"192.168.{number}.2"))
        return host, inside

    def start(self, host, words, log, **environment):
        with open(self.folder / log, "ab") as out:
            process = subprocess.Popen(
                host.words(*words), stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                env={**os.environ, **environment})
        self.started.append(process)
        return process


def rules(kind, inner):
    """What makes a Linux machine such a router, for nft; `inner` is the one host behind it.

    Masquerade keeps port numbers where it can, so that one inner port has one outer port; what lets
    strangers in is a translation of everything to the one host behind.
    """
    if kind == "open":
        return ""
    let_in = {
        "full": "iifname wan meta nfproto ipv4 meta l4proto udp dnat ip to " + inner,
        "address": "iifname wan meta l4proto udp ip saddr @spoken dnat ip to " + inner,
    }.get(kind, "")
    how = "random,fully-random" if kind == "symmetric" else ""
    return f"""
table inet filter {{
  set spoken {{ type ipv4_addr; flags dynamic,timeout; timeout 120s; }}
  chain miniupnpd {{ }}
  chain prerouting_miniupnpd {{ }}
  chain postrouting_miniupnpd {{ }}
  chain prerouting {{
    type nat hook prerouting priority dstnat; policy accept;
    jump prerouting_miniupnpd
    {let_in}
  }}
  chain postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    jump postrouting_miniupnpd
    meta nfproto ipv4 oifname wan masquerade {how}
  }}
  chain forward {{
    type filter hook forward priority filter; policy accept;
    oifname wan update @spoken {{ ip daddr }}
    iifname wan ct state established,related accept
    iifname wan ct status dnat accept
    jump miniupnpd
    iifname wan drop
  }}
  chain input {{
    type filter hook input priority filter; policy accept;
    iifname wan ct state new drop
  }}
}}
"""

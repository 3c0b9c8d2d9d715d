"""Sixteen pairs of nodes behind routers: what one publishes the other fetches.

Behind a router of each kind sits a node that builds and publishes a package of its own with real
Portage, and behind another of each kind one that fetches the four. Seeders on the public network are
what all enter through. The way that each fetch went, and how long finding it took, comes from the
fetching daemon's log.
"""

import concurrent.futures
import os
import pathlib
import re
import subprocess

import natlab
from natnode import PLAIN, PORT, TOP, Node, check, eventually

HERE = pathlib.Path(__file__).resolve().parent
KINDS = natlab.NAT_KINDS
PACKAGES = ("app-lab/hello-1.0", "dev-lab/libcask-1.0", "data-lab/wordlist-2026",
            "app-lab/opportunist-1.0")
# By publisher and fetcher, what is to be seen; two routers of which one takes a new port for each
# destination, and the other looks at ports, leave a relay.
RELAYED = {("port", "symmetric"), ("symmetric", "port"), ("symmetric", "symmetric")}
# Seconds that finding a way may take on a busy machine; 1 and 3 are what is aimed at.
BOUNDS = {"punched": 10, "relayed": 15}


def portage(lab, *words, **environment):
    """Runs `portage-lab` with the laboratory's own directory."""
    done = subprocess.run(
        [HERE / "portage-lab", words[0], lab.folder / "portage", *words[1:]],
        env={**os.environ, **environment}, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"portage-lab {' '.join(map(str, words))}: {done.stdout}{done.stderr}")
    return done.stdout


def portage_node(lab, name, host, more=""):
    """A node with a Portage of its own."""
    portage(lab, "host", name)
    settings = (
        f"portage:\n  refresh: []\n  helper: {TOP}/libexec/larder-portage\n"
        f"  command-prefix: [{HERE}/portage-lab, run, {lab.folder}/portage, {name}, --]\n{more}")
    return Node(lab, name, host, more=settings, port_mapping="false")


def seeders(lab, net):
    """Two public nodes through which all enter, in networks of their own."""
    nodes = []
    for number in range(2):
        host = lab.host(f"pub{number}")
        lab.plug(host, "wan", net, f"5.{10 + number}.0.1/8")
        nodes.append(Node(lab, f"seeder{number}", host, more=f"role: seeder\n{PLAIN}"))
    lines = [f"{node.key} 5.{10 + number}.0.1:{PORT}" for number, node in enumerate(nodes)]
    for node in nodes:
        node.peers(*lines)
        node.start()
    return nodes, lines


def behind(lab, net, kind, prefix, number):
    """A host behind a router of this kind, alone."""
    router = f"{prefix}-{kind}"
    _, inside = lab.router(f"r{router}", kind, f"5.{number}.0.1", number, net)
    host = lab.host(f"h{router}")
    lab.plug(host, "eth0", inside, f"192.168.{number}.2/24")
    host.run("ip", "route", "add", "default", "via", f"192.168.{number}.1")
    return host


def publish(lab, node, package):
    """Builds a package with a node's Portage and has the daemon publish it."""
    portage(lab, "emerge", node.name, "--", "--oneshot", "--nodeps", f"={package}")
    done, _ = eventually(lambda: node.status()["records"]["published"] >= 1, 90)
    check(f"{node.name} publishes {package}", done, node.log)


def reached(log, key):
    """The last line of a daemon's log about how it reached a node: the way and the seconds."""
    found = None
    for line in log.splitlines():
        if "peer reached" in line and key in line:
            way = re.search(r"way=(.+?)(?: \w+=|\s*\[|$)", line)
            spent = re.search(r"milliseconds=(\d+)", line)
            if way and spent:
                found = way[1], int(spent[1]) / 1000
    return found


def fetch(node, package):
    """Fetches a package; whether it is here then."""
    done = node.larder("fetch", "--oneshot", "--nodeps", f"={package}", patience=180)
    return done.returncode == 0 and (node.status() or {}), done.stdout + done.stderr


def matrix(lab):
    """A package published behind a router of each kind is fetched behind one of each kind."""
    net = lab.switch("net")
    public, lines = seeders(lab, net)
    portage(lab, "init", LARDER_LAB_BALLAST_MB="1")
    givers, takers = {}, {}
    for number, kind in enumerate(KINDS):
        giver = portage_node(lab, f"giver-{kind}", behind(lab, net, kind, "g", 20 + number),
                             "publish:\n  enabled: true\n")
        taker = portage_node(lab, f"taker-{kind}", behind(lab, net, kind, "t", 30 + number))
        givers[kind], takers[kind] = giver, taker
        for node in (giver, taker):
            node.peers(*lines)
        giver.larder("key", "generate")
    for kind, giver in givers.items():
        key = lab.folder / f"{giver.name}.pub"
        key.write_text(giver.larder("key", "export").stdout)
        for taker in takers.values():
            taker.larder("trust", "add", str(key), "--name", giver.name)
    everybody = [*givers.values(), *takers.values()]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(Node.start, everybody))
        for node in everybody:
            joined, _ = eventually(lambda: node.peer_count >= 2)
            check(f"{node.name} joins", joined, node.log)
        list(pool.map(lambda pair: publish(lab, *pair), zip(givers.values(), PACKAGES)))
        for giver in givers.values():
            placed, _ = eventually(lambda: (giver.status() or {}).get("reach", {}).get("relays"))
            check(f"{giver.name} is registered with a relay", placed, giver.log)
        results = {}
        for offset in range(len(KINDS)):
            round_of = [(KINDS[at], KINDS[(at + offset) % len(KINDS)]) for at in range(len(KINDS))]
            outcomes = pool.map(
                lambda pair: pull(givers[pair[0]], takers[pair[1]], PACKAGES[KINDS.index(pair[0])]),
                round_of)
            results.update(zip(round_of, outcomes))
    judge(results)
    probed(givers, takers)
    passed_on = sum((node.status() or {}).get("relay", {}).get("bytes", 0) for node in public)
    check(f"the seeders passed on {passed_on} bytes", passed_on > 0)


def pull(giver, taker, package):
    """One pair: the way, the seconds that finding it took, and what was said where it failed."""
    before = taker.status()["blobs"]["count"]
    _, said = fetch(taker, package)
    after = taker.status()["blobs"]["count"]
    way = reached(taker.log, giver.key)
    return after > before, way, f"{said}\n{taker.log}"


def probed(givers, takers):
    """Where one router looks at ports and the other takes a new one each time, chance finds a way."""
    for one, other in (("port", "symmetric"), ("symmetric", "port")):
        giver, taker = givers[one], takers[other]

        def found():
            return any("way=probed" in line and giver.key in line for line in taker.log.splitlines())

        # A second attempt follows after a minute: one in fifty misses.
        moved, spent = eventually(found, 120)
        check(f"from behind {one} to behind {other}: one of many ports is hit, and the stream leaves the "
              f"relay ({spent:.0f} s after the fetches)", moved, f"{taker.log}\n{giver.log}")


def judge(results):
    for (giver, taker), (came, way, said) in results.items():
        title = f"from behind {giver} to behind {taker}"
        check(f"{title}: the package comes, {way[0] if way else 'no way found'}", came, said)
        if not (came and way):
            continue
        wanted = "relayed" if (giver, taker) in RELAYED else "punched"
        check(f"{title}: a relay is used only where it must be",
              (way[0] == "relayed") == (wanted == "relayed"), said)
        check(f"{title}: a way is found in time ({way[1]:.2f} s)", way[1] <= BOUNDS[wanted], said)
    print("\nPublisher down, fetcher across; the way, and seconds from the first try to the connection:\n")
    print(f"{'':12}" + "".join(f"{kind:>22}" for kind in KINDS))
    for giver in KINDS:
        cells = []
        for taker in KINDS:
            _, way, _ = results[giver, taker]
            cells.append(f"{way[0]} {way[1]:.2f} s" if way else "-")
        print(f"{giver:12}" + "".join(f"{cell:>22}" for cell in cells))
    print()

#!/usr/bin/env python3
"""Prints version comparisons as real Portage makes them: LEFT<tab>RIGHT<tab>-1|0|1.

Run with a Python that has the package `portage` (3.0.83 made the committed file):
    python3 make-version-vectors.py > versions.tsv
"""
import random

from portage.versions import vercmp, ververify

EDGES = """
0 1 00 01 1.0 1.00 1.000 1.0.0 1.01 1.010 1.1 1.10 1.2 1.001 1.1.0 1.0a 1a 1b 1.0b 1.1a
1.0_alpha 1.0_alpha0 1.0_alpha1 1.0_alpha01 1.0_beta 1.0_pre 1.0_pre2 1.0_rc1 1.0_p 1.0_p0 1.0_p1
1.0_p1_alpha 1.0_p1_p2 1.0_alpha_p 1.0_alpha_beta 1.0_rc_p3 1-r0 1-r1 1-r01 1-r10 1.0-r2 1.0_p-r1
1.0a_rc2-r3 99999999999999999999999999 100000000000000000000000000 1.99999999999999999999999999
1.099999999999999999999999999 20240101 1.0_p20240101 1.0_p20240101-r20 9999 0.0 0.00 0.0.1 0.01 0.1
""".split()


def some(rng):
    number = lambda: rng.choice(["0", "1", "2", "9", "10", "01", "010", "001", "100", "12"])
    text = number() + "".join("." + number() for _ in range(rng.randrange(4)))
    if rng.random() < 0.2:
        text += rng.choice("abz")
    for _ in range(rng.choice([0, 0, 0, 1, 1, 2])):
        text += "_" + rng.choice(["alpha", "beta", "pre", "rc", "p"])
        text += rng.choice(["", "0", "1", "2", "10", "01"])
    if rng.random() < 0.3:
        text += "-r" + rng.choice(["0", "1", "2", "10", "01"])
    return text


def main():
    rng = random.Random(20260101)
    pairs = [(a, b) for a in EDGES for b in EDGES if a < b]
    while len(pairs) < 3500:
        left = some(rng)
        # Half of the partners are near misses, which is where orders go wrong.
        right = some(rng) if rng.random() < 0.5 else left[: rng.randrange(1, len(left) + 1)]
        if ververify(right):
            pairs.append((left, right))
    for left, right in pairs:
        order = vercmp(left, right)
        print(left, right, (order > 0) - (order < 0), sep="\t")


main()

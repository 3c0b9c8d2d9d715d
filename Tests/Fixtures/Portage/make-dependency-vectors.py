#!/usr/bin/env python3
"""Prints dependency strings as real Portage reduces them: TEXT<tab>REDUCED.

Run with a Python that has the package `portage` (3.0.83 made the committed file):
    python3 make-dependency-vectors.py > dependencies.tsv
"""
import random

from portage.dep import Atom, paren_enclose, use_reduce

ATOMS = ["a/b", ">=c/d-1:0/1=", "!e/f", "g/h[x,-y(+)]", "~i/j-2", "=k/l-3*:0=", "m/n:*"]


def group(rng, depth):
    words = []
    for _ in range(rng.choice([1, 1, 2, 2, 3])):
        kind = rng.random() if depth < 5 else 0
        if kind < 0.5:
            words.append(rng.choice(ATOMS))
        elif kind < 0.8:
            words.append("|| ( %s )" % group(rng, depth + 1))
        else:
            words.append("( %s )" % group(rng, depth + 1))
    return " ".join(words)


def main():
    rng = random.Random(20260102)
    seen = set()
    while len(seen) < 600:
        text = group(rng, 0)
        if len(text) < 300 and text not in seen:
            seen.add(text)
            print(text, paren_enclose(use_reduce(text, token_class=Atom, eapi="8")), sep="\t")


main()

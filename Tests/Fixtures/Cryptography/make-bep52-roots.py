#!/usr/bin/env python3
"""Writes bep52-roots.tsv anew: roots and piece layers as libtorrent 2 computes them.

Needs `pip install libtorrent`. A blob of N bytes is the start of SplitMix64's output for the seed N,
each number as eight bytes, lowest first.
"""

import hashlib
import os
import struct
import tempfile

import libtorrent

SIZES = (1, 16383, 16384, 16385, 32768, 32769, 49153, 65535, 65536, 65537, 131072, 524288, 524289,
         (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 2 << 20, (3 << 20) + 17, (5 << 20) - 40_000)
MASK = (1 << 64) - 1


def blob(size):
    state, words = size, []
    for _ in range((size + 7) // 8):
        state = (state + 0x9E3779B97F4A7C15) & MASK
        mixed = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & MASK
        words.append(mixed ^ (mixed >> 31))
    return struct.pack(f"<{len(words)}Q", *words)[:size]


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    rows = ["# size\troot\tSHA-256 of the piece layer (1 MiB pieces), - where there is none"]
    with tempfile.TemporaryDirectory() as directory:
        for size in SIZES:
            path = os.path.join(directory, "blob")
            with open(path, "wb") as file:
                file.write(blob(size))
            storage = libtorrent.file_storage()
            libtorrent.add_files(storage, path)
            torrent = libtorrent.create_torrent(
                storage, piece_size=1 << 20, flags=libtorrent.create_torrent.v2_only)
            libtorrent.set_piece_hashes(torrent, directory)
            made = torrent.generate()
            root = made[b"info"][b"file tree"][b"blob"][b""][b"pieces root"]
            layer = made[b"piece layers"].get(root)
            rows.append(f"{size}\t{root.hex()}\t{hashlib.sha256(layer).hexdigest() if layer else '-'}")
    with open(os.path.join(here, "bep52-roots.tsv"), "w", encoding="utf-8") as file:
        file.write("\n".join(rows) + "\n")


if __name__ == "__main__":
    main()

"""What `Tests/Interop/run` checks of the transfer streams: known frames, and blobs fetched from a node."""

import json
import os
import random
from pathlib import Path

import stream_client as lib

VECTORS = Path(__file__).resolve().parent.parent / "Vectors/streams.json"
SIZES = (1, 16384, 60_000, 65_536, 65_537, 1 << 20, (1 << 20) + 1, 5_000_000)


def reference():
    """libtorrent, or why it is not here."""
    try:
        import libtorrent
        return libtorrent, ""
    except ImportError as error:
        return None, str(error)


def torrent(libtorrent, content, piece, folder):
    """BEP 52's root and piece layer of a file as libtorrent computes them."""
    (folder / "file").write_bytes(content)
    storage = libtorrent.file_storage()
    storage.add_file("file", len(content))
    made = libtorrent.create_torrent(storage, piece, libtorrent.create_torrent.v2_only)
    libtorrent.set_piece_hashes(made, str(folder))
    (folder / "file").unlink()
    entry = made.generate()
    root = entry[b"info"][b"file tree"][b"file"][b""][b"pieces root"]
    layer = entry[b"piece layers"].get(root, b"")
    return root, [layer[at:at + 32] for at in range(0, len(layer), 32)]


def known_frames(check):
    known = json.loads(VECTORS.read_text())
    wrong = []
    for one in known["frames"]:
        fields = {name: bytes.fromhex(value[4:]) if str(value).startswith("hex:") else value
                  for name, value in one["fields"].items()}
        if lib.frame(one["payload"], **fields).hex() != one["frame"]:
            wrong.append(one["name"])
    check(not wrong, f"{len(known['frames'])} frames of a stream are written as known", wrong)
    wrong = [one["size"] for one in known["trees"]
             if lib.root_of(content(one["size"])).hex() != one["root"]]
    check(not wrong, f"and the roots of {len(known['trees'])} blobs are the known ones", wrong)


def content(size):
    return random.Random(size).randbytes(size)


class Blobs:
    """Blobs that a node finds in its store when it starts."""

    def __init__(self):
        self.contents = {lib.root_of(content(size)): content(size) for size in SIZES}

    def put(self, root):
        for name, bytes_of in self.contents.items():
            shelf = root / "var/lib/larder/blobs/blobs" / name.hex()[:2]
            shelf.mkdir(parents=True, exist_ok=True)
            (shelf / name.hex()).write_bytes(bytes_of)


def refusal(call, *arguments, **named):
    try:
        call(*arguments, **named)
    except (lib.Refused, OSError) as error:
        return error.args
    return None


def fetches(check, skip, nodes, blobs, folder):
    key, address = nodes.contacts[0]
    seed, network = os.urandom(32), nodes.network
    stream = lib.Stream(seed, network, key, address)
    check(stream.socket.selected_alpn_protocol() == lib.ALPN and stream.socket.version() == "TLSv1.3",
          "TLS 1.3 with the node's key pinned and the protocol's name")
    check(stream.hello.version == 1 and stream.hello.network == network and stream.hello.credit > 0,
          "the node greets", stream.hello)
    wrong = [len(whole) for root, whole in blobs.contents.items()
             if stream.fetch(root, len(whole)) != whole]
    check(not wrong, f"{len(SIZES)} blobs are fetched, each block checked", wrong)

    libtorrent, reason = reference()
    if libtorrent is None:
        skip("libtorrent finds the same roots and layers", reason)
    else:
        wrong = []
        for root, whole in blobs.contents.items():
            want = stream.want(root)
            for level, piece in ((2, lib.BLOCK), (6, lib.PIECE)):
                theirs, layer = torrent(libtorrent, whole, piece, folder)
                count = -(-len(whole) // piece)
                if theirs != root or (count > 1 and stream.hashes(want.stream, level, count) != layer):
                    wrong.append((len(whole), level))
        check(not wrong, "libtorrent finds the same roots and layers (BEP 52)", wrong)

    check(refusal(stream.want, os.urandom(32)) == ("reject", 1), "a blob that is not here: REJECT 1")
    large = next(root for root, whole in blobs.contents.items() if len(whole) == SIZES[-1])
    want = stream.want(large)
    stream.send("block_request", stream=want.stream, start=70, count=20)
    check(refusal(stream.receive, "block_data") == ("reject", 3), "blocks past the end: REJECT 3")
    stream.send("block_request", stream=want.stream, start=2, count=1)
    data = stream.receive("block_data")
    check(stream.take(data.length) == blobs.contents[large][2 * lib.BLOCK:3 * lib.BLOCK],
          "and the stream goes on")
    stream.close()
    for title, name, version in (("network", "another", 1), ("version", network, 2)):
        foreign = lib.Stream(seed, name, key, address, version)
        check(refusal(foreign.receive, "have") == ("goodbye", 4), f"another {title}: GOODBYE 4")
    check(refusal(lib.Stream, seed, network, nodes.contacts[1][0], address) is not None,
          "a node with another key than was announced is not trusted")
    loud = lib.Stream(seed, network, key, address)
    loud.socket.sendall((lib.MOST_FRAME + 1).to_bytes(4, "big") + bytes(100))
    check(refusal(loud.receive, "have") is not None, "a frame over the bound ends the connection")
    again = lib.Stream(seed, network, key, address)
    again.close()

"""A client of Larder's transfer streams, written from docs/PROTOCOL.md alone: fetches and checks blobs.

It shares no code with the node: TLS is Python's, the Merkle tree hashlib's, the certificate a few lines
of DER.
"""

import hashlib
import socket
import ssl
import tempfile
from pathlib import Path

from larder_client import encode, message_types
from nacl import bindings as sodium

BLOCK, PIECE, LEAF, MOST_FRAME = 65536, 1 << 20, 16384, 131072
ALPN = "larder-transfer/1"

FIELDS = {
    "Hello": "version:1:uint32 network:2:string credit:3:uint32",
    "Want": "stream:1:uint32 root:2:bytes",
    "Have": "stream:1:uint32 size:2:uint64 blocks:3:bytes inline:4:bytes layer:5:bytes layer_level:6:uint32",
    "HashRequest": "stream:1:uint32 level:2:uint32 start:3:uint32 count:4:uint32",
    "Hashes": "stream:1:uint32 level:2:uint32 start:3:uint32 digests:4:bytes",
    "BlockRequest": "stream:1:uint32 start:2:uint32 count:3:uint32",
    "BlockData": "stream:1:uint32 block:2:uint32 length:3:uint32",
    "Cancel": "stream:1:uint32 start:2:uint32 count:3:uint32",
    "Choke": "", "Unchoke": "", "Goodbye": "reason:1:uint32",
    "Reject": "stream:1:uint32 reason:2:uint32",
    "TransferFrame": "hello:1:Hello| want:2:Want| have:3:Have| hash_request:4:HashRequest| "
    "hashes:5:Hashes| block_request:6:BlockRequest| block_data:7:BlockData| cancel:8:Cancel| "
    "choke:9:Choke| unchoke:10:Unchoke| goodbye:11:Goodbye| reject:12:Reject|",
}

TYPES = message_types(FIELDS, "transfer.proto")


def frame(payload, **fields):
    """A frame with its length in front."""
    made = TYPES["TransferFrame"](**{payload: fields})
    getattr(made, payload).SetInParent()
    message = encode(made)
    return len(message).to_bytes(4, "big") + message


def leaves(content):
    """The digests of the 16 KiB leaves."""
    return [hashlib.sha256(content[at:at + LEAF]).digest() for at in range(0, len(content), LEAF)]


def parent(nodes, filler):
    nodes = nodes + [filler] * (len(nodes) % 2)
    return [hashlib.sha256(left + right).digest() for left, right in zip(nodes[::2], nodes[1::2])]


def reduced(nodes, level, to=None):
    """The layer `to` above a layer; the root (of BEP 52) without it."""
    filler = bytes(32)
    for _ in range(level):
        filler = hashlib.sha256(filler * 2).digest()
    while len(nodes) > 1 if to is None else level < to:
        nodes = parent(nodes, filler)
        filler = hashlib.sha256(filler * 2).digest()
        level += 1
    return nodes


def root_of(content):
    return reduced(leaves(content), 0)[0]


def der(tag, *parts):
    body = b"".join(parts)
    assert len(body) < 256
    size = bytes([len(body)]) if len(body) < 128 else bytes([0x81, len(body)])
    return bytes([tag]) + size + body


ED25519 = der(0x30, bytes.fromhex("06032b6570"))


def certificate(seed):
    """The node key's self-signed certificate and its secret key, as PEM."""
    key, secret = sodium.crypto_sign_seed_keypair(seed)
    name = der(0x30, der(0x31, der(0x30, bytes.fromhex("0603550403"), der(0x0C, b"interop"))))
    dates = der(0x30, der(0x17, b"700101000000Z"), der(0x17, b"491231235959Z"))
    info = der(0x30, ED25519, der(0x03, b"\0", key))
    body = der(0x30, der(0xA0, b"\2\1\2"), b"\2\1\1", ED25519, name, dates, name, info)
    signature = sodium.crypto_sign(body, secret)[:64]
    whole = ssl.DER_cert_to_PEM_cert(der(0x30, body, ED25519, der(0x03, b"\0", signature)))
    inner = der(0x30, b"\2\1\0", ED25519, der(0x04, der(0x04, seed)))
    return whole + ssl.DER_cert_to_PEM_cert(inner).replace("CERTIFICATE", "PRIVATE KEY")


class Refused(Exception):
    """The other side does not have it, or ended the conversation."""


class Stream:
    """A connection to a node whose key is known; `hello` is what the node greeted with."""

    def __init__(self, seed, network, key, address, version=1, credit=512):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.set_alpn_protocols([ALPN])
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "pem"
            file.write_text(certificate(seed))
            context.load_cert_chain(file)
        plain = socket.create_connection(address, 10)
        self.socket = context.wrap_socket(plain)
        shown = self.socket.getpeercert(binary_form=True)
        # TLS 1.3 has proved that the other side has the secret key of this certificate.
        if der(0x30, ED25519, der(0x03, b"\0", key)) not in shown:
            raise Refused("another key than was announced")
        self.buffer, self.streams = b"", 0
        self.send("hello", version=version, network=network, credit=credit)
        self.hello = self.receive("hello")

    def send(self, payload, **fields):
        self.socket.sendall(frame(payload, **fields))

    def take(self, count):
        while len(self.buffer) < count:
            part = self.socket.recv(1 << 17)
            if not part:
                raise Refused("the connection ended")
            self.buffer += part
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def receive(self, *wanted):
        """The next frame's payload, of one of these kinds; what changes the pace alone is skipped."""
        while True:
            length = int.from_bytes(self.take(4), "big")
            assert 0 < length <= MOST_FRAME, length
            read = TYPES["TransferFrame"].FromString(self.take(length))
            kind = read.WhichOneof("payload")
            if kind in wanted:
                return getattr(read, kind)
            if kind in ("reject", "goodbye"):
                raise Refused(kind, getattr(read, kind).reason)
            assert kind in ("choke", "unchoke"), kind

    def want(self, root):
        self.streams += 1
        self.send("want", stream=self.streams, root=root)
        have = self.receive("have")
        assert have.stream == self.streams
        return have

    def hashes(self, stream, level, count):
        """A whole layer, asked for in parts."""
        layer = b""
        while len(layer) < 32 * count:
            start = len(layer) // 32
            self.send("hash_request", stream=stream, level=level, start=start,
                      count=min(2048, count - start))
            got = self.receive("hashes")
            assert (got.stream, got.level, got.start) == (stream, level, start)
            layer += got.digests
        return [layer[at:at + 32] for at in range(0, len(layer), 32)]

    def fetch(self, root, size):
        """The blob, every part of it checked against the root."""
        have = self.want(root)
        assert have.size == size and not have.blocks
        if size <= BLOCK:
            assert root_of(have.inline) == root, "the blob does not make the root"
            return have.inline
        count = -(-size // BLOCK)
        if have.layer and have.layer_level == 2:
            blocks = [have.layer[at:at + 32] for at in range(0, len(have.layer), 32)]
        else:
            blocks = self.hashes(have.stream, 2, count)
        assert len(blocks) == count and reduced(blocks, 2)[0] == root, "the layer does not make the root"
        content, run = b"", self.hello.credit
        for start in range(0, count, run):
            self.send("block_request", stream=have.stream, start=start, count=min(run, count - start))
            for block in range(start, min(start + run, count)):
                data = self.receive("block_data")
                assert (data.stream, data.block) == (have.stream, block)
                part = self.take(data.length)
                assert data.length == min(BLOCK, size - block * BLOCK)
                assert reduced(leaves(part), 0, 2)[0] == blocks[block], f"block {block} is wrong"
                content += part
        self.send("cancel", stream=have.stream)
        return content

    def close(self):
        self.send("goodbye", reason=1)
        self.socket.close()

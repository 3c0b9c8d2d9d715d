"""A client of Larder's DHT, written from docs/PROTOCOL.md alone: joins, stores and gets.

It shares no code with the node. PyNaCl has the primitives; protobuf the encoding, from the field
tables of PROTOCOL.md below.
"""

import hashlib
import ipaddress
import os
import socket
import time

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from nacl import bindings as sodium
from nacl.exceptions import CryptoError

OVERHEAD, MOST = 1 + 32 + 16 + 24 + 16, 1232
NO_COOKIE = bytes(16)
# What a request without a cookie is filled up to, in bytes of its message.
WANTED = {"ping": 56, "find": 900 - OVERHEAD, "get": MOST - OVERHEAD, "have": 512,
          "reach": 56, "punch": 56}
REPLIES = {"ping": "pong", "find": "found", "get": "got", "store": "stored", "have": "lacking",
           "reach": "reaching", "punch": "punching"}
CONTEXT = {1: b"larder build statement 1", 2: b"larder provider 1"}

FIELDS = {
    "ContactInfo": "key:1:bytes address:2:bytes",
    "PingRequest": "", "PingReply": "observed:1:bytes",
    "FindRequest": "keys:1:bytes*", "FindReply": "contacts:1:ContactInfo* observed:2:bytes",
    "GetRequest": "keys:1:bytes* kind:2:uint32 issuers:3:bytes* cursor:4:uint64",
    "GetReply": "records:1:bytes* next:2:uint64 contacts:3:ContactInfo*",
    "StoredRecord": "kind:1:uint32 record:2:bytes", "StoreRequest": "records:1:StoredRecord*",
    "StoreReply": "results:1:uint32*", "HaveRequest": "digests:1:fixed64*",
    "HaveReply": "lacking:1:uint32*", "ReachRequest": "peer:1:bytes address:2:bytes later:3:bool",
    "ReachReply": "asked:1:bool", "PunchReply": "address:1:bytes",
    "PunchRequest": "peer:1:bytes address:2:bytes round_trip:3:uint32", "ErrorReply": "code:1:uint32",
    "DHTMessage": "transaction:1:uint64 client:2:bool padding:15:bytes cookie:16:bytes "
    "ping:3:PingRequest| pong:4:PingReply| find:5:FindRequest| found:6:FindReply| "
    "get:7:GetRequest| got:8:GetReply| store:9:StoreRequest| stored:10:StoreReply| "
    "error:11:ErrorReply| have:12:HaveRequest| lacking:13:HaveReply| "
    "reach:14:ReachRequest| reaching:17:ReachReply| punch:18:PunchRequest| punching:19:PunchReply|",
    "SignedRecord": "kind:1:uint32 signer:2:bytes body:3:bytes signature:4:bytes",
    "ProviderBody": "version:1:uint32 content_root:2:bytes addresses:3:bytes* seeder:4:bool "
    "created:5:int64 expires:6:int64",
    "BuildStatementBody": "version:1:uint32 fingerprint:2:bytes content_root:3:bytes size:4:uint64 "
    "md5:5:bytes sha1:6:bytes agreement:7:bytes judged:8:JudgedFacts build_time:9:int64 "
    "sequence:10:uint64 created:11:int64 expires:12:int64 withdrawn:13:bool",
    "JudgedFacts": "march:1:string compiler:5:string",
}


def message_types(messages, title):
    """The protobuf classes of field tables; `*` repeats a field, `|` puts it into the payload."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name=title, package="larder", syntax="proto3")
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for field in fields.split():
            label, number, kind = field.split(":")
            made = message.field.add(name=label, number=int(number), label=kinds.LABEL_OPTIONAL)
            if kind.endswith("*"):
                made.label = kinds.LABEL_REPEATED
            if kind.endswith("|"):
                if not message.oneof_decl:
                    message.oneof_decl.add(name="payload")
                made.oneof_index = 0
            kind = kind.rstrip("*|")
            if kind in messages:
                made.type, made.type_name = kinds.TYPE_MESSAGE, ".larder." + kind
            else:
                made.type = getattr(kinds, "TYPE_" + kind.upper())
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName("larder." + name))
            for name in messages}


TYPES = message_types(FIELDS, "dht.proto")


def encode(message):
    return message.SerializeToString(deterministic=True)


def node_id(key):
    return hashlib.blake2b(key, digest_size=32).digest()


def distance(one, other):
    return int.from_bytes(one, "big") ^ int.from_bytes(other, "big")


def compact(address):
    return ipaddress.ip_address(address[0]).packed + address[1].to_bytes(2, "big")


def expanded(packed):
    return str(ipaddress.ip_address(packed[:-2])), int.from_bytes(packed[-2:], "big")


class Box:
    """Seals and opens the datagrams of one node in one network."""

    def __init__(self, seed, network):
        self.key, self.secret = sodium.crypto_sign_seed_keypair(seed)
        self.curve = sodium.crypto_sign_ed25519_sk_to_curve25519(self.secret)
        self.network, self.agreed = network.encode(), {}

    def keys(self, peer):
        """The keys for sending to a peer and for receiving from it."""
        if peer not in self.agreed:
            point = sodium.crypto_sign_ed25519_pk_to_curve25519(peer)
            shared = sodium.crypto_scalarmult(self.curve, point)
            name = bytes([len(self.network)]) + self.network
            self.agreed[peer] = tuple(
                hashlib.blake2b(shared + name + way, digest_size=32).digest()
                for way in (self.key + peer, peer + self.key))
        return self.agreed[peer]

    def seal(self, message, peer, cookie=NO_COOKIE, nonce=None):
        nonce = nonce or os.urandom(24)
        header = b"\x01" + self.key + cookie + nonce
        return header + sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(
            message, header, nonce, self.keys(peer)[0])

    def open(self, packet):
        """Sender and message; None for what is not for us."""
        if not OVERHEAD <= len(packet) <= MOST or packet[0] != 1 or packet[1:33] == self.key:
            return None
        try:
            opened = sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
                packet[73:], packet[:73], packet[49:73], self.keys(packet[1:33])[1])
        except (CryptoError, RuntimeError):
            return None
        return packet[1:33], opened

    def sign(self, kind, body):
        """An encoded SignedRecord."""
        signed = sodium.crypto_sign(CONTEXT[kind] + b"\0" + body, self.secret)
        return encode(TYPES["SignedRecord"](
            kind=kind, signer=self.key, body=body, signature=signed[:64]))

    def announcement(self, root, address, created=None, life=3600):
        created = int(time.time()) if created is None else created
        return self.sign(2, encode(TYPES["ProviderBody"](
            version=1, content_root=root, addresses=[compact(address)], created=created,
            expires=created + life)))

    def statement(self, fingerprint, root, sequence=1, created=None, life=3600):
        created = int(time.time()) if created is None else created
        return self.sign(1, encode(TYPES["BuildStatementBody"](
            version=1, fingerprint=fingerprint, content_root=root, size=1000, md5=bytes(16),
            sha1=bytes(20), agreement=bytes(32), build_time=created, sequence=sequence,
            created=created, expires=created + life,
            judged=TYPES["JudgedFacts"](march="x86-64", compiler="gcc"))))


class Client:
    """A node that neither stores nor routes, and asks those that do; a contact is (key, address)."""

    def __init__(self, seed, network, host="127.0.0.1"):
        self.box, self.cookies, self.contacts = Box(seed, network), {}, {}
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, 0))

    def message(self, payload, fields, transaction=None, length=0):
        number = int.from_bytes(os.urandom(8), "big") if transaction is None else transaction
        made = TYPES["DHTMessage"](transaction=number, client=True, **{payload: fields})
        getattr(made, payload).SetInParent()
        rest = length - len(encode(made))
        if rest > 2:
            made.padding = bytes(rest - (2 if rest < 130 else 3))
        return made

    def ask(self, contact, payload, tries=3, pads=True, **fields):
        """The reply's payload; None without one. Every request is idempotent, so it is repeated."""
        key, address = contact
        cookie = self.cookies.get(contact, NO_COOKIE)
        length = WANTED.get(payload, 0) if cookie == NO_COOKIE and pads else 0
        asked = self.message(payload, fields, length=length)
        packet = self.box.seal(encode(asked), key, cookie)
        for _ in range(tries):
            self.socket.sendto(packet, address)
            end = time.monotonic() + 1.5
            while (left := end - time.monotonic()) > 0:
                self.socket.settimeout(left)
                try:
                    received, sender = self.socket.recvfrom(2048)
                except TimeoutError:
                    break
                opened = self.box.open(received)
                if opened is None or opened[0] != key or sender != address:
                    continue
                reply = TYPES["DHTMessage"].FromString(opened[1])
                if reply.transaction != asked.transaction:
                    continue
                if len(reply.cookie) == 16:
                    self.cookies[contact] = reply.cookie
                if reply.WhichOneof("payload") == REPLIES[payload]:
                    self.sizes = len(packet), len(received)
                    return getattr(reply, REPLIES[payload])
        return None

    def nearest(self, target, count=16):
        return sorted(self.contacts, key=lambda one: distance(node_id(one[0]), target))[:count]

    def learn(self, contacts):
        for one in contacts:
            self.contacts.setdefault((one.key, expanded(one.address)), None)

    def join(self, entry):
        self.contacts[entry] = None
        return self.find(node_id(self.box.key))

    def find(self, target):
        """The nearest nodes that answer, asked for until no nearer one is heard of."""
        answered, silent = set(), set()
        while True:
            near = [one for one in self.nearest(target, 16 + len(silent)) if one not in silent][:16]
            fresh = next((one for one in near if one not in answered), None)
            if fresh is None:
                return near
            found = self.ask(fresh, "find", keys=[target])
            (silent if found is None else answered).add(fresh)
            if found is not None:
                self.learn(found.contacts)

    def store(self, key, kind, record):
        """How many nodes keep the record."""
        entry = TYPES["StoredRecord"](kind=kind, record=record)
        replies = [self.ask(one, "store", records=[entry]) for one in self.find(key)]
        return sum(reply is not None and list(reply.results) == [0] for reply in replies)

    def get(self, key, kind, issuers=()):
        """The records under a key at the first node that has any."""
        asked = set()
        while True:
            fresh = next((one for one in self.nearest(key) if one not in asked), None)
            if fresh is None:
                return []
            asked.add(fresh)
            got = self.ask(fresh, "get", keys=[key], kind=kind, issuers=list(issuers))
            if got is not None and got.records:
                return list(got.records)
            if got is not None:
                self.learn(got.contacts)

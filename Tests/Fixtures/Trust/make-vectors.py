#!/usr/bin/env python3
"""make-vectors.py > vectors.json: the numbers of Trust, computed a second time from docs/PROTOCOL.md.

Shares no code with Sources/Trust. Dependency strings stand here beside the canonical text that they
must become; everything else is derived.
"""

import bz2
import hashlib
import io
import json
import os
import re
import subprocess
import tarfile

HERE = os.path.dirname(os.path.abspath(__file__))
HEX = {"ebuild": "1a" * 32, "normalized": "2b" * 32, "files": "", "eclasses": {"lab-c": "3c" * 32}}


def digest(domain, parts, size=32):
    state = hashlib.blake2b(domain.encode(), digest_size=size)
    for part in parts:
        part = part if isinstance(part, bytes) else part.encode()
        state.update(len(part).to_bytes(4, "big") + part)
    return state.hexdigest()


def facts(**changes):
    value = {
        "type": "ebuild", "category": "app-lab", "package": "caskcat", "version": "1.0-r1",
        "slot": "0", "subslot": "2", "repository": "gentoo", "eapi": "8",
        "chost": "x86_64-pc-linux-gnu",
        "target": {"abi": "amd64", "default_abi": "amd64",
                   "libdirs": {"x86": "lib", "amd64": "lib64"}, "arch": "amd64",
                   "elibc": "glibc", "kernel": "linux", "eprefix": "", "usr": "merged"},
        "use": ["-debug", "-doc", "nls", "python_targets_python3_12"],
        "depend": {"BDEPEND": "", "DEPEND": "dev-lab/libcask:0/2= dev-lab/headers", "IDEPEND": "",
                   "PDEPEND": "", "RDEPEND": "dev-lab/libcask:0/2="},
        "distfiles": [{"name": "b.tar", "digests": {"size": "2", "SHA512": "cd", "BLAKE2B": "ab"}},
                      {"name": "a.tar", "digests": {"size": "1"}}],
        "local": {"user_patches": "", "linguas": "", "extra_econf": "", "extra_emake": "",
                  "mycmakeargs": "", "mymesonargs": "", "pkg_install_mask": ""},
        "flags": {"CFLAGS": "-O2  -pipe", "LDFLAGS": ""},
        "cpu": {"march": "x86-64", "mtune": "generic", "features": ["sse2", "mmx"],
                "level": "x86-64"},
        "compiler": {"name": "gcc", "version": "14.2.1"},
        "content_features": [], "recipe": HEX, "index": {},
    }
    value.update(changes)
    return value


def fields(value, rdepend=None, depend="dev-lab/libcask:0/2="):
    target = value["target"]
    settings = [part for name, text in value["local"].items() if text for part in (name, text)]
    pairs = lambda table: " ".join(f"{k}={v}" for k, v in sorted(table.items()))
    return [
        value["category"], value["package"], value["version"], value["slot"], value["subslot"],
        value["repository"], value["eapi"], value["chost"], target["abi"], target["default_abi"],
        pairs(target["libdirs"]), target["arch"], target["elibc"], target["kernel"],
        target["eprefix"], target["usr"],
        " ".join(sorted(value["use"], key=lambda flag: flag.lstrip("-"))),
        value["depend"]["IDEPEND"], value["depend"]["PDEPEND"],
        value["depend"]["RDEPEND"] if rdepend is None else rdepend, depend,
        "\n".join(f"{f['name']} {pairs(f['digests'])}"
                  for f in sorted(value["distfiles"], key=lambda f: f["name"])),
        digest("larder local settings 1", settings) if settings else "",
    ]


def fingerprints():
    plain = facts()
    yield "plain", plain, fields(plain)
    bound = facts()
    bound["depend"] = dict(
        bound["depend"],
        RDEPEND="|| ( dev-lab/a:0/1= dev-lab/b:0/3= )  >=sys-libs/glibc-2.41-r3 dev-lab/c:=")
    yield "libc and choices", bound, fields(
        bound, rdepend="|| ( dev-lab/a:= dev-lab/b:= ) dev-lab/c:=")
    local = facts(local=dict(plain["local"], linguas="de fr", user_patches="ab12"),
                  use=["nls", "-doc"], distfiles=[])
    local["target"] = dict(local["target"], libdirs={"amd64": "lib64"}, usr="split")
    yield "local settings", local, fields(local)


def excluded(kind):
    """The names in the two lists of HostVariables.swift, read from the source."""
    path = os.path.join(HERE, "../../../Sources/Trust/Package/HostVariables.swift")
    with open(path, encoding="utf-8") as source:
        text = source.read()
    block = re.search(rf"static let {kind}: Set<String> = \[(.*?)\n  \]", text, re.DOTALL).group(1)
    return set(re.findall(r'"([^"]+)"', block))


def agreement(path):
    members = {}
    with tarfile.open(path) as outer:
        for member in outer:
            members[os.path.basename(member.name)] = outer.extractfile(member).read()

    def inner(name):
        data = subprocess.run(["zstd", "-dcq"], input=members[name], capture_output=True,
                              check=True).stdout
        return tarfile.open(fileobj=io.BytesIO(data))

    parts, entries = ["image"], []
    with inner("image.tar.zst") as image:
        for member in image:
            name = member.name.partition("/")[2].rstrip("/")
            if not name:
                continue
            if member.isdir():
                kind, content = "directory", b""
            elif member.issym():
                kind, content = "link", member.linkname.encode()
            else:
                kind = "file"
                content = hashlib.blake2b(image.extractfile(member).read(), digest_size=32).digest()
            mode = "777" if member.issym() else format(member.mode, "o")
            owner = f"{member.uname or member.uid}:{member.gname or member.gid}"
            entries.append((name.encode(), [kind, mode, owner, content]))
    parts.append(str(len(entries)))
    for name, rest in sorted(entries):
        parts += [name, *rest]
    with inner("metadata.tar.zst") as archive:
        files = {os.path.basename(m.name): archive.extractfile(m).read()
                 for m in archive if m.isfile()}
    ebuild = files["PF"].decode().strip() + ".ebuild"
    lines = bz2.decompress(files["environment.bz2"]).decode().split("\n")
    hosts = excluded("names")
    kept = [line for line in lines
            if not (found := re.match(r"declare (?:-\S+ )?([A-Za-z_][A-Za-z0-9_]*)(=|$)", line))
            or found.group(1) not in hosts]
    parts += ["ebuild", files[ebuild], "environment", "\n".join(kept), "metadata"]
    for name in sorted(files, key=str.encode):
        if name in ("environment.bz2", ebuild) or name in excluded("metadata"):
            continue
        value = files[name]
        if name.endswith("DEPEND"):
            words = value.decode().split()
            value = " ".join(w for w in words if "sys-libs/glibc" not in w).encode()
        elif name in ("REQUIRES", "PROVIDES"):
            head, *names = value.decode().split()
            value = " ".join([head, *sorted(names)]).encode()
        parts += [name, value]
    return digest("larder agreement 1", parts)


def main():
    plain = facts()
    print(json.dumps({
        "fingerprints": [
            {"name": name, "facts": value, "fields": texts,
             "fingerprint": digest("larder fingerprint 1", texts)}
            for name, value, texts in fingerprints()],
        "flags": digest("larder flags 1", ["CFLAGS", "-O2 -pipe"], 16),
        "recipe": digest("larder recipe 1", [HEX["ebuild"], "", "lab-c", "3c" * 32], 16),
        "features": {"names": plain["cpu"]["features"], "bits": bytes([0b1010]).hex()},
        "agreement": agreement(os.path.join(HERE, "caskcat-alpha.gpkg.tar")),
    }, indent=1))


if __name__ == "__main__":
    main()

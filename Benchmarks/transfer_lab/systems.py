"""The systems that are compared: each serves a directory on loopback and fetches files from it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from .measure import Server, free_port, run

HERE = Path(__file__).parent


class System:
    """A way to move files. `needs` names the programs without which it is left out."""

    name = ""
    needs = ()

    def __init__(self, lab):
        self.lab = lab
        self.servers = []

    @classmethod
    def missing(cls):
        return [program for program in cls.needs if not shutil.which(program)]

    def start(self, files):
        """Serves these files of the lab's `files` directory."""

    def fetch(self, files, into, **options):
        """Brings the files into an empty directory; returns the sample."""
        raise NotImplementedError

    def stop(self):
        for server in self.servers:
            server.stop()
        self.servers = []


class Nginx(System):
    """nginx, one worker, and curl; nothing is verified."""

    name, needs = "nginx-http", ("nginx", "curl")
    scheme, flush = "http", False

    def start(self, files, rates=(None,)):
        self.ports = [free_port() for _ in rates]
        home = self.lab.scratch(self.name)
        tls = ""
        if self.scheme == "https":
            certificate, key = self.lab.certificate()
            tls = f"ssl_certificate {certificate}; ssl_certificate_key {key}; ssl_protocols TLSv1.3;"
        listen = " ssl" if tls else ""
        hosts = "".join(
            f"server {{ listen 127.0.0.1:{port}{listen}; root {self.lab.files};"
            + (f" limit_rate {rate};" if rate else "") + " }\n"
            for port, rate in zip(self.ports, rates))
        (home / "nginx.conf").write_text(
            f"daemon off; user root; worker_processes 1; pid {home}/pid; error_log {home}/error.log;\n"
            "events { worker_connections 1024; }\n"
            f"http {{ access_log off; sendfile on; keepalive_requests 100000; {tls}\n"
            + "".join(f"{kind}_temp_path {home}/{kind};\n" for kind in
                      ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
            + hosts + "}\n")
        self.servers = [Server(["nginx", "-p", str(home), "-c", str(home / "nginx.conf")],
                               port=self.ports[0])]

    def url(self, name, port=0):
        return f"{self.scheme}://127.0.0.1:{self.ports[port]}/{name}"

    def fetch(self, files, into, **options):
        lines = [f'url = "{self.url(name)}"\noutput = "{into / name}"\n' for name in files]
        (into / "curl.conf").write_text("".join(lines))
        command = ["curl", "-sSfk", "-K", str(into / "curl.conf")]
        if self.flush:
            paths = " ".join(str(into / name) for name in files)
            command = ["sh", "-c", " ".join(command) + f" && sync -d {paths}"]
        return run(command, self.servers)


class NginxTLS(Nginx):
    name, needs, scheme = "nginx-tls", ("nginx", "curl", "openssl"), "https"


class NginxTLSFlushed(NginxTLS):
    name, needs, flush = "nginx-tls-sync", ("nginx", "curl", "openssl", "sync"), True


class Aria2(Nginx):
    """aria2c from four nginx hosts."""

    name, needs = "aria2c", ("nginx", "aria2c")

    def start(self, files, rates=(None,) * 4):
        super().start(files, rates)

    def fetch(self, files, into, **options):
        lines = ["\t".join(self.url(name, port) for port in range(len(self.ports))) + f"\n  out={name}\n"
                 for name in files]
        (into / "list").write_text("".join(lines))
        count = str(len(self.ports))
        return run(["aria2c", "-q", "--no-conf", "--allow-overwrite=true", "--file-allocation=none",
                    "-j16", "-x1", f"-s{count}", "-k1M", "-i", str(into / "list"), "-d", str(into)],
                   self.servers)


class Rsync(System):
    name, needs = "rsync", ("rsync",)

    def start(self, files):
        home, self.port = self.lab.scratch(self.name), free_port()
        (home / "rsyncd.conf").write_text(
            f"use chroot = no\nuid = {os.getuid()}\ngid = {os.getgid()}\n"
            f"[files]\npath = {self.lab.files}\n")
        self.servers = [Server(["rsync", "--daemon", "--no-detach", f"--port={self.port}",
                                "--address=127.0.0.1", f"--config={home}/rsyncd.conf"], port=self.port)]

    def fetch(self, files, into, **options):
        (into / "list").write_text("\n".join(files))
        return run(["rsync", "--whole-file", f"--files-from={into / 'list'}",
                    f"rsync://127.0.0.1:{self.port}/files/", str(into)], self.servers)


class Scp(System):
    name, needs = "scp", ("scp", "sshd", "ssh-keygen")

    def start(self, files):
        home, self.port = self.lab.scratch(self.name), free_port()
        for key in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(home / key)], check=True)
        (home / "authorized").write_text((home / "user.pub").read_text())
        (home / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1:{self.port}\nHostKey {home}/host\nAuthorizedKeysFile {home}/authorized\n"
            f"StrictModes no\nPermitRootLogin yes\nUsePAM no\nPidFile {home}/pid\nSubsystem sftp internal-sftp\n")
        Path("/run/sshd").mkdir(exist_ok=True)
        self.home = home
        # One tree, since scp opens a connection for each source that it is told.
        (home / "tree").mkdir()
        for name in files:
            os.link(self.lab.files / name, home / "tree" / name)
        self.servers = [Server([shutil.which("sshd"), "-D", "-f", str(home / "sshd_config")],
                               port=self.port, log=home / "log")]

    def fetch(self, files, into, **options):
        return run(["scp", "-q", "-r", "-P", str(self.port), "-i", str(self.home / "user"), "-o",
                    "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
                    f"127.0.0.1:{self.home}/tree", str(into)], self.servers)


class Libtorrent(System):
    """libtorrent with its defaults, encryption forced, over TCP."""

    name, mode = "libtorrent", "tcp"

    @classmethod
    def missing(cls):
        try:
            import libtorrent  # noqa: F401
            return []
        except ImportError:
            return ["libtorrent (PyPI)"]

    def start(self, files):
        home = self.lab.scratch(self.name)
        (home / "list").write_text("\n".join(files))
        self.torrent = home / "torrent"
        self.servers = [Server([sys.executable, str(HERE / "torrent.py"), "serve", self.mode, str(self.torrent),
                                str(self.lab.files), str(home / "list")], reads_line=True, log=home / "log")]
        self.port = json.loads(self.servers[0].line)["port"]

    def fetch(self, files, into, **options):
        return run([sys.executable, str(HERE / "torrent.py"), "fetch", self.mode, str(self.torrent), str(into),
                    str(self.port)], self.servers)


class LibtorrentUTP(Libtorrent):
    name, mode = "libtorrent-utp", "utp"


class Larder(System):
    """Two of our services: TLS 1.3, every block verified, flushed and renamed at the end."""

    name = "larder"

    def start(self, files, rates=(None,), connections=256):
        (self.lab.home / "larder").mkdir(exist_ok=True)
        listing = self.lab.scratch(self.name) / "list"
        listing.write_text("\n".join(str(self.lab.files / name) for name in files))
        self.blobs = Path(f"{listing}.blobs")
        self.servers = []
        for number, rate in enumerate(rates):
            home = self.lab.scratch(f"{self.name}-seed-{number}")
            limit = [f"rate={rate}"] if rate else []
            self.servers.append(Server(
                [self.lab.larder, "serve", str(home), str(listing), f"connections={connections}", *limit],
                reads_line=True, log=f"{home}.log"))
        self.providers = [json.loads(server.line)["provider"] for server in self.servers]

    def fetch(self, files, into, **options):
        return run([self.lab.larder, "fetch", str(into), str(self.blobs), *self.providers],
                   self.servers, during=options.get("during"))

    def tell(self, *words):
        """A run that is no fetch into a directory: its line of JSON and the sample."""
        sample = run([self.lab.larder, *words], self.servers)
        return json.loads(sample.output), sample


ALL = [Larder, NginxTLS, Nginx, Rsync, Scp, Aria2, Libtorrent, LibtorrentUTP]

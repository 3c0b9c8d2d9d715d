"""libtorrent as one side of a transfer.

    torrent.py serve tcp|utp TORRENT DIRECTORY LIST    prints its port; serves until its input ends
    torrent.py fetch tcp|utp TORRENT DIRECTORY PORT
"""

import json
import sys
import time
from pathlib import Path

import libtorrent


def session(mode):
    tcp, utp = mode == "tcp", mode == "utp"
    return libtorrent.session({
        "listen_interfaces": "127.0.0.1:0", "enable_dht": False, "enable_lsd": False, "enable_upnp": False,
        "enable_natpmp": False, "enable_incoming_tcp": tcp, "enable_outgoing_tcp": tcp,
        "enable_incoming_utp": utp, "enable_outgoing_utp": utp, "allow_multiple_connections_per_ip": True,
        "out_enc_policy": int(libtorrent.enc_policy.forced), "in_enc_policy": int(libtorrent.enc_policy.forced),
        "allowed_enc_level": int(libtorrent.enc_level.rc4), "alert_mask": 0})


def main():
    role, mode, torrent, directory = sys.argv[1:5]
    peer = session(mode)
    if role == "serve":
        storage = libtorrent.file_storage()
        for name in Path(sys.argv[5]).read_text().split("\n"):
            storage.add_file(f"files/{name}", (Path(directory) / name).stat().st_size)
        made = libtorrent.create_torrent(storage, 0, libtorrent.create_torrent.v1_only)
        libtorrent.set_piece_hashes(made, str(Path(directory).parent))
        Path(torrent).write_bytes(libtorrent.bencode(made.generate()))
        flags = libtorrent.torrent_flags.seed_mode
        peer.add_torrent({"ti": libtorrent.torrent_info(torrent), "save_path": str(Path(directory).parent),
                          "flags": flags})
        while not peer.listen_port():
            time.sleep(0.02)
        print(json.dumps({"port": peer.listen_port()}), flush=True)
        sys.stdin.read()
    else:
        handle = peer.add_torrent({"ti": libtorrent.torrent_info(torrent), "save_path": directory})
        handle.connect_peer(("127.0.0.1", int(sys.argv[5])))
        while not handle.status().is_seeding:
            time.sleep(0.01)


main()

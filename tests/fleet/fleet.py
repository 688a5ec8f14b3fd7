# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starts and stops the fleet: ``python -m tests.fleet.fleet up --hosts debian12:sqlite …`` and ``… down``."""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import functools
import http.server
import ipaddress
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence

from tests.fleet import archives, hosts, images
from tests.fleet.paths import CACHE, FLEET, ROOT, WORK, FleetError, prepare_podman, run_checked

NETWORK = f"oxzep7-fleet{FLEET}"
SUBNET = ipaddress.ip_network(f"10.97.{int(FLEET) + 1 if FLEET else 0}.0/24")
PORT = 8099
# One image, built once, with what several scenarios need.
EQUIPMENT = (
    "acl",
    "age",
    "attr",
    "dpkg-dev",
    "faketime",
    "git",
    "libcap2-bin",
    "libpam-systemd",
    "mariadb-server",
    "postgresql",
    "python3-apt",
    "restic",
    "rsync",
)
EQUIPPED_KIND = f"debian12+{','.join(EQUIPMENT)}"
DEFAULT_HOSTS = ["debian12:sqlite"] * 2 + ["debian12:postgresql"] + ["debian13:sqlite"] * 3
KEY = WORK / "id_ed25519"
INVENTORY = WORK / "inventory.json"
CONSTRAINTS = [
    {
        "requirement": "pytest>=6.2.5",
        "python": ">=3.10",
        "reason": "earlier releases cannot rewrite assertions on Python 3.10",
    },
    {
        "requirement": "py>=1.11.0",
        "python": ">=3.11",
        "reason": "earlier releases fail to import on Python 3.11",
    },
]


def declare_ledger() -> dict[str, object]:
    """How an operator declares the ledger."""
    return {
        "name": "ledger",
        "environment": "/srv/ledger/venv",
        "source": "/srv/ledger/app",
        "user": "ledger",
        "services": [{"name": "ledger-web.service"}, {"name": "ledger-worker.service"}],
        "checks": [{"name": "answers", "http": {"url": "http://127.0.0.1:8001/health", "body": '"vendor": "'}}],
        "tests": ["python -m pytest -q"],
    }


def _serve_archives(directory: pathlib.Path) -> None:
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(directory))
    http.server.ThreadingHTTPServer((str(SUBNET[1]), PORT), handler).serve_forever()


def _start_server(packed: dict[str, pathlib.Path]) -> None:
    served = WORK / "archives"
    shutil.rmtree(served, ignore_errors=True)
    served.mkdir()
    for archive in packed.values():
        for path in (archive, archive.with_name(archive.name + ".sha256")):
            (served / path.name).symlink_to(path)
    with (WORK / "server.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.fleet.fleet", "serve"],
            cwd=ROOT,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    (WORK / "server.pid").write_text(str(process.pid), encoding="utf-8")


def _start_host(name: str, address: str, image: str, options: Sequence[str]) -> None:
    command = ["podman", "run", "--detach", "--name", hosts.name_container(name), "--hostname", name]
    command += [
        "--label",
        f"oxzep7-fleet={NETWORK}",
        "--network",
        NETWORK,
        "--ip",
        address,
        "--systemd",
        "always",
        "--security-opt",
        "label=disable",
    ]
    command += ["--cap-add", "SYS_ADMIN,NET_ADMIN,SYS_PTRACE,AUDIT_WRITE", *images.list_legacy_options()]
    run_checked(*command, *options, image, "/sbin/init")
    public = KEY.with_suffix(".pub").read_text(encoding="utf-8")
    for user, home in (("root", "/root"), ("ops", "/home/ops")):
        script = f"mkdir -p -m 700 {home}/.ssh && cat >{home}/.ssh/authorized_keys && chown -R {user}: {home}/.ssh"
        hosts.run_on_host(name, script, public)
    deadline = time.monotonic() + 60
    while True:
        try:
            with socket.create_connection((address, 22), timeout=2) as connection:
                if connection.recv(4):
                    break
        except OSError:
            pass
        if time.monotonic() > deadline:
            raise FleetError(f"sshd of {name} did not answer within 60 seconds")
        time.sleep(0.1)
    images.wait_for_boot(hosts.name_container(name))


def _describe_archive(minor: str, archive: pathlib.Path) -> dict[str, str]:
    url = f"http://{SUBNET[1]}:{PORT}/{archive.name}"
    return {"source": "archive", "version": minor, "url": url, "sha256": archives.hash_archive(archive)}


def _build_inventory(
    kinds: dict[str, str], addresses: dict[str, str], packed: dict[str, pathlib.Path]
) -> dict[str, object]:
    declared: dict[str, dict[str, object]] = {}
    for name, kind in kinds.items():
        declared[name] = {"ansible_host": addresses[name]}
        if kind.endswith((":sqlite", ":postgresql")):
            declared[name]["oxzep7_applications"] = [declare_ledger()]
    # Hosts of one address come and go, each with a key of its own.
    ssh_options = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
    variables = {
        "ansible_user": "ops",
        "ansible_ssh_private_key_file": str(KEY),
        "ansible_ssh_common_args": ssh_options,
        "ansible_python_interpreter": "/usr/bin/python3",
        "oxzep7_interpreters": [_describe_archive(minor, archive) for minor, archive in packed.items()],
        "oxzep7_keep_generations": 3,
        "oxzep7_constraints": CONSTRAINTS,
    }
    return {"all": {"hosts": declared, "vars": variables}}


def read_addresses() -> dict[str, str]:
    """Address of every host of the running fleet."""
    inventory = json.loads(INVENTORY.read_text(encoding="utf-8"))
    return {name: variables["ansible_host"] for name, variables in inventory["all"]["hosts"].items()}


def disconnect_host(host: str) -> None:
    """Take *host* off the network. Raises FleetError."""
    run_checked("podman", "network", "disconnect", NETWORK, hosts.name_container(host))


def connect_host(host: str) -> None:
    """Put *host* on the network again, with its address. Raises FleetError."""
    address = read_addresses()[host]
    run_checked("podman", "network", "connect", "--ip", address, NETWORK, hosts.name_container(host))


def _choose_image(kind: str) -> str:
    if kind.startswith("localhost/"):
        return kind
    release, _separator, extra = kind.partition("+")
    if extra:
        return images.build_base_image(release, tuple(extra.split(",")))
    if ":" not in kind:
        return images.build_base_image(kind)
    release, _separator, applications = kind.partition(":")
    builders = {"trio": images.build_trio_image, "real": images.build_real_image}
    return builders[applications](release) if applications in builders else images.build_ledger_image(*kind.split(":"))


def start_fleet(kinds: list[str], options: Sequence[str] = ()) -> float:
    """Start one host for each of *kinds*: ``debian12``, ``debian12:sqlite``, ``debian12+git,at``, or an image.

    Returns the seconds that starting took. *options* are further ones for ``podman run``. A fleet that is up already is
    taken down first. Raises FleetError.
    """
    stop_fleet()
    prepare_podman()
    packed = archives.pack_every_minor()
    chosen = {kind: _choose_image(kind) for kind in dict.fromkeys(kinds)}
    began = time.monotonic()
    if not KEY.exists():
        run_checked("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(KEY))
    network = ["--disable-dns", "--internal", "--subnet", str(SUBNET), "--gateway", str(SUBNET[1])]
    run_checked("podman", "network", "create", *network, NETWORK)
    names = {f"host{index}": kind for index, kind in enumerate(kinds, 1)}
    addresses = {name: str(SUBNET[10 + index]) for index, name in enumerate(names)}
    with concurrent.futures.ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(lambda name: _start_host(name, addresses[name], chosen[names[name]], options), names))
    _start_server(packed)
    INVENTORY.write_text(json.dumps(_build_inventory(names, addresses, packed), indent=2), encoding="utf-8")
    return time.monotonic() - began


def stop_fleet() -> None:
    """Stop every host and the archive server, and remove their network. Images and archives stay cached."""
    if not shutil.which("podman"):
        return
    prepare_podman()
    pid = WORK / "server.pid"
    if pid.exists():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(int(pid.read_text(encoding="utf-8")), signal.SIGTERM)
        pid.unlink()
    containers = run_checked("podman", "ps", "--all", "--quiet", "--filter", f"label=oxzep7-fleet={NETWORK}").split()
    if containers:
        run_checked("podman", "rm", "--force", "--time", "0", "--volumes", *containers)
    if NETWORK in run_checked("podman", "network", "ls", "--quiet").split():
        run_checked("podman", "network", "rm", "--force", NETWORK)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    starting = commands.add_parser("up")
    starting.add_argument("--hosts", nargs="+", default=DEFAULT_HOSTS, metavar="RELEASE[:DATABASE]")
    commands.add_parser("down")
    commands.add_parser("serve")
    given = parser.parse_args()
    try:
        if given.command == "up":
            print(f"{len(given.hosts)} hosts up in {start_fleet(given.hosts):.1f} s; inventory: {INVENTORY}")
        elif given.command == "down":
            stop_fleet()
        else:
            _serve_archives(WORK / "archives")
    except FleetError as error:
        sys.exit(f"fleet: {error}\n(cache: {CACHE})")


if __name__ == "__main__":
    main()

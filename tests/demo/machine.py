# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Three hosts on this machine: local connections, a scratch folder each, a web application as a plain process."""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import pathlib
import pwd
import re
import shutil
import socket
import subprocess
import sys

from ansible_collections.oxzep7.python.plugins.plugin_utils import _lifecycle

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SCRATCH = ROOT / "demo"
HOSTS = ("host1", "host2", "host3")
FAILING = "host3"
MINORS = [(3, minor) for minor in range(8, 15)]


class DemoError(Exception):
    """The reason why the demonstration cannot run on this machine, and what to do."""


@dataclasses.dataclass(frozen=True)
class InterpreterRoute:
    """The interpreters that the demonstration goes through, oldest first."""

    interpreters: tuple[pathlib.Path, ...]
    minors: tuple[tuple[int, int], ...]


def run_uv(*words: str) -> str:
    """Standard output of uv. Raises DemoError with its explanation."""
    done = subprocess.run(["uv", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise DemoError(f"uv {' '.join(words)}: {done.stderr.strip()[-600:]}")
    return done.stdout


def find_interpreters() -> dict[tuple[int, int], pathlib.Path]:
    """An interpreter with ``venv`` for each minor found in the usual places."""
    home = pathlib.Path.home()
    places = [
        *home.glob(".pyenv/versions/*/bin"),
        *home.glob(".local/share/uv/python/cpython-*/bin"),
        pathlib.Path("/usr/local/bin"),
        pathlib.Path("/usr/bin"),
        *pathlib.Path("/opt").glob("*/bin"),
    ]
    found: dict[tuple[int, int], pathlib.Path] = {}
    for place in places:
        for path in sorted(place.glob("python3.*")):
            match = re.fullmatch(r"python3\.(\d+)", path.name)
            if match and (3, int(match[1])) in MINORS and (3, int(match[1])) not in found and _has_venv(path):
                found[3, int(match[1])] = path
    return found


def _has_venv(path: pathlib.Path) -> bool:
    command = [path, "-I", "-c", "import venv, ensurepip, ssl"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def choose_route() -> InterpreterRoute:
    """The oldest one or two steps with interpreters on this machine. Raises DemoError without any."""
    found = find_interpreters()
    for minor in MINORS[:4]:
        if not _list_consecutive(found, minor, 3):
            for wanted in (minor, (3, minor[1] + 1), (3, minor[1] + 2)):
                if wanted not in found:
                    _install_interpreter(wanted)
            found = find_interpreters()
        break
    for minor in MINORS:
        chosen = _list_consecutive(found, minor, 3) or _list_consecutive(found, minor, 2)
        if chosen:
            return InterpreterRoute(tuple(found[minor] for minor in chosen), tuple(chosen))
    names = ", ".join(_lifecycle.format_minor(minor) for minor in sorted(found)) or "none"
    raise DemoError(
        "an upgrade needs two consecutive minor versions of Python on this machine, and uv could not install any; "
        f"found only {names}"
    )


def _list_consecutive(
    found: dict[tuple[int, int], pathlib.Path], start: tuple[int, int], length: int
) -> list[tuple[int, int]]:
    wanted = [(3, start[1] + offset) for offset in range(length)]
    return wanted if all(minor in found for minor in wanted) else []


def _install_interpreter(minor: tuple[int, int]) -> None:
    try:
        run_uv("python", "install", _lifecycle.format_minor(minor))
    except DemoError:
        return


def find_free_port() -> int:
    """A free TCP port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _origin_pins(minor: tuple[int, int], target: pathlib.Path) -> None:
    """The board's pins as they would have been a year and a half after the release of *minor*."""
    born = _lifecycle.load_releases()[minor].end_of_life - datetime.timedelta(days=5 * 365)
    source = target.with_suffix(".in")
    source.write_text("flask\nwaitress\npyyaml\nmarkupsafe\n", encoding="utf-8")
    before = (born + datetime.timedelta(days=540)).isoformat()
    options = ["--python-version", _lifecycle.format_minor(minor), "--only-binary", ":all:", "--exclude-newer", before]
    run_uv("pip", "compile", "--quiet", "--no-config", *options, "--output-file", str(target), str(source))


def build_service_command(host: str, verb: str, port: int) -> list[str]:
    """The command that does *verb* with the board of *host*."""
    return ["/bin/sh", str(HERE / "service.sh"), verb, str(SCRATCH / host), str(port)]


def start_demo_hosts() -> tuple[pathlib.Path, str, list[str]]:
    """Make the three hosts; returns inventory, target and options of the run. Raises DemoError."""
    stop_demo_hosts()
    chosen = choose_route()
    SCRATCH.mkdir(mode=0o700)
    pins = SCRATCH / "pins.txt"
    _origin_pins(chosen.minors[0], pins)
    hosts: dict[str, dict[str, object]] = {}
    for host in HOSTS:
        home = SCRATCH / host
        (home / "app").mkdir(parents=True)
        for name in ("app.py", "test_board.py"):
            shutil.copy(HERE / name, home / "app" / name)
        run_uv("venv", "--quiet", "--no-project", "--python", str(chosen.interpreters[0]), str(home / "venv"))
        run_uv("pip", "sync", "--quiet", "--python", str(home / "venv" / "bin" / "python"), str(pins))
        port = find_free_port()
        (home / "port").write_text(str(port), encoding="utf-8")
        if host == FAILING:
            (home / "refuses").write_text(_lifecycle.format_minor(chosen.minors[-1]), encoding="utf-8")
        subprocess.run(build_service_command(host, "start", port), check=True)
        prefixes = [path.parent.parent for path in chosen.interpreters if path.parent != pathlib.Path("/usr/bin")]
        hosts[host] = {
            "ansible_connection": "local",
            "oxzep7_state_dir": str(home / "state"),
            "oxzep7_interpreter_dir": str(home / "interpreters"),
            "oxzep7_roots": sorted({str(home), *map(str, prefixes)}),
            "oxzep7_applications": [declare_board(host, port)],
        }
    variables = {
        "ansible_python_interpreter": sys.executable,
        "oxzep7_become": False,
        "oxzep7_wheelhouse_dir": str(SCRATCH / "wheelhouse"),
        "oxzep7_interpreters": [{"source": "existing"}],
    }
    inventory = SCRATCH / "inventory.json"
    inventory.write_text(json.dumps({"all": {"hosts": hosts, "vars": variables}}, indent=2), encoding="utf-8")
    target = _lifecycle.format_minor(chosen.minors[-1])
    return inventory, target, ["-e", "oxzep7_stability_window=2", "-e", "oxzep7_timeout=15"]


def declare_board(host: str, port: int) -> dict[str, object]:
    """How an operator declares the board of *host*."""
    home = SCRATCH / host
    service: dict[str, object] = {"name": "board", "pidfile": str(home / "pid")}
    for verb in ("start", "stop", "status"):
        service[verb] = build_service_command(host, verb, port)
    return {
        "name": "board",
        "environment": str(home / "venv"),
        "user": pwd.getpwuid(os.geteuid()).pw_name,
        "source": str(home / "app"),
        "services": [service],
        "checks": [{"name": "answers", "http": {"url": f"http://127.0.0.1:{port}/health"}}],
        "tests": ["python -m unittest -q"],
    }


def stop_demo_hosts() -> None:
    """Stop the boards and remove the scratch folder."""
    for host in HOSTS:
        port = SCRATCH / host / "port"
        if port.exists():
            subprocess.run(build_service_command(host, "stop", int(port.read_text(encoding="utf-8"))), check=False)
    shutil.rmtree(SCRATCH, ignore_errors=True)

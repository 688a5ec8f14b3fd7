# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A test host with the application "steady" in three generations, on which promotions are run, traced and judged."""

from __future__ import annotations

import concurrent.futures
import hashlib
import json
import pathlib
import shutil
import tempfile
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import ansible

from tests.fleet import fleet, hosts, images
from tests.fleet.archives import pack_interpreter
from tests.fleet.paths import ROOT, FleetError, hash_inputs, hold_lock, prepare_podman, run_checked

HERE = pathlib.Path(__file__).resolve().parent
MINORS = ("3.8", "3.9", "3.10")
STATE = "/var/lib/oxzep7/applications/steady"
APPLICATION = {
    "name": "steady",
    "environment": "/srv/steady/venv",
    "user": "steady",
    "services": [{"name": "steady-web.service"}, {"name": "steady-worker.service"}],
    "checks": [{"name": "answers", "http": {"url": "http://127.0.0.1:8003/", "body": "python"}}],
}
ORIGINAL, FIRST, SECOND = "0-py3.8", "1-py3.9", "2-py3.10"
PATIENCE = 120.0
T = TypeVar("T")


class BrokenHostError(Exception):
    """The host is not as it must be; the text says what is wrong."""


class SteadyHost:
    """The host called *name*, which runs already."""

    def __init__(self, name: str) -> None:
        self.name = name

    def run_script(self, script: str) -> str:
        """Standard output of *script*, run as root. Raises FleetError."""
        return hosts.run_on_host(self.name, script)

    def run_actions(self, *actions: list[Any]) -> list[Any]:
        """Run *actions* of ``steady/drive.py`` in one round trip; returns their results. Raises FleetError."""
        answers: list[Any] = json.loads(run_checked(*self.build_driver(), input=json.dumps(actions)))
        return answers

    def build_driver(self) -> list[str]:
        """Words that start ``steady/drive.py``, which reads its actions from standard input."""
        return hosts.build_command(self.name, "python3", "/root/faults/drive.py")

    def prepare(self, services: Sequence[dict[str, Any]] | None = None) -> None:
        """Install the application, the modules under test, and two more generations.

        *services* replace those of the application. Raises FleetError, BrokenHostError.
        """
        declared = {**APPLICATION, **({"services": list(services)} if services else {})}
        with tempfile.TemporaryDirectory(prefix="oxzep7-faults-") as directory:
            folder = pathlib.Path(directory, "faults")
            copy_supplies(folder)
            hosts.copy_to_host(folder, self.name, "/root/faults")
        self.run_script("sh /root/faults/setup.sh")
        empty = hashlib.sha256(b"").hexdigest()
        self.run_script(
            "mkdir -p -m 700 /var/lib/oxzep7 && mkdir -m 700 /var/lib/oxzep7/locks"
            f" && : > /var/lib/oxzep7/locks/{empty}.txt"
        )
        for minor in MINORS[1:]:
            path = self.run_script(f"echo /opt/oxzep7/interpreters/oxzep7-{minor}.*/bin/python{minor}").strip()
            version = path.split("oxzep7-")[1].split("/")[0]
            options = {"application": declared, "interpreter": path, "version": version, "lock": empty}
            require_module_success(self.run_actions(["module", "environment", options])[0])
        self.run_script(f"cp {STATE}/state.json /root/state.json")


def copy_supplies(folder: pathlib.Path) -> None:
    """Fill *folder* with what a steady host needs: interpreters, the modules under test, and what drives them."""
    copy_modules(folder)
    for archive in pack_archives():
        shutil.copy2(archive, folder)


def copy_modules(folder: pathlib.Path) -> None:
    """Fill *folder* with the modules under test, and what drives them."""
    modules = folder / "lib" / "ansible_collections" / "oxzep7" / "python" / "plugins"
    quiet = shutil.ignore_patterns("__pycache__")
    for part in ("modules", "module_utils"):
        shutil.copytree(ROOT / "plugins" / part, modules / part, ignore=quiet)
    utilities = pathlib.Path(ansible.__path__[0], "module_utils")
    shutil.copytree(utilities, folder / "lib" / "ansible" / "module_utils", ignore=quiet)
    (folder / "lib" / "ansible" / "__init__.py").touch()
    for path in (*(HERE / "steady").iterdir(), HERE / "tracer.py"):
        if path.is_file():
            shutil.copy2(path, folder)


def pack_archives() -> list[pathlib.Path]:
    """Archives of the interpreters of every generation. Raises FleetError."""
    archives = [archive for minor in MINORS if (archive := pack_interpreter(minor))]
    if len(archives) < len(MINORS):
        raise FleetError(f"the faults need Python {', '.join(MINORS)} on this machine")
    return archives


def start_steady_hosts(count: int = 1, kind: str = "debian12") -> list[SteadyHost]:
    """Start *count* hosts of *kind* with the application on them.

    The first time, one is set up and kept as an image. Raises FleetError, BrokenHostError.
    """
    prepare_podman()
    tested = [ROOT / "plugins" / "modules", ROOT / "plugins" / "module_utils"]
    tools = [HERE / "steady", HERE / "tracer.py", HERE / "steady_host.py"]
    packed = [archive.parent.name for archive in pack_archives()]
    recipe = hash_inputs(kind, ansible.__version__, packed, *tested, *tools)
    image = f"localhost/oxzep7-fleet/{kind.replace('+', '-').partition(',')[0]}-steady:{recipe}"
    with hold_lock(f"image-{recipe}"):
        if not images.has_image(image):
            fleet.start_fleet([kind])
            SteadyHost("host1").prepare()
            images.commit_container(hosts.name_container("host1"), image)
    fleet.start_fleet([image] * count)
    return [SteadyHost(f"host{number}") for number in range(1, count + 1)]


def spread_over_hosts(
    count: int,
    find_points: Callable[[SteadyHost], int],
    try_points: Callable[[SteadyHost, list[int]], T],
    every: int = 1,
) -> list[T]:
    """Try every point on one of *count* hosts that are started for it; with *every*, only one of so many points.

    *find_points* returns how many points there are on a host, *try_points* what came of those that it is given.
    """
    try:
        started = start_steady_hosts(count)
        with concurrent.futures.ThreadPoolExecutor(max_workers=count) as pool:
            # Polling differs from run to run; beyond its last call a module just ends.
            numbers = range(1, max(pool.map(find_points, started)) + 1)[::every]
            return list(pool.map(try_points, started, [list(numbers[index::count]) for index in range(count)]))
    finally:
        fleet.stop_fleet()


def require_module_success(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the *answer* of a module. Raises BrokenHostError when it failed."""
    if answer.get("failed"):
        raise BrokenHostError(f"a module failed: {answer.get('msg')}")
    return answer


def expect_generation(seen: dict[str, Any], *allowed: str | None) -> None:
    """Raise BrokenHostError unless one environment, of an *allowed* generation, is live, recorded and running.

    None stands for an application that was never adopted.
    """
    current: str | None = seen["current"]
    wrong = []
    if current not in allowed:
        wrong.append(f"generation {current} is recorded, not {' or '.join(map(str, allowed))}")
    if seen["live"] != (seen["recorded"] if current else "directory"):
        wrong.append("the live path is not what is recorded")
    minor = MINORS[int(current.split("-")[0])] if current else MINORS[0]
    if not str(seen["answer"].get("python", "")).startswith(minor + "."):
        wrong.append(f"the web service is not on Python {minor}")
    if not all(path.endswith(f"/bin/python{minor}") for path in seen["executables"]):
        wrong.append(f"not every service runs Python {minor}")
    wrong += [f"{what} is left" for what in (*seen["left"], *seen["timers"][:1], *seen["strange"])]
    if wrong:
        raise BrokenHostError(f"{'; '.join(wrong)}: {json.dumps(seen)}")


def build_promotion_options(generation: str, kind: str) -> dict[str, Any]:
    """Options of the promotion module."""
    return {
        "application": APPLICATION,
        "generation": generation,
        "kind": kind,
        "timeout": 20,
        "stability_window": 0.2,
        "dead_man_interval": 1,
    }

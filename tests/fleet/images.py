# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images of test hosts: a Debian release by mmdebstrap, and on top of it the ledger application as it was in 2021."""

from __future__ import annotations

import contextlib
import pathlib
import tempfile
import time

from tests.fleet.archives import find_packable_interpreter, pack_interpreter
from tests.fleet.paths import CACHE, HERE, FleetError, hash_inputs, hold_lock, run_checked

RELEASES = {"debian11": "bullseye", "debian12": "bookworm", "debian13": "trixie"}
PACKAGES = [
    "systemd",
    "systemd-sysv",
    "dbus",
    "openssh-server",
    "sudo",
    "cron",
    "python3",
    "iproute2",
    "curl",
    "procps",
    "zstd",
]
EXTRA_PACKAGES = {"debian11": ["python3-venv"], "debian12": [], "debian13": []}
ORIGINAL_MINOR = "3.8"
# What built packages from source in early 2021; later releases refuse some sources of that time.
BUILD_TOOLS = ["pip==21.0.1", "setuptools==54.0.0", "wheel==0.36.2", "cffi==1.14.5"]


def has_image(image: str) -> bool:
    """Whether *image* exists."""
    try:
        run_checked("podman", "image", "exists", image)
    except FleetError:
        return False
    return True


def build_base_image(release: str, extra: tuple[str, ...] = ()) -> str:
    """Build the image of a bare host of *release* with *extra* packages, unless it exists; returns its name."""
    packages = PACKAGES + EXTRA_PACKAGES[release] + list(extra)
    command = [
        "mmdebstrap",
        "--quiet",
        "--variant=minbase",
        f"--include={','.join(packages)}",
        '--customize-hook=chroot "$1" useradd --create-home --shell /bin/bash ops',
        "--customize-hook=echo 'ops ALL=(ALL) NOPASSWD: ALL' > \"$1/etc/sudoers.d/ops\"",
        '--customize-hook=rm -f "$1"/var/cache/apt/archives/*.deb',
        RELEASES[release],
    ]
    recipe = hash_inputs(command)
    image = f"localhost/oxzep7-fleet/{release}-base:{recipe}"
    with hold_lock(f"image-{recipe}"):
        if not has_image(image):
            with tempfile.TemporaryDirectory(prefix="oxzep7-image-") as directory:
                archive = pathlib.Path(directory, "root.tar")
                run_checked(*command, str(archive))
                run_checked("podman", "import", "--quiet", str(archive), image)
    return image


def commit_container(container: str, image: str) -> None:
    """Shut *container* down, and make *image* of it; other images of that name are removed. Raises FleetError."""
    run_checked("podman", "stop", "--time", "10", container)
    run_checked("podman", "commit", "--quiet", container, image)
    name = image.rpartition(":")[0]
    for other in run_checked("podman", "images", "--format", "{{.Repository}}:{{.Tag}}", name).split():
        # Hosts of another fleet may still run on it.
        if other != image:
            with contextlib.suppress(FleetError):
                run_checked("podman", "rmi", other)


def fetch_wheels(requirements: pathlib.Path, minor: str) -> pathlib.Path:
    """Download the wheels of *requirements* for *minor*, unless they are there; returns their folder."""
    recipe = hash_inputs(requirements, minor)
    folder = CACHE / "wheels" / recipe
    with hold_lock(f"wheels-{recipe}"):
        done = folder / ".complete"
        if not done.exists():
            folder.mkdir(parents=True, exist_ok=True)
            _download_wheels(requirements, minor, folder)
            done.touch()
    return folder


def _download_wheels(requirements: pathlib.Path, minor: str, folder: pathlib.Path) -> None:
    command = ["python3", "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    command += ["--python-version", minor, "--implementation", "cp"]
    for abi in ("cp" + minor.replace(".", ""), "abi3", "none"):
        command += ["--abi", abi]
    for tag in ("manylinux2014", "manylinux2010", "manylinux1", "manylinux_2_17", "manylinux_2_24"):
        command += ["--platform", f"{tag}_x86_64"]
    run_checked(*command, "--dest", str(folder), "--requirement", str(requirements))


def build_wheels(requirements: list[pathlib.Path]) -> pathlib.Path:
    """Download or build the wheels of *requirements* for the original minor, unless they are there; returns the folder.

    Raises FleetError.
    """
    interpreter = find_packable_interpreter(ORIGINAL_MINOR)
    recipe = hash_inputs(*requirements, BUILD_TOOLS, str(interpreter))
    folder = CACHE / "wheels" / recipe
    with hold_lock(f"wheels-{recipe}"), tempfile.TemporaryDirectory(prefix="oxzep7-wheels-") as tools:
        done = folder / ".complete"
        if not done.exists():
            folder.mkdir(parents=True, exist_ok=True)
            pip = [f"{tools}/bin/python", "-m", "pip", "--quiet", "--disable-pip-version-check"]
            run_checked(str(interpreter), "-m", "venv", tools)
            run_checked(*pip, "install", "--upgrade", *BUILD_TOOLS)
            building = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
            for path in requirements:
                run_checked(*building, "--requirement", str(path))
            done.touch()
    return folder


def build_ledger_image(release: str, database: str) -> str:
    """Build the image of a host of *release* that runs the ledger on Python 3.8; returns its name.

    *database* is ``sqlite`` or ``postgresql``.
    """
    return _build_provisioned_image(
        build_base_image(release, ("postgresql",) if database == "postgresql" else ()),
        f"{release}-ledger-{database}",
        HERE / "ledger",
        HERE / "provision.sh",
        [fetch_wheels(HERE / "ledger" / "requirements.txt", ORIGINAL_MINOR)],
        database,
    )


def build_trio_image(release: str) -> str:
    """Build the image of a host of *release* with three small, stopped applications on Python 3.8; returns its name."""
    wheels = [fetch_wheels(path, ORIGINAL_MINOR) for path in sorted((HERE / "trio").glob("*/requirements.txt"))]
    return _build_provisioned_image(
        build_base_image(release), f"{release}-trio", HERE / "trio", HERE / "trio" / "provision.sh", wheels, ""
    )


def build_real_image(release: str) -> str:
    """Build the image of a host of *release* with six applications of PyPI on Python 3.8; returns its name."""
    wheels = build_wheels(sorted((HERE / "real").glob("*/requirements.txt")))
    return _build_provisioned_image(
        build_base_image(release, ("libxml2", "redis-server", "supervisor")),
        f"{release}-real",
        HERE / "real",
        HERE / "real" / "provision.sh",
        [wheels],
        "",
    )


def _build_provisioned_image(
    parent: str, name: str, folder: pathlib.Path, script: pathlib.Path, wheels: list[pathlib.Path], argument: str
) -> str:
    """Build the image *name* unless it exists: *parent*, where *script* ran with *folder*, wheels and *argument*."""
    archive = pack_interpreter(ORIGINAL_MINOR)
    if archive is None:
        raise FleetError(
            f"no Python {ORIGINAL_MINOR} on this machine to pack an archive from; install one with pyenv or uv"
        )
    recipe = hash_inputs(parent, folder, script, archive.name, archive.parent.name)
    image = f"localhost/oxzep7-fleet/{name}:{recipe}"
    with hold_lock(f"image-{recipe}"):
        if not has_image(image):
            _provision_image(
                parent,
                image,
                {folder: folder.name, archive: "python.tar.gz", script: "provision.sh"},
                wheels,
                argument,
            )
    return image


def _provision_image(
    parent: str, image: str, files: dict[pathlib.Path, str], folders: list[pathlib.Path], argument: str
) -> None:
    name = f"oxzep7-provision-{image.rpartition(':')[2]}"
    try:
        run_checked(
            "podman",
            "run",
            "--detach",
            "--replace",
            "--name",
            name,
            "--network",
            "none",
            "--systemd",
            "always",
            *list_legacy_options(),
            parent,
            "/sbin/init",
        )
        for path, called in files.items():
            run_checked("podman", "cp", str(path), f"{name}:/root/{called}")
        run_checked("podman", "exec", name, "mkdir", "/root/wheels")
        for path in folders:
            run_checked("podman", "cp", f"{path}/.", f"{name}:/root/wheels")
        wait_for_boot(name)
        run_checked("podman", "exec", name, "sh", "/root/provision.sh", argument)
        run_checked("podman", "stop", "--time", "10", name)
        run_checked("podman", "commit", "--quiet", name, image)
    finally:
        run_checked("podman", "rm", "--force", "--time", "0", name)


def list_legacy_options() -> list[str]:
    """Options that let newer systemd releases start on machines with the older control group layout."""
    return ["--env", "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1", "--stop-signal", "SIGRTMIN+3"]


def wait_for_boot(name: str, seconds: float = 60) -> None:
    """Wait until systemd in container *name* has started everything. Raises FleetError with what failed."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            state = run_checked("podman", "exec", name, "sh", "-c", "systemctl is-system-running || true").strip()
        except FleetError:
            state = "starting"
        if state in ("running", "degraded"):
            return
        if time.monotonic() > deadline:
            raise FleetError(
                f"{name} did not boot within {seconds:g} seconds (state {state!r}):\n"
                + run_checked("podman", "exec", name, "sh", "-c", "systemctl list-jobs; systemctl --failed; true")
            )
        time.sleep(0.2)

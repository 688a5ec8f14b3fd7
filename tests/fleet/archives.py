# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packs Oxzep7 archives from interpreters found on this machine."""

from __future__ import annotations

import functools
import hashlib
import pathlib
import re
import shutil
import subprocess
import sysconfig
import tarfile
import tempfile

from tests.fleet.paths import CACHE, HERE, FleetError, hash_inputs, hold_lock, run_checked

MINORS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
EXCLUDED_PATHS = re.compile(
    r"(^|/)(test|tests|idlelib|turtledemo|lib2to3/tests|__pycache__|config-3[^/]*|site-packages|pkgconfig)(/|$)|\.a$"
)


def _list_candidates() -> list[pathlib.Path]:
    home = pathlib.Path.home()
    places = [
        *home.glob(".pyenv/versions/*/bin/python3.*"),
        *home.glob(".local/share/uv/python/cpython-*/bin/python3.*"),
        *pathlib.Path("/opt").glob("python*/bin/python3.*"),
    ]
    return [path for path in places if re.fullmatch(r"python3\.\d+", path.name)]


def find_packable_interpreter(minor: str, install: bool = True) -> pathlib.Path | None:
    """The executable of the newest *minor* interpreter of this machine that can be packed.

    With *install*, uv installs one where there is none. None without any.
    """
    found = [path for path in _list_candidates() if path.name == f"python{minor}"]
    if not found and install:
        try:
            run_checked("uv", "python", "install", minor)
        except (FleetError, FileNotFoundError):
            return None
        found = [path for path in _list_candidates() if path.name == f"python{minor}"]
    return max(found, key=_parse_version, default=None)


def _parse_version(executable: pathlib.Path) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", read_full_version(executable))]


def read_full_version(executable: pathlib.Path) -> str:
    """Full version of *executable*."""
    return run_checked(str(executable), "-I", "-S", "-c", "import platform; print(platform.python_version())").strip()


def _copy_prefix(prefix: pathlib.Path, minor: str, target: pathlib.Path) -> None:
    def find_excluded(directory: str, names: list[str]) -> list[str]:
        folder = pathlib.PurePath(directory).relative_to(prefix)
        return [name for name in names if EXCLUDED_PATHS.search(str(folder / name))]

    for name in ("lib", "include"):
        shutil.copytree(prefix / name, target / name, symlinks=True, ignore=find_excluded)
    (target / "lib" / f"python{minor}" / "site-packages").mkdir()
    (target / "bin").mkdir()
    shutil.copy2(prefix / "bin" / f"python{minor}", target / "bin" / f"python{minor}")
    for alias in ("python3", "python"):
        (target / "bin" / alias).symlink_to(f"python{minor}")
    dynamic = subprocess.run(
        ["readelf", "-d", str(target / "bin" / f"python{minor}")], capture_output=True, text=True, check=True
    ).stdout
    if "libpython" in dynamic:
        run_checked("patchelf", "--set-rpath", "$ORIGIN/../lib", str(target / "bin" / f"python{minor}"))


def _add_vendor_modules(executable: pathlib.Path, minor: str, target: pathlib.Path) -> None:
    site = target / "lib" / f"python{minor}" / "site-packages"
    shutil.copytree(
        HERE / "vendor" / "oxzep7_vendor", site / "oxzep7_vendor", ignore=shutil.ignore_patterns("__pycache__")
    )
    suffix, include = run_checked(
        str(executable),
        "-c",
        "import sysconfig; print(sysconfig.get_config_var('EXT_SUFFIX')); print(sysconfig.get_path('include'))",
    ).split()
    run_checked(
        "cc",
        "-shared",
        "-fPIC",
        "-O2",
        f"-I{include}",
        "-o",
        str(site / "oxzep7_vendor" / f"_native{suffix}"),
        str(HERE / "vendor" / "native.c"),
    )


def _anonymize_member(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    member.mtime = 0
    return member


@functools.cache
def pack_interpreter(minor: str) -> pathlib.Path | None:
    """Pack the archive for *minor* unless it exists; returns its path. None without an interpreter of *minor*."""
    with hold_lock(f"archive-{minor}"):
        return _pack_interpreter(minor)


def _pack_interpreter(minor: str) -> pathlib.Path | None:
    executable = find_packable_interpreter(minor)
    if executable is None:
        return None
    version = read_full_version(executable)
    machine = sysconfig.get_platform().split("-")[-1]
    recipe = hash_inputs(HERE / "archives.py", HERE / "vendor", str(executable))
    archive = CACHE / "archives" / recipe / f"oxzep7-{version}-linux-{machine}.tar.gz"
    if archive.exists():
        return archive
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="oxzep7-pack-") as directory:
        target = pathlib.Path(directory, f"oxzep7-{version}")
        target.mkdir()
        _copy_prefix(executable.parent.parent, minor, target)
        _add_vendor_modules(executable, minor, target)
        temporary = archive.with_suffix(".part")
        with tarfile.open(temporary, "w:gz", compresslevel=3) as stream:
            stream.add(target, arcname=target.name, filter=_anonymize_member)
        temporary.rename(archive)
    digest = f"{hash_archive(archive)}  {archive.name}\n"
    archive.with_name(archive.name + ".sha256").write_text(digest, encoding="utf-8")
    return archive


def hash_archive(path: pathlib.Path) -> str:
    """Hexadecimal SHA-256 of *path*."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def pack_every_minor() -> dict[str, pathlib.Path]:
    """Archive by minor, for each minor with an interpreter on this machine."""
    packed = {}
    for minor in MINORS:
        archive = pack_interpreter(minor)
        if archive:
            packed[minor] = archive
    return packed

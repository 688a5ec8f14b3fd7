# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Conditions that an inventory satisfies if it has a planted case, by the name of the case."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

Entry = Mapping[str, Any]
Inventory = Mapping[str, Any]
Condition = Callable[[Entry], Any]
ZOO = "/srv/zoo"
USED_ENVIRONMENT = f"{ZOO}/used"


def has_values(entry: Entry, expected: Entry) -> bool:
    """Whether *entry* has all values of *expected*."""
    return all(entry[key] == value for key, value in expected.items())


def find_by_path(entries: Iterable[Entry], path: str) -> Entry | None:
    """The first of *entries* with *path*."""
    return next((entry for entry in entries if entry["path"] == path), None)


def has_interpreter(path: str, *conditions: Condition, **expected: Any) -> Callable[[Inventory], bool]:
    """The interpreter at *path* has the values *expected* and satisfies *conditions*."""

    def check(inventory: Inventory) -> bool:
        entry = find_by_path(inventory["interpreters"], path)
        return entry is not None and has_values(entry, expected) and all(condition(entry) for condition in conditions)

    return check


def has_environment(path: str, *conditions: Condition, **expected: Any) -> Callable[[Inventory], bool]:
    """The environment at *path* has the values *expected* and satisfies *conditions*."""

    def check(inventory: Inventory) -> bool:
        entry = find_by_path(inventory["environments"], path)
        return entry is not None and has_values(entry, expected) and all(condition(entry) for condition in conditions)

    return check


def has_package(path: str, name: str, **expected: Any) -> Callable[[Inventory], bool]:
    """The environment at *path* has the package *name* with the values *expected*."""

    def check(environment: Entry) -> bool:
        return any(has_values(entry, {"name": name, **expected}) for entry in environment["packages"])

    return has_environment(path, check)


def has_unmanaged_entry(path: str, inside: str, kind: str) -> Callable[[Inventory], bool]:
    """The environment at *path* has an unmanaged entry of *kind* at *inside*."""

    def check(environment: Entry) -> bool:
        return any(has_values(entry, {"path": inside, "kind": kind}) for entry in environment["unmanaged"])

    return has_environment(path, check)


def has_dependent(kind: str, name: str, **expected: Any) -> Callable[[Inventory], bool]:
    """A dependent of *kind*, whose name begins with *name*, has the values *expected*."""

    def check(inventory: Inventory) -> bool:
        for entry in inventory["dependents"]:
            if entry["name"].startswith(name) and has_values(entry, {"kind": kind, **expected}):
                return True
        return False

    return check


def has_process(unit: str, condition: Condition) -> Callable[[Inventory], bool]:
    """A process of *unit* satisfies *condition*."""

    def check(inventory: Inventory) -> bool:
        for entry in inventory["dependents"]:
            if entry["kind"] == "process" and entry["unit"] == unit and condition(entry):
                return True
        return False

    return check


def has_project(name: str, kind: str, python: str | None = None) -> Callable[[Inventory], bool]:
    """A project below the zoo has the file *name* of *kind*."""

    def check(inventory: Inventory) -> bool:
        for project in inventory["projects"]:
            if not project["path"].startswith(f"{ZOO}/projects/"):
                continue
            for entry in project["files"]:
                if (entry["name"], entry["kind"], entry.get("python")) == (name, kind, python):
                    return True
        return False

    return check


def has_repository(path: str, branch: str, modified: list[str]) -> Callable[[Inventory], bool]:
    """The project at *path* has a git repository at *branch* with the changed files *modified*."""

    def check(inventory: Inventory) -> bool:
        entry = find_by_path(inventory["projects"], path)
        if entry is None or entry["git"] is None or len(entry["git"]["revision"]) != 40:
            return False
        return has_values(entry["git"], {"branch": branch, "modified": modified})

    return check


def has_pipeline(kind: str, line: int, *versions: str) -> Callable[[Inventory], bool]:
    """Pipelines of *kind* name exactly *versions* in *line*."""

    def check(inventory: Inventory) -> bool:
        found = []
        for project in inventory["projects"]:
            for entry in project["references"]:
                if entry["kind"] == kind and entry["line"] == line:
                    found.append(entry["version"])
        return found == list(versions)

    return check


def have_equal_fingerprints(*paths: str) -> Callable[[Inventory], bool]:
    """The environments at *paths* have the same fingerprint."""

    def check(inventory: Inventory) -> bool:
        return len({entry["fingerprint"] for entry in inventory["environments"] if entry["path"] in paths}) == 1

    return check


def list_paths(entries: Iterable[Entry]) -> list[str]:
    """The paths of *entries*."""
    return [entry["path"] for entry in entries]


def needs_system_library(environment: Entry) -> bool:
    """The environment has one extension that needs libz of the package zlib1g."""
    library = {"name": "libz.so.1", "os_package": "zlib1g"}
    return environment["extensions"] == 1 and any(has_values(entry, library) for entry in environment["libraries"])


def lacks_library(environment: Entry) -> bool:
    """The only unresolved library of the environment is libgone."""
    return [entry["library"] for entry in environment["unresolved"]] == ["libgone.so.7"]


def has_difference(environment: Entry) -> bool:
    """The only modified file of the environment has a diff."""
    if list_paths(environment["modified"]) != ["lib/python3.8/site-packages/patched.py"]:
        return False
    return "-LIMIT = 1\n+LIMIT = 2" in (environment["modified"][0]["diff"] or "")


def has_system_packages(interpreter: Entry) -> bool:
    """The packages of the interpreter all belong to packages of the operating system, except one stray file."""
    packages = interpreter["packages"]
    if list_paths(interpreter["unmanaged"]) != ["/usr/lib/python3/dist-packages/stray.py"]:
        return False
    return bool(packages) and all(map(get_os_package, packages))


def get_os_package(entry: Entry) -> str | None:
    """The package of the operating system that owns *entry*."""
    owner: str | None = entry["os_package"]
    return owner


FULL_INTERPRETER = {"version": "3.8.18", "implementation": "CPython", "architecture": "x86_64"}

FOUND: dict[str, Callable[[Inventory], Any]] = {
    "interpreter: /usr/local": has_interpreter("/usr/local/bin/python3.11", origin="local"),
    "interpreter: statically linked": has_interpreter(
        "/opt/static/bin/python3.11", linked="static", libpython=None, evidence="program"
    ),
    "interpreter: /opt": has_interpreter("/opt/python38/bin/python3.8", evidence="patchlevel.h", **FULL_INTERPRETER),
    "interpreter: pyenv": has_interpreter(
        "/root/.pyenv/versions/3.8.18/bin/python3.8", origin="pyenv", **FULL_INTERPRETER
    ),
    "interpreter: uv": has_interpreter(
        "/root/.local/share/uv/python/cpython-3.8.18-linux-x86_64-gnu/bin/python3.8", origin="uv", **FULL_INTERPRETER
    ),
    "interpreter: asdf": has_interpreter(
        "/root/.asdf/installs/python/3.8.18/bin/python3.8", origin="asdf", **FULL_INTERPRETER
    ),
    "interpreter: mise": has_interpreter(
        "/root/.local/share/mise/installs/python/3.8.18/bin/python3.8", origin="mise", **FULL_INTERPRETER
    ),
    "interpreter: conda": has_interpreter("/opt/miniconda3/bin/python3.8", origin="conda", **FULL_INTERPRETER),
    "interpreter: Oxzep7 archive": has_interpreter(
        "/opt/oxzep7-3.8.18/bin/python3.8", origin="oxzep7", **FULL_INTERPRETER
    ),
    "interpreter: owned by an rpm package": has_interpreter(
        "/opt/packaged/bin/python3.8", os_package="packaged-python", **FULL_INTERPRETER
    ),
    "interpreter: hand-built": has_interpreter("/opt/handmade/bin/python3.8", origin="built", **FULL_INTERPRETER),
    "interpreter: another user's": has_interpreter(
        "/home/keeper/python/bin/python3.8", owner="keeper", **FULL_INTERPRETER
    ),
    "interpreter: PyPy": has_interpreter(
        "/opt/pypy39/bin/pypy3.9", implementation="PyPy", version="3.9.16", evidence="libpython"
    ),
    "interpreter: only running": has_interpreter("/mnt/running/bin/python3.8", found_by="process", **FULL_INTERPRETER),
    "interpreter: deleted while it runs": has_interpreter(
        "/mnt/deleted/bin/python3.8", found_by="process", deleted=True, version="3.8"
    ),
    "interpreter: only in a unit": has_interpreter("/mnt/unit/bin/python3.8", found_by="unit", **FULL_INTERPRETER),
    "interpreter: shared libpython": has_interpreter(
        "/opt/shared/bin/python3.8", linked="shared", libpython="/opt/shared/lib/libpython3.8.so.1.0"
    ),
    "interpreter: musl": has_interpreter(
        "/opt/musl/bin/python3.8", lambda entry: has_values(entry["libc"], {"name": "musl", "version": None})
    ),
    "interpreter: another architecture": has_interpreter(
        "/opt/arm/bin/python3.8", architecture="aarch64", version="3.8.18"
    ),
    "interpreter: file capabilities": has_interpreter(
        "/opt/capable/bin/python3.8", capabilities=["cap_net_bind_service"]
    ),
    "interpreter: SELinux label": has_interpreter("/opt/labelled/bin/python3.8", selinux="system_u:object_r:bin_t:s0"),
    "interpreter: executable stack": has_interpreter("/opt/execstack/bin/python3.8", executable_stack=True),
    "interpreter: EXTERNALLY-MANAGED": has_interpreter("/opt/managed/bin/python3.8", externally_managed=True),
    "interpreter: vendor modules": has_interpreter(
        "/opt/vendored/bin/python3.8",
        lambda entry: list_paths(entry["unmanaged"]) == ["lib/python3.8/site-packages/oxzep7_vendor/"],
    ),
    "interpreter: libpython gone": has_interpreter(
        "/opt/halved/bin/python3.8", libpython="unresolved: libpython3.8.so.1.0"
    ),
    "environment: venv": has_environment(
        f"{ZOO}/venv", kind="venv", state="live", python="3.8.18", interpreter="/opt/base/3.8/bin/python3.8"
    ),
    "environment: virtualenv": has_environment(f"{ZOO}/virtualenv", kind="virtualenv", python="3.8.18"),
    "environment: old virtualenv": has_environment(f"{ZOO}/old-virtualenv", kind="virtualenv", python="3.8"),
    "environment: older virtualenv": has_environment(f"{ZOO}/older-virtualenv", kind="virtualenv", python="3.8"),
    "environment: conda": has_environment(
        f"{ZOO}/conda", lambda entry: {"name": "numpy", "version": "1.21.0"} in entry["conda_packages"], kind="conda"
    ),
    "environment: pipx": has_environment("/root/.local/share/pipx/venvs/httpie", kind="pipx"),
    "environment: uv tool": has_environment("/root/.local/share/uv/tools/ruff", kind="uv-tool"),
    "environment: poetry": has_environment("/root/.cache/pypoetry/virtualenvs/app-abc123-py3.8", kind="poetry"),
    "environment: bare prefix": has_package("/opt/bare", "inprefix", version="1.0"),
    "environment: user site": has_unmanaged_entry(
        "/home/keeper/.local", "lib/python3.11/site-packages/mine.py", "module"
    ),
    "environment: in a home elsewhere": has_environment("/data/far/venv", state="live", owner="root"),
    "environment: dangling": has_environment(f"{ZOO}/dangling", state="dangling", interpreter=None),
    "environment: moved": has_environment(f"{ZOO}/moved", state="moved", points_to=f"{ZOO}/before"),
    "environment: nested": has_environment(f"{ZOO}/outer/inner", nested_in=f"{ZOO}/outer"),
    "environment: another mount": has_environment(f"{ZOO}/mount/venv", mount=f"{ZOO}/mount"),
    "environment: shared fingerprint": have_equal_fingerprints(f"{ZOO}/twin-a", f"{ZOO}/twin-b"),
    "package: installed by uv": has_package(f"{ZOO}/p-uv", "byuv", installer="uv", version="1.0"),
    "package: requested": has_package(f"{ZOO}/p-requested", "asked", requested=True),
    "package: editable": has_package(f"{ZOO}/p-editable", "edited", editable=True, direct_url="file:///srv/src"),
    "package: direct URL": has_package(f"{ZOO}/p-direct", "direct", direct_url="https://example.org/direct.git"),
    "package: owned by the system": has_interpreter("/usr/bin/python3.11", has_system_packages),
    "package: egg-info": has_package(f"{ZOO}/p-egg-info", "eggy", version="0.1", format="egg-info"),
    "package: egg-info file": has_package(f"{ZOO}/p-egg-file", "flat", version="0.2", installer="distutils"),
    "package: egg-link": has_package(f"{ZOO}/p-egg-link", "linked-app", editable=True, direct_url="/srv/src/linked"),
    "package: legacy egg": has_package(f"{ZOO}/p-egg", "oldegg", version="0.3", format="egg"),
    "extension: library of the system": has_environment(f"{ZOO}/x-system", needs_system_library),
    "extension: unresolved library": has_environment(f"{ZOO}/x-broken", lacks_library),
    "unmanaged: module": has_unmanaged_entry(f"{ZOO}/u-module", "lib/python3.8/site-packages/byhand.py", "module"),
    "unmanaged: .pth with code": has_unmanaged_entry(
        f"{ZOO}/u-pth", "lib/python3.8/site-packages/startup.pth", "pth-code"
    ),
    "unmanaged: sitecustomize": has_unmanaged_entry(
        f"{ZOO}/u-sitecustomize", "lib/python3.8/site-packages/sitecustomize.py", "sitecustomize"
    ),
    "unmanaged: usercustomize": has_unmanaged_entry(
        f"{ZOO}/u-usercustomize", "lib/python3.8/site-packages/usercustomize.py", "usercustomize"
    ),
    "unmanaged: script": has_unmanaged_entry(f"{ZOO}/u-script", "bin/backup-all", "script"),
    "unmanaged: data": has_unmanaged_entry(f"{ZOO}/u-data", "uploads/", "data"),
    "modified file, with its difference": has_environment(f"{ZOO}/m-modified", has_difference),
    "missing file": has_environment(
        f"{ZOO}/m-missing",
        lambda entry: entry["missing"] == [{"path": "lib/python3.8/site-packages/holey_more.py", "package": "holey"}],
    ),
    "shebang over 127 bytes": has_environment(f"{ZOO}/long", long_shebangs=["bin/far"]),
    "dependent: service": has_dependent(
        "service",
        "zoo-plain.service",
        environment=USED_ENVIRONMENT,
        user="nobody",
        interpreter="/opt/base/3.8/bin/python3.8",
    ),
    "dependent: timer": has_dependent("timer", "zoo-timed.timer", environment=USED_ENVIRONMENT),
    "dependent: socket": has_dependent("socket", "zoo-socket.socket", environment=USED_ENVIRONMENT),
    "dependent: user unit": has_dependent("user-unit", "zoo-user.service", environment=USED_ENVIRONMENT, user="keeper"),
    "dependent: drop-in": has_dependent("service", "zoo-dropped.service", environment=USED_ENVIRONMENT),
    "dependent: template instance": has_dependent("service", "zoo-worker@used.service", environment=USED_ENVIRONMENT),
    "dependent: EnvironmentFile": has_dependent(
        "service",
        "zoo-envfile.service",
        environment=USED_ENVIRONMENT,
        variables={"PATH": f"{USED_ENVIRONMENT}/bin:/usr/bin"},
    ),
    "dependent: PYTHONPATH": has_dependent("service", "zoo-path.service", variables={"PYTHONPATH": "/srv/zoo/lib"}),
    "dependent: cron, a user's": has_dependent(
        "cron-user", "keeper:1", environment=USED_ENVIRONMENT, user="keeper", line=1
    ),
    "dependent: cron, the system's": has_dependent(
        "cron-system", "crontab:", environment=USED_ENVIRONMENT, user="nobody"
    ),
    "dependent: cron.d": has_dependent("cron.d", "zoo:2", environment=USED_ENVIRONMENT, user="nobody", line=2),
    "dependent: cron.daily": has_dependent("cron.daily", "zoo", environment=USED_ENVIRONMENT, user="root"),
    "dependent: anacron": has_dependent("anacron", "zoo.weekly", environment=USED_ENVIRONMENT),
    "dependent: at": has_dependent("at", "", environment=USED_ENVIRONMENT),
    "dependent: supervisor": has_dependent("supervisor", "zoo", environment=USED_ENVIRONMENT, user="nobody"),
    "dependent: runit": has_dependent("runit", "zoo", environment=USED_ENVIRONMENT, user="nobody"),
    "dependent: uwsgi": has_dependent("uwsgi", "zoo.ini", environment=USED_ENVIRONMENT, user="nobody"),
    "dependent: uwsgi beside its project": has_dependent(
        "uwsgi", "prod-uwsgi.ini", environment=USED_ENVIRONMENT, source="/srv/zoo/web/prod-uwsgi.ini"
    ),
    "dependent: gunicorn configuration": has_dependent(
        "gunicorn", "gunicorn.conf.py", environment=USED_ENVIRONMENT, source="/srv/zoo/web/gunicorn.conf.py"
    ),
    "dependent: mod_wsgi": has_dependent("mod_wsgi", "zoo", environment=USED_ENVIRONMENT, user="nobody", line=1),
    "dependent: embedder": has_dependent(
        "embedder", "/usr/local/bin/zoo-embedder", interpreter="/opt/embedded/bin/python3.8"
    ),
    "dependent: library that embeds Python": has_dependent(
        "embedder", f"{ZOO}/plugins/python.so", interpreter="/opt/embedded-library/bin/python3.8"
    ),
    "dependent: script by its first line": has_dependent(
        "script", "/usr/local/bin/zoo-report", environment=USED_ENVIRONMENT
    ),
    "dependent: wrapper": has_dependent("wrapper", f"{ZOO}/scripts/run", environment=USED_ENVIRONMENT),
    "dependent: process": has_process(
        "zoo-process.service", lambda entry: entry["environment"] == USED_ENVIRONMENT and entry["user"] == "root"
    ),
    "dependent: mapped libpython": has_process(
        "zoo-mapped.service", lambda entry: entry["library"] == "/opt/mapped/lib/libpython3.8.so.1.0"
    ),
    "dependent: deleted files mapped": has_process(
        "zoo-deleted.service", lambda entry: entry["deleted"] == ["/opt/replaced/lib/libpython3.8.so.1.0"]
    ),
    "dependent: login shell": has_dependent("login-shell", "shelled", interpreter="/opt/shell/bin/python3.8"),
    "dependent: alternative": has_dependent("alternative", "zoo-python", interpreter="/opt/alternative/bin/python3.8"),
    "dependent: alternative that is called python": has_dependent(
        "alternative", "python", interpreter="/usr/bin/python3.11"
    ),
    "project: requirements": has_project("requirements.txt", "requirements"),
    "project: pyproject": has_project("pyproject.toml", "pyproject", ">=3.8"),
    "project: Pipfile.lock": has_project("Pipfile.lock", "Pipfile.lock"),
    "project: poetry.lock": has_project("poetry.lock", "poetry.lock"),
    "project: uv.lock": has_project("uv.lock", "uv.lock"),
    "project: setup.cfg": has_project("setup.cfg", "setup.cfg", ">=3.7"),
    "project: .python-version": has_project(".python-version", "python-version", "3.8.18"),
    "project: git revision and dirtiness": has_repository(f"{ZOO}/repository", "main", ["app.py"]),
    "pipeline: Dockerfile": has_pipeline("dockerfile", 2, "3.8"),
    "pipeline: GitHub": has_pipeline("github", 5, "3.8", "3.9"),
    "pipeline: GitLab": has_pipeline("gitlab", 2, "3.9"),
    "pipeline: Jenkins": has_pipeline("jenkins", 1, "3.7"),
    "pipeline: Azure": has_pipeline("azure", 4, "3.8"),
    "pipeline: CircleCI": has_pipeline("circleci", 4, "3.9.18"),
    "pipeline: tox": has_pipeline("tox", 2, "3.8", "3.10"),
    "pipeline: nox": has_pipeline("nox", 2, "3.8", "3.11"),
    "pipeline: pre-commit": has_pipeline("pre-commit", 2, "3.8"),
    "pipeline: Makefile": has_pipeline("make", 2, "3.8"),
    "advisory: package": has_package(f"{ZOO}/vulnerable", "django", version="3.1.6"),
    "not seen: pseudo file system": lambda inventory: (
        {"path": f"{ZOO}/proc", "reason": "pseudo file system (proc)"} in inventory["not_seen"]
    ),
}

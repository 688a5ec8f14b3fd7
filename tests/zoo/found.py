# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an inventory says when it found a planted case: one question for each, by the case's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Inventory = Mapping[str, Any]
ZOO = "/srv/zoo"
USED_ENVIRONMENT = f"{ZOO}/used"


def has_interpreter(path: str, **expected: Any) -> Callable[[Inventory], bool]:
    """The interpreter at *path* is there and says *expected*."""

    def question(inventory: Inventory) -> bool:
        return any(
            entry["path"] == path and all(entry[key] == value for key, value in expected.items())
            for entry in inventory["interpreters"]
        )

    return question


def has_environment(
    path: str, *conditions: Callable[[Mapping[str, Any]], Any], **expected: Any
) -> Callable[[Inventory], bool]:
    """The environment at *path* is there, says *expected* and meets *conditions*."""

    def question(inventory: Inventory) -> bool:
        return any(
            entry["path"] == path
            and all(entry[key] == value for key, value in expected.items())
            and all(condition(entry) for condition in conditions)
            for entry in inventory["environments"]
        )

    return question


def has_package(path: str, name: str, **expected: Any) -> Callable[[Inventory], bool]:
    """The environment at *path* has the package *name*, which says *expected*."""
    return has_environment(
        path,
        lambda entry: any(
            one["name"] == name and all(one[key] == value for key, value in expected.items())
            for one in entry["packages"]
        ),
    )


def has_unmanaged_entry(path: str, inside: str, kind: str) -> Callable[[Inventory], bool]:
    """The environment at *path* has an unmanaged entry of *kind* at *inside*."""
    return has_environment(
        path, lambda entry: any((one["path"], one["kind"]) == (inside, kind) for one in entry["unmanaged"])
    )


def has_dependent(kind: str, name: str, **expected: Any) -> Callable[[Inventory], bool]:
    """There is a dependent of *kind* whose name begins with *name* and that says *expected*."""

    def question(inventory: Inventory) -> bool:
        return any(
            entry["kind"] == kind
            and entry["name"].startswith(name)
            and all(entry[key] == value for key, value in expected.items())
            for entry in inventory["dependents"]
        )

    return question


def has_process(unit: str, condition: Callable[[Mapping[str, Any]], Any]) -> Callable[[Inventory], bool]:
    """A process of *unit* meets *condition*."""
    return lambda inventory: any(
        entry["kind"] == "process" and entry["unit"] == unit and condition(entry) for entry in inventory["dependents"]
    )


def has_project(name: str, kind: str, python: str | None = None) -> Callable[[Inventory], bool]:
    """A project below the zoo has the file *name* of *kind*."""
    return lambda inventory: any(
        entry["path"].startswith(f"{ZOO}/projects/")
        and (one["name"], one["kind"], one.get("python")) == (name, kind, python)
        for entry in inventory["projects"]
        for one in entry["files"]
    )


def has_pipeline(kind: str, line: int, *versions: str) -> Callable[[Inventory], bool]:
    """Pipelines of *kind* name *versions* in *line*."""
    return lambda inventory: (
        [
            one["version"]
            for entry in inventory["projects"]
            for one in entry["references"]
            if one["kind"] == kind and one["line"] == line
        ]
        == list(versions)
    )


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
    "interpreter: musl": lambda inventory: any(
        entry["path"] == "/opt/musl/bin/python3.8"
        and (entry["libc"]["name"], entry["libc"]["version"]) == ("musl", None)
        for entry in inventory["interpreters"]
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
    "interpreter: vendor modules": lambda inventory: any(
        entry["path"] == "/opt/vendored/bin/python3.8"
        and [one["path"] for one in entry["unmanaged"]] == ["lib/python3.8/site-packages/oxzep7_vendor/"]
        for entry in inventory["interpreters"]
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
    "environment: shared fingerprint": lambda inventory: (
        len(
            {
                entry["fingerprint"]
                for entry in inventory["environments"]
                if entry["path"] in (f"{ZOO}/twin-a", f"{ZOO}/twin-b")
            }
        )
        == 1
    ),
    "package: installed by uv": has_package(f"{ZOO}/p-uv", "byuv", installer="uv", version="1.0"),
    "package: requested": has_package(f"{ZOO}/p-requested", "asked", requested=True),
    "package: editable": has_package(f"{ZOO}/p-editable", "edited", editable=True, direct_url="file:///srv/src"),
    "package: direct URL": has_package(f"{ZOO}/p-direct", "direct", direct_url="https://example.org/direct.git"),
    "package: owned by the system": lambda inventory: any(
        entry["path"] == "/usr/bin/python3.11"
        and [one["path"] for one in entry["unmanaged"]] == ["/usr/lib/python3/dist-packages/stray.py"]
        and entry["packages"]
        and all(one["os_package"] for one in entry["packages"])
        for entry in inventory["interpreters"]
    ),
    "package: egg-info": has_package(f"{ZOO}/p-egg-info", "eggy", version="0.1", format="egg-info"),
    "package: egg-info file": has_package(f"{ZOO}/p-egg-file", "flat", version="0.2", installer="distutils"),
    "package: egg-link": has_package(f"{ZOO}/p-egg-link", "linked-app", editable=True, direct_url="/srv/src/linked"),
    "package: legacy egg": has_package(f"{ZOO}/p-egg", "oldegg", version="0.3", format="egg"),
    "extension: library of the system": has_environment(
        f"{ZOO}/x-system",
        lambda entry: (
            entry["extensions"] == 1
            and any(one["name"] == "libz.so.1" and one["os_package"] == "zlib1g" for one in entry["libraries"])
        ),
    ),
    "extension: unresolved library": has_environment(
        f"{ZOO}/x-broken", lambda entry: [one["library"] for one in entry["unresolved"]] == ["libgone.so.7"]
    ),
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
    "modified file, with its difference": has_environment(
        f"{ZOO}/m-modified",
        lambda entry: (
            [(one["path"], "-LIMIT = 1\n+LIMIT = 2" in (one["diff"] or "")) for one in entry["modified"]]
            == [("lib/python3.8/site-packages/patched.py", True)]
        ),
    ),
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
    "dependent: at": lambda inventory: any(
        entry["kind"] == "at" and entry["environment"] == USED_ENVIRONMENT for entry in inventory["dependents"]
    ),
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
    "project: git revision and dirtiness": lambda inventory: any(
        entry["path"] == f"{ZOO}/repository"
        and len(entry["git"]["revision"]) == 40
        and entry["git"]["branch"] == "main"
        and entry["git"]["modified"] == ["app.py"]
        for entry in inventory["projects"]
    ),
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

# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an inventory says when it found a planted case: one question for each, by the case's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Inventory = Mapping[str, Any]
ZOO = "/srv/zoo"
USED = f"{ZOO}/used"


def interpreter(path: str, **expected: Any) -> Callable[[Inventory], bool]:
    """The interpreter at *path* is there and says *expected*."""

    def question(inventory: Inventory) -> bool:
        return any(
            entry["path"] == path and all(entry[key] == value for key, value in expected.items())
            for entry in inventory["interpreters"]
        )

    return question


def environment(
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


def package(path: str, name: str, **expected: Any) -> Callable[[Inventory], bool]:
    """The environment at *path* has the package *name*, which says *expected*."""
    return environment(
        path,
        lambda entry: any(
            one["name"] == name and all(one[key] == value for key, value in expected.items())
            for one in entry["packages"]
        ),
    )


def unmanaged(path: str, inside: str, kind: str) -> Callable[[Inventory], bool]:
    """The environment at *path* has an unmanaged entry of *kind* at *inside*."""
    return environment(
        path, lambda entry: any((one["path"], one["kind"]) == (inside, kind) for one in entry["unmanaged"])
    )


def dependent(kind: str, name: str, **expected: Any) -> Callable[[Inventory], bool]:
    """There is a dependent of *kind* whose name begins with *name* and that says *expected*."""

    def question(inventory: Inventory) -> bool:
        return any(
            entry["kind"] == kind
            and entry["name"].startswith(name)
            and all(entry[key] == value for key, value in expected.items())
            for entry in inventory["dependents"]
        )

    return question


def process(unit: str, condition: Callable[[Mapping[str, Any]], Any]) -> Callable[[Inventory], bool]:
    """A process of *unit* meets *condition*."""
    return lambda inventory: any(
        entry["kind"] == "process" and entry["unit"] == unit and condition(entry) for entry in inventory["dependents"]
    )


def project(name: str, kind: str, python: str | None = None) -> Callable[[Inventory], bool]:
    """A project below the zoo has the file *name* of *kind*."""
    return lambda inventory: any(
        entry["path"].startswith(f"{ZOO}/projects/")
        and (one["name"], one["kind"], one.get("python")) == (name, kind, python)
        for entry in inventory["projects"]
        for one in entry["files"]
    )


def pipeline(kind: str, line: int, *versions: str) -> Callable[[Inventory], bool]:
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


FULL = {"version": "3.8.18", "implementation": "CPython", "architecture": "x86_64"}

FOUND: dict[str, Callable[[Inventory], Any]] = {
    "interpreter: /usr/local": interpreter("/usr/local/bin/python3.11", origin="local"),
    "interpreter: statically linked": interpreter(
        "/opt/static/bin/python3.11", linked="static", libpython=None, evidence="program"
    ),
    "interpreter: /opt": interpreter("/opt/python38/bin/python3.8", evidence="patchlevel.h", **FULL),
    "interpreter: pyenv": interpreter("/root/.pyenv/versions/3.8.18/bin/python3.8", origin="pyenv", **FULL),
    "interpreter: uv": interpreter(
        "/root/.local/share/uv/python/cpython-3.8.18-linux-x86_64-gnu/bin/python3.8", origin="uv", **FULL
    ),
    "interpreter: asdf": interpreter("/root/.asdf/installs/python/3.8.18/bin/python3.8", origin="asdf", **FULL),
    "interpreter: mise": interpreter(
        "/root/.local/share/mise/installs/python/3.8.18/bin/python3.8", origin="mise", **FULL
    ),
    "interpreter: conda": interpreter("/opt/miniconda3/bin/python3.8", origin="conda", **FULL),
    "interpreter: Oxzep7 archive": interpreter("/opt/oxzep7-3.8.18/bin/python3.8", origin="oxzep7", **FULL),
    "interpreter: owned by an rpm package": interpreter(
        "/opt/packaged/bin/python3.8", os_package="packaged-python", **FULL
    ),
    "interpreter: hand-built": interpreter("/opt/handmade/bin/python3.8", origin="built", **FULL),
    "interpreter: another user's": interpreter("/home/keeper/python/bin/python3.8", owner="keeper", **FULL),
    "interpreter: PyPy": interpreter(
        "/opt/pypy39/bin/pypy3.9", implementation="PyPy", version="3.9.16", evidence="libpython"
    ),
    "interpreter: only running": interpreter("/mnt/running/bin/python3.8", found_by="process", **FULL),
    "interpreter: deleted while it runs": interpreter(
        "/mnt/deleted/bin/python3.8", found_by="process", deleted=True, version="3.8"
    ),
    "interpreter: only in a unit": interpreter("/mnt/unit/bin/python3.8", found_by="unit", **FULL),
    "interpreter: shared libpython": interpreter(
        "/opt/shared/bin/python3.8", linked="shared", libpython="/opt/shared/lib/libpython3.8.so.1.0"
    ),
    "interpreter: musl": lambda inventory: any(
        entry["path"] == "/opt/musl/bin/python3.8"
        and (entry["libc"]["name"], entry["libc"]["version"]) == ("musl", None)
        for entry in inventory["interpreters"]
    ),
    "interpreter: another architecture": interpreter(
        "/opt/arm/bin/python3.8", architecture="aarch64", version="3.8.18"
    ),
    "interpreter: file capabilities": interpreter("/opt/capable/bin/python3.8", capabilities=["cap_net_bind_service"]),
    "interpreter: SELinux label": interpreter("/opt/labelled/bin/python3.8", selinux="system_u:object_r:bin_t:s0"),
    "interpreter: executable stack": interpreter("/opt/execstack/bin/python3.8", executable_stack=True),
    "interpreter: EXTERNALLY-MANAGED": interpreter("/opt/managed/bin/python3.8", externally_managed=True),
    "interpreter: vendor modules": lambda inventory: any(
        entry["path"] == "/opt/vendored/bin/python3.8"
        and [one["path"] for one in entry["unmanaged"]] == ["lib/python3.8/site-packages/oxzep7_vendor/"]
        for entry in inventory["interpreters"]
    ),
    "interpreter: libpython gone": interpreter(
        "/opt/halved/bin/python3.8", libpython="unresolved: libpython3.8.so.1.0"
    ),
    "environment: venv": environment(
        f"{ZOO}/venv", kind="venv", state="live", python="3.8.18", interpreter="/opt/base/3.8/bin/python3.8"
    ),
    "environment: virtualenv": environment(f"{ZOO}/virtualenv", kind="virtualenv", python="3.8.18"),
    "environment: old virtualenv": environment(f"{ZOO}/old-virtualenv", kind="virtualenv", python="3.8"),
    "environment: older virtualenv": environment(f"{ZOO}/older-virtualenv", kind="virtualenv", python="3.8"),
    "environment: conda": environment(
        f"{ZOO}/conda", lambda entry: {"name": "numpy", "version": "1.21.0"} in entry["conda_packages"], kind="conda"
    ),
    "environment: pipx": environment("/root/.local/share/pipx/venvs/httpie", kind="pipx"),
    "environment: uv tool": environment("/root/.local/share/uv/tools/ruff", kind="uv-tool"),
    "environment: poetry": environment("/root/.cache/pypoetry/virtualenvs/app-abc123-py3.8", kind="poetry"),
    "environment: bare prefix": package("/opt/bare", "inprefix", version="1.0"),
    "environment: user site": unmanaged("/home/keeper/.local", "lib/python3.11/site-packages/mine.py", "module"),
    "environment: in a home elsewhere": environment("/data/far/venv", state="live", owner="root"),
    "environment: dangling": environment(f"{ZOO}/dangling", state="dangling", interpreter=None),
    "environment: moved": environment(f"{ZOO}/moved", state="moved", points_to=f"{ZOO}/before"),
    "environment: nested": environment(f"{ZOO}/outer/inner", nested_in=f"{ZOO}/outer"),
    "environment: another mount": environment(f"{ZOO}/mount/venv", mount=f"{ZOO}/mount"),
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
    "package: installed by uv": package(f"{ZOO}/p-uv", "byuv", installer="uv", version="1.0"),
    "package: requested": package(f"{ZOO}/p-requested", "asked", requested=True),
    "package: editable": package(f"{ZOO}/p-editable", "edited", editable=True, direct_url="file:///srv/src"),
    "package: direct URL": package(f"{ZOO}/p-direct", "direct", direct_url="https://example.org/direct.git"),
    "package: owned by the system": lambda inventory: any(
        entry["path"] == "/usr/bin/python3.11"
        and [one["path"] for one in entry["unmanaged"]] == ["/usr/lib/python3/dist-packages/stray.py"]
        and entry["packages"]
        and all(one["os_package"] for one in entry["packages"])
        for entry in inventory["interpreters"]
    ),
    "package: egg-info": package(f"{ZOO}/p-egg-info", "eggy", version="0.1", format="egg-info"),
    "package: egg-info file": package(f"{ZOO}/p-egg-file", "flat", version="0.2", installer="distutils"),
    "package: egg-link": package(f"{ZOO}/p-egg-link", "linked-app", editable=True, direct_url="/srv/src/linked"),
    "package: legacy egg": package(f"{ZOO}/p-egg", "oldegg", version="0.3", format="egg"),
    "extension: library of the system": environment(
        f"{ZOO}/x-system",
        lambda entry: (
            entry["extensions"] == 1
            and any(one["name"] == "libz.so.1" and one["os_package"] == "zlib1g" for one in entry["libraries"])
        ),
    ),
    "extension: unresolved library": environment(
        f"{ZOO}/x-broken", lambda entry: [one["library"] for one in entry["unresolved"]] == ["libgone.so.7"]
    ),
    "unmanaged: module": unmanaged(f"{ZOO}/u-module", "lib/python3.8/site-packages/byhand.py", "module"),
    "unmanaged: .pth with code": unmanaged(f"{ZOO}/u-pth", "lib/python3.8/site-packages/startup.pth", "pth-code"),
    "unmanaged: sitecustomize": unmanaged(
        f"{ZOO}/u-sitecustomize", "lib/python3.8/site-packages/sitecustomize.py", "sitecustomize"
    ),
    "unmanaged: usercustomize": unmanaged(
        f"{ZOO}/u-usercustomize", "lib/python3.8/site-packages/usercustomize.py", "usercustomize"
    ),
    "unmanaged: script": unmanaged(f"{ZOO}/u-script", "bin/backup-all", "script"),
    "unmanaged: data": unmanaged(f"{ZOO}/u-data", "uploads/", "data"),
    "modified file, with its difference": environment(
        f"{ZOO}/m-modified",
        lambda entry: (
            [(one["path"], "-LIMIT = 1\n+LIMIT = 2" in (one["diff"] or "")) for one in entry["modified"]]
            == [("lib/python3.8/site-packages/patched.py", True)]
        ),
    ),
    "missing file": environment(
        f"{ZOO}/m-missing",
        lambda entry: entry["missing"] == [{"path": "lib/python3.8/site-packages/holey_more.py", "package": "holey"}],
    ),
    "shebang over 127 bytes": environment(f"{ZOO}/long", long_shebangs=["bin/far"]),
    "dependent: service": dependent(
        "service", "zoo-plain.service", environment=USED, user="nobody", interpreter="/opt/base/3.8/bin/python3.8"
    ),
    "dependent: timer": dependent("timer", "zoo-timed.timer", environment=USED),
    "dependent: socket": dependent("socket", "zoo-socket.socket", environment=USED),
    "dependent: user unit": dependent("user-unit", "zoo-user.service", environment=USED, user="keeper"),
    "dependent: drop-in": dependent("service", "zoo-dropped.service", environment=USED),
    "dependent: template instance": dependent("service", "zoo-worker@used.service", environment=USED),
    "dependent: EnvironmentFile": dependent(
        "service", "zoo-envfile.service", environment=USED, variables={"PATH": f"{USED}/bin:/usr/bin"}
    ),
    "dependent: PYTHONPATH": dependent("service", "zoo-path.service", variables={"PYTHONPATH": "/srv/zoo/lib"}),
    "dependent: cron, a user's": dependent("cron-user", "keeper:1", environment=USED, user="keeper", line=1),
    "dependent: cron, the system's": dependent("cron-system", "crontab:", environment=USED, user="nobody"),
    "dependent: cron.d": dependent("cron.d", "zoo:2", environment=USED, user="nobody", line=2),
    "dependent: cron.daily": dependent("cron.daily", "zoo", environment=USED, user="root"),
    "dependent: anacron": dependent("anacron", "zoo.weekly", environment=USED),
    "dependent: at": lambda inventory: any(
        entry["kind"] == "at" and entry["environment"] == USED for entry in inventory["dependents"]
    ),
    "dependent: supervisor": dependent("supervisor", "zoo", environment=USED, user="nobody"),
    "dependent: runit": dependent("runit", "zoo", environment=USED, user="nobody"),
    "dependent: uwsgi": dependent("uwsgi", "zoo.ini", environment=USED, user="nobody"),
    "dependent: uwsgi beside its project": dependent(
        "uwsgi", "prod-uwsgi.ini", environment=USED, source="/srv/zoo/web/prod-uwsgi.ini"
    ),
    "dependent: gunicorn configuration": dependent(
        "gunicorn", "gunicorn.conf.py", environment=USED, source="/srv/zoo/web/gunicorn.conf.py"
    ),
    "dependent: mod_wsgi": dependent("mod_wsgi", "zoo", environment=USED, user="nobody", line=1),
    "dependent: embedder": dependent(
        "embedder", "/usr/local/bin/zoo-embedder", interpreter="/opt/embedded/bin/python3.8"
    ),
    "dependent: library that embeds Python": dependent(
        "embedder", f"{ZOO}/plugins/python.so", interpreter="/opt/embedded-library/bin/python3.8"
    ),
    "dependent: script by its first line": dependent("script", "/usr/local/bin/zoo-report", environment=USED),
    "dependent: wrapper": dependent("wrapper", f"{ZOO}/scripts/run", environment=USED),
    "dependent: process": process(
        "zoo-process.service", lambda entry: entry["environment"] == USED and entry["user"] == "root"
    ),
    "dependent: mapped libpython": process(
        "zoo-mapped.service", lambda entry: entry["library"] == "/opt/mapped/lib/libpython3.8.so.1.0"
    ),
    "dependent: deleted files mapped": process(
        "zoo-deleted.service", lambda entry: entry["deleted"] == ["/opt/replaced/lib/libpython3.8.so.1.0"]
    ),
    "dependent: login shell": dependent("login-shell", "shelled", interpreter="/opt/shell/bin/python3.8"),
    "dependent: alternative": dependent("alternative", "zoo-python", interpreter="/opt/alternative/bin/python3.8"),
    "dependent: alternative that is called python": dependent(
        "alternative", "python", interpreter="/usr/bin/python3.11"
    ),
    "project: requirements": project("requirements.txt", "requirements"),
    "project: pyproject": project("pyproject.toml", "pyproject", ">=3.8"),
    "project: Pipfile.lock": project("Pipfile.lock", "Pipfile.lock"),
    "project: poetry.lock": project("poetry.lock", "poetry.lock"),
    "project: uv.lock": project("uv.lock", "uv.lock"),
    "project: setup.cfg": project("setup.cfg", "setup.cfg", ">=3.7"),
    "project: .python-version": project(".python-version", "python-version", "3.8.18"),
    "project: git revision and dirtiness": lambda inventory: any(
        entry["path"] == f"{ZOO}/repository"
        and len(entry["git"]["revision"]) == 40
        and entry["git"]["branch"] == "main"
        and entry["git"]["modified"] == ["app.py"]
        for entry in inventory["projects"]
    ),
    "pipeline: Dockerfile": pipeline("dockerfile", 2, "3.8"),
    "pipeline: GitHub": pipeline("github", 5, "3.8", "3.9"),
    "pipeline: GitLab": pipeline("gitlab", 2, "3.9"),
    "pipeline: Jenkins": pipeline("jenkins", 1, "3.7"),
    "pipeline: Azure": pipeline("azure", 4, "3.8"),
    "pipeline: CircleCI": pipeline("circleci", 4, "3.9.18"),
    "pipeline: tox": pipeline("tox", 2, "3.8", "3.10"),
    "pipeline: nox": pipeline("nox", 2, "3.8", "3.11"),
    "pipeline: pre-commit": pipeline("pre-commit", 2, "3.8"),
    "pipeline: Makefile": pipeline("make", 2, "3.8"),
    "advisory: package": package(f"{ZOO}/vulnerable", "django", version="3.1.6"),
    "not seen: pseudo file system": lambda inventory: (
        {"path": f"{ZOO}/proc", "reason": "pseudo file system (proc)"} in inventory["not_seen"]
    ),
}

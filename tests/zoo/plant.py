# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is planted with nothing but files and commands of the host itself. Runs on the host, as root, with its own Python."""

import base64
import hashlib
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import time

ZOO = pathlib.Path("/srv/zoo")
SUPPLIES = pathlib.Path("/root/zoo")
CASES = []


class Case:
    """A planted thing: its name, and how it is planted."""

    def __init__(self, name, plant):
        self.name = name
        self.plant = plant


def case(name):
    """Register the decorated function as the way to plant *name*."""

    def register(function):
        CASES.append(Case(name, function))
        return function

    return register


def sh(command, **more):
    """Standard output of the shell *command*."""
    return subprocess.run(command, shell=True, check=True, text=True, stdout=subprocess.PIPE, **more).stdout.strip()


def put(path, text, mode=0o644):
    """Write *text* to *path*, making its directories; returns the path."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def prefix(target, minor="3.8"):
    """A prefix with the interpreter *minor*, hard-linked from the unpacked archive; returns the path of its program."""
    target = pathlib.Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    sh(f"cp -al {SUPPLIES}/{minor} {target}")
    # The program itself may be changed by a case, so it is a copy.
    program = target / "bin" / f"python{minor}"
    program.unlink()
    shutil.copy2(SUPPLIES / minor / "bin" / f"python{minor}", program)
    return program


def base(minor="3.8"):
    """The program of an interpreter that environments are made from."""
    target = pathlib.Path("/opt/base") / minor
    return target / "bin" / f"python{minor}" if target.exists() else prefix(target, minor)


def environment(path, minor="3.8", extra=""):
    """An environment without packages; returns its path."""
    path = pathlib.Path(path)
    sh(f"{base(minor)} -m venv --without-pip {extra} {path}")
    return path


def site(env, minor="3.8"):
    """The site-packages directory of *env*."""
    return pathlib.Path(env) / "lib" / f"python{minor}" / "site-packages"


def package(env, name, version="1.0", files=None, minor="3.8", installer="pip", more=None, headers=""):
    """Install a package as an installer would, with RECORD; returns its metadata directory."""
    here = site(env, minor)
    info = here / f"{name.replace('-', '_')}-{version}.dist-info"
    rows = []
    contents = dict(files or {f"{name.replace('-', '_')}.py": f"NAME = {name!r}\n"})
    contents[f"{info.name}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{headers}\nA text.\n"
    contents[f"{info.name}/INSTALLER"] = installer + "\n"
    contents.update({f"{info.name}/{key}": value for key, value in (more or {}).items()})
    for path, content in contents.items():
        data = content if isinstance(content, bytes) else content.encode()
        (here / path).parent.mkdir(parents=True, exist_ok=True)
        (here / path).write_bytes(data)
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        rows.append(f"{path},sha256={digest},{len(data)}")
    rows.append(f"{info.name}/RECORD,,")
    (info / "RECORD").write_text("\n".join(rows) + "\n")
    return info


def service(name, text):
    """A unit file; nothing is started."""
    return put(f"/etc/systemd/system/{name}", text)


def user(name):
    """An account with a home directory; returns that."""
    if subprocess.run(["id", name], capture_output=True, check=False).returncode:
        sh(f"useradd --create-home --shell /bin/sh {name}")
    return pathlib.Path("/home") / name


def background(unit, command, **properties):
    """Start *command* as a transient service."""
    options = " ".join(f"--property={key}={value}" for key, value in properties.items())
    sh(f"systemd-run --quiet --unit={unit} {options} {command}")
    time.sleep(0.3)


def embed(program, libraries):
    """Link *program* to the libpython in *libraries*."""
    sh(f"patchelf --add-needed libpython3.8.so.1.0 {program} && patchelf --set-rpath {libraries} {program}")


def clean():
    """What both hosts have: one application in order."""
    interpreter = prefix("/opt/oxzep7-clean", "3.13")
    sh(f"{interpreter} -m venv /srv/clean/venv")
    package("/srv/clean/venv", "tidy", minor="3.13")
    put("/srv/clean/app/main.py", "import time\ntime.sleep(1e6)\n")
    service(
        "clean.service",
        "[Service]\nUser=nobody\nWorkingDirectory=/srv/clean/app\nExecStart=/srv/clean/venv/bin/python main.py\n",
    )
    sh("systemctl daemon-reload && systemctl start clean.service")


@case("interpreter: /usr/local")
def _():
    shutil.copy2("/usr/bin/python3.11", "/usr/local/bin/python3.11")


@case("interpreter: statically linked")
def _():
    put("/opt/static/lib/python3.11/os.py", "")
    pathlib.Path("/opt/static/bin").mkdir()
    shutil.copy2("/usr/bin/python3.11", "/opt/static/bin/python3.11")


@case("interpreter: /opt")
def _():
    prefix("/opt/python38")


@case("interpreter: pyenv")
def _():
    prefix("/root/.pyenv/versions/3.8.18")


@case("interpreter: uv")
def _():
    prefix("/root/.local/share/uv/python/cpython-3.8.18-linux-x86_64-gnu")


@case("interpreter: asdf")
def _():
    prefix("/root/.asdf/installs/python/3.8.18")


@case("interpreter: mise")
def _():
    prefix("/root/.local/share/mise/installs/python/3.8.18")


@case("interpreter: conda")
def _():
    prefix("/opt/miniconda3")
    put("/opt/miniconda3/conda-meta/history", "")
    put("/opt/miniconda3/conda-meta/python-3.8.18-h955ad1f_0.json", "{}")


@case("interpreter: Oxzep7 archive")
def _():
    prefix("/opt/oxzep7-3.8.18")


@case("interpreter: owned by an rpm package")
def _():
    top = pathlib.Path("/var/tmp/rpm")
    prefix("/var/tmp/rpm/root/opt/packaged")
    spec = put(
        top / "packaged.spec",
        "Name: packaged-python\nVersion: 3.8\nRelease: 1\nSummary: x\nLicense: x\nAutoReqProv: no\n"
        "%define __os_install_post %{nil}\n%description\nx\n%install\nmkdir -p %{buildroot}/opt\n"
        "cp -a /var/tmp/rpm/root/opt/packaged %{buildroot}/opt/\n%files\n/opt/packaged\n",
    )
    sh(f"rpmbuild --quiet -bb --define '_topdir {top}' {spec} 2>&1")
    sh(f"rpm --install --nodeps --force-debian {top}/RPMS/*/*.rpm 2>&1")
    shutil.rmtree(top)


@case("interpreter: hand-built")
def _():
    prefix("/opt/handmade")
    put("/opt/handmade/lib/python3.8/config-3.8-x86_64-linux-gnu/Makefile", "prefix=\t/opt/handmade\n")


@case("interpreter: another user's")
def _():
    home = user("keeper")
    sh(f"cp -r {SUPPLIES}/3.8 {home}/python && chown -R keeper: {home}/python")


@case("interpreter: PyPy")
def _():
    put("/opt/pypy39/lib/pypy3.9/os.py", "")
    pathlib.Path("/opt/pypy39/bin").mkdir()
    shutil.copy2("/usr/bin/pypy3.9", "/opt/pypy39/bin/pypy3.9")


@case("interpreter: only running")
def _():
    subprocess.Popen(
        [str(prefix("/mnt/running")), "-c", "import time; time.sleep(1e6)"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


@case("interpreter: deleted while it runs")
def _():
    subprocess.Popen(
        [str(prefix("/mnt/deleted")), "-c", "import time; time.sleep(1e6)"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    time.sleep(0.5)
    shutil.rmtree("/mnt/deleted")


@case("interpreter: only in a unit")
def _():
    service("zoo-only-unit.service", f"[Service]\nExecStart={prefix('/mnt/unit')} -m http.server\n")


@case("interpreter: shared libpython")
def _():
    prefix("/opt/shared")


@case("interpreter: musl")
def _():
    sh(f"patchelf --set-interpreter /lib/ld-musl-x86_64.so.1 {prefix('/opt/musl')}")


@case("interpreter: another architecture")
def _():
    program = prefix("/opt/arm")
    data = bytearray(program.read_bytes())
    data[18:20] = (183).to_bytes(2, "little")
    program.write_bytes(data)


@case("interpreter: file capabilities")
def _():
    sh(f"setcap cap_net_bind_service+ep {prefix('/opt/capable')}")


@case("interpreter: SELinux label")
def _():
    sh(f"setfattr -n security.selinux -v system_u:object_r:bin_t:s0 {prefix('/opt/labelled')}")


@case("interpreter: executable stack")
def _():
    program = prefix("/opt/execstack")
    data = bytearray(program.read_bytes())
    (start,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    for at in range(start, start + size * count, size):
        if struct.unpack_from("<I", data, at)[0] == 0x6474E551:
            struct.pack_into("<I", data, at + 4, 7)
    program.write_bytes(data)


@case("interpreter: EXTERNALLY-MANAGED")
def _():
    prefix("/opt/managed")
    put("/opt/managed/lib/python3.8/EXTERNALLY-MANAGED", "[externally-managed]\nError=no\n")


@case("interpreter: vendor modules")
def _():
    prefix("/opt/vendored")


@case("interpreter: libpython gone")
def _():
    prefix("/opt/halved")
    for path in pathlib.Path("/opt/halved/lib").glob("libpython*"):
        path.unlink()


@case("environment: venv")
def _():
    env = environment(ZOO / "venv")
    package(env, "one")


@case("environment: virtualenv")
def _():
    env = environment(ZOO / "virtualenv")
    with (env / "pyvenv.cfg").open("a") as stream:
        stream.write("virtualenv = 20.4.0\nimplementation = CPython\nversion_info = 3.8.18.final.0\n")


@case("environment: old virtualenv")
def _():
    env = environment(ZOO / "old-virtualenv", extra="--copies")
    (env / "pyvenv.cfg").unlink()
    put(env / "bin/activate_this.py", "")
    put(env / "lib/python3.8/orig-prefix.txt", "/opt/base/3.8")


@case("environment: older virtualenv")
def _():
    env = environment(ZOO / "older-virtualenv", extra="--copies")
    (env / "pyvenv.cfg").unlink()
    put(env / "lib/python3.8/orig-prefix.txt", "/opt/base/3.8")


@case("environment: conda")
def _():
    prefix(ZOO / "conda")
    put(ZOO / "conda/conda-meta/numpy-1.21.0-py38_0.json", "{}")


@case("environment: pipx")
def _():
    env = environment("/root/.local/share/pipx/venvs/httpie")
    put(env / "pipx_metadata.json", "{}")


@case("environment: uv tool")
def _():
    env = environment("/root/.local/share/uv/tools/ruff")
    put(env / "uv-receipt.toml", "[tool]\n")


@case("environment: poetry")
def _():
    environment("/root/.cache/pypoetry/virtualenvs/app-abc123-py3.8")


@case("environment: bare prefix")
def _():
    prefix("/opt/bare")
    here = pathlib.Path("/opt/bare/lib/python3.8/site-packages/inprefix-1.0.dist-info")
    put(here / "METADATA", "Metadata-Version: 2.1\nName: inprefix\nVersion: 1.0\n")
    put(here / "RECORD", "inprefix-1.0.dist-info/METADATA,,\n")


@case("environment: user site")
def _():
    put(user("keeper") / ".local/lib/python3.11/site-packages/mine.py", "")


@case("environment: in a home elsewhere")
def _():
    sh("mkdir -p /data && useradd --create-home --home-dir /data/far far")
    environment("/data/far/venv")


@case("environment: dangling")
def _():
    gone = prefix("/opt/gone")
    sh(f"{gone} -m venv --without-pip {ZOO}/dangling")
    shutil.rmtree("/opt/gone")


@case("environment: moved")
def _():
    env = environment(ZOO / "before")
    put(env / "bin/tool", f"#!{env}/bin/python\n", 0o755)
    env.rename(ZOO / "moved")


@case("environment: nested")
def _():
    environment(environment(ZOO / "outer") / "inner")


@case("environment: another mount")
def _():
    (ZOO / "mount").mkdir()
    sh(f"mount -t tmpfs tmpfs {ZOO}/mount")
    environment(ZOO / "mount/venv")


@case("environment: shared fingerprint")
def _():
    for name in ("twin-a", "twin-b"):
        package(environment(ZOO / name), "shared", "2.0")


@case("package: installed by uv")
def _():
    package(environment(ZOO / "p-uv"), "byuv", installer="uv")


@case("package: requested")
def _():
    package(environment(ZOO / "p-requested"), "asked", more={"REQUESTED": ""})


@case("package: editable")
def _():
    package(
        environment(ZOO / "p-editable"),
        "edited",
        more={"direct_url.json": json.dumps({"url": "file:///srv/src", "dir_info": {"editable": True}})},
    )


@case("package: direct URL")
def _():
    package(
        environment(ZOO / "p-direct"),
        "direct",
        more={
            "direct_url.json": json.dumps(
                {"url": "https://someone:secret@example.org/direct.git", "vcs_info": {"vcs": "git", "commit_id": "1"}}
            )
        },
    )


@case("package: owned by the system")
def _():
    """Debian's own packages of its own Python; the clean twin has them, too, so this case looks at what is not owned beside them."""
    put("/usr/lib/python3/dist-packages/stray.py", "")


@case("package: egg-info")
def _():
    env = environment(ZOO / "p-egg-info")
    put(site(env) / "eggy-0.1-py3.8.egg-info/PKG-INFO", "Metadata-Version: 1.1\nName: eggy\nVersion: 0.1\n")
    put(site(env) / "eggy-0.1-py3.8.egg-info/installed-files.txt", "../eggy.py\nPKG-INFO\n")
    put(site(env) / "eggy.py", "")


@case("package: egg-info file")
def _():
    env = environment(ZOO / "p-egg-file")
    put(site(env) / "flat-0.2.egg-info", "Metadata-Version: 1.1\nName: flat\nVersion: 0.2\n")


@case("package: egg-link")
def _():
    env = environment(ZOO / "p-egg-link")
    put(site(env) / "linked-app.egg-link", "/srv/src/linked\n.\n")


@case("package: legacy egg")
def _():
    env = environment(ZOO / "p-egg")
    put(site(env) / "oldegg-0.3-py3.8.egg/EGG-INFO/PKG-INFO", "Metadata-Version: 1.1\nName: oldegg\nVersion: 0.3\n")


@case("extension: library of the system")
def _():
    env = environment(ZOO / "x-system")
    source = next(pathlib.Path("/opt/base/3.8/lib/python3.8/lib-dynload").glob("zlib.*.so"))
    package(env, "native", files={source.name: source.read_bytes()})


@case("extension: unresolved library")
def _():
    env = environment(ZOO / "x-broken")
    source = next(pathlib.Path("/opt/base/3.8/lib/python3.8/lib-dynload").glob("_json.*.so"))
    broken = shutil.copy2(source, "/tmp/broken.so")
    sh(f"patchelf --add-needed libgone.so.7 {broken}")
    package(env, "broken", files={source.name: pathlib.Path(broken).read_bytes()})


@case("unmanaged: module")
def _():
    put(site(environment(ZOO / "u-module")) / "byhand.py", "")


@case("unmanaged: .pth with code")
def _():
    put(site(environment(ZOO / "u-pth")) / "startup.pth", "import os; os.environ.get('X')\n")


@case("unmanaged: sitecustomize")
def _():
    put(site(environment(ZOO / "u-sitecustomize")) / "sitecustomize.py", "")


@case("unmanaged: usercustomize")
def _():
    put(site(environment(ZOO / "u-usercustomize")) / "usercustomize.py", "")


@case("unmanaged: script")
def _():
    put(environment(ZOO / "u-script") / "bin/backup-all", "#!/bin/sh\n", 0o755)


@case("unmanaged: data")
def _():
    put(environment(ZOO / "u-data") / "uploads/one.bin", "x")


@case("modified file, with its difference")
def _():
    for name in ("m-modified", "m-pristine"):
        package(environment(ZOO / name), "patched", files={"patched.py": "LIMIT = 1\n"})
    put(site(ZOO / "m-modified") / "patched.py", "LIMIT = 2\n")


@case("missing file")
def _():
    env = environment(ZOO / "m-missing")
    package(env, "holey", files={"holey.py": "", "holey_more.py": ""})
    (site(env) / "holey_more.py").unlink()


@case("shebang over 127 bytes")
def _():
    env = environment(ZOO / "long")
    put(
        env / "bin/far",
        "#!"
        + "/srv/zoo/long"
        + "/././././././././././././././././././././././././././././././././././././././././././././././././././."
        + "/bin/python3.8 -I\n",
        0o755,
    )


def unit_environment():
    """The environment that dependents use."""
    path = ZOO / "used"
    return path if path.exists() else environment(path)


@case("dependent: service")
def _():
    service("zoo-plain.service", f"[Service]\nUser=nobody\nExecStart={unit_environment()}/bin/python -m app\n")


@case("dependent: timer")
def _():
    service("zoo-timed.service", f"[Service]\nType=oneshot\nExecStart={unit_environment()}/bin/python -c pass\n")
    service("zoo-timed.timer", "[Timer]\nOnCalendar=yearly\n")


@case("dependent: socket")
def _():
    service("zoo-socket@.service", f"[Service]\nExecStart={unit_environment()}/bin/python -c pass\n")
    service("zoo-socket.socket", "[Socket]\nListenStream=127.0.0.1:9999\nAccept=yes\n")


@case("dependent: user unit")
def _():
    put(
        user("keeper") / ".config/systemd/user/zoo-user.service",
        f"[Service]\nExecStart={unit_environment()}/bin/python -c pass\n",
    )


@case("dependent: drop-in")
def _():
    service("zoo-dropped.service", "[Service]\nExecStart=/bin/true\n")
    put(
        "/etc/systemd/system/zoo-dropped.service.d/python.conf",
        f"[Service]\nExecStart=\nExecStart={unit_environment()}/bin/python -c pass\n",
    )


@case("dependent: template instance")
def _():
    service("zoo-worker@.service", "[Service]\nExecStart=/srv/zoo/%i/bin/python -c pass\n")
    pathlib.Path("/etc/systemd/system/multi-user.target.wants").mkdir(exist_ok=True)
    unit_environment()
    pathlib.Path("/etc/systemd/system/multi-user.target.wants/zoo-worker@used.service").symlink_to(
        "/etc/systemd/system/zoo-worker@.service"
    )


@case("dependent: EnvironmentFile")
def _():
    put("/etc/zoo.env", f"SECRET=hunter2\nPATH={unit_environment()}/bin:/usr/bin\n", 0o600)
    service("zoo-envfile.service", "[Service]\nEnvironmentFile=/etc/zoo.env\nExecStart=python -c pass\n")


@case("dependent: PYTHONPATH")
def _():
    service("zoo-path.service", "[Service]\nEnvironment=PYTHONPATH=/srv/zoo/lib SECRET=hunter2\nExecStart=/bin/true\n")


@case("dependent: cron, a user's")
def _():
    user("keeper")
    put("/var/spool/cron/crontabs/keeper", f"@daily cd /srv && {unit_environment()}/bin/python -c pass\n", 0o600)


@case("dependent: cron, the system's")
def _():
    with open("/etc/crontab", "a") as stream:
        stream.write(f"5 4 * * * nobody {unit_environment()}/bin/python -c pass\n")


@case("dependent: cron.d")
def _():
    put("/etc/cron.d/zoo", f"PATH=/usr/bin\n0 1 * * * nobody cd {unit_environment()} && bin/python -c pass\n")


@case("dependent: cron.daily")
def _():
    put("/etc/cron.daily/zoo", f"#!/bin/sh\nexec {unit_environment()}/bin/python -c pass\n", 0o755)


@case("dependent: anacron")
def _():
    with open("/etc/anacrontab", "a") as stream:
        stream.write(f"7 25 zoo.weekly {unit_environment()}/bin/python -c pass\n")


@case("dependent: at")
def _():
    sh("systemctl start atd")
    sh(f"echo '{unit_environment()}/bin/python -c pass' | at 23:59 2>/dev/null")


@case("dependent: supervisor")
def _():
    put(
        "/etc/supervisor/conf.d/zoo.conf",
        f"[program:zoo]\ncommand={unit_environment()}/bin/python -c pass\nuser=nobody\nautostart=false\n",
    )


@case("dependent: runit")
def _():
    put("/etc/sv/zoo/run", f"#!/bin/sh\nexec chpst -u nobody {unit_environment()}/bin/python -c pass\n", 0o755)


@case("dependent: uwsgi")
def _():
    put(
        "/etc/uwsgi/apps-enabled/zoo.ini",
        f"[uwsgi]\nplugins = python3\nvirtualenv = {unit_environment()}\nuid = nobody\n",
    )


@case("dependent: uwsgi beside its project")
def _():
    put("/srv/zoo/web/prod-uwsgi.ini", f"[uwsgi]\nvirtualenv = {unit_environment()}\n")


@case("dependent: gunicorn configuration")
def _():
    put("/srv/zoo/web/gunicorn.conf.py", "workers = 2\n")
    service(
        "zoo-gunicorn.service",
        f"[Service]\nWorkingDirectory=/srv/zoo/web\nExecStart={unit_environment()}/bin/gunicorn app\n",
    )


@case("dependent: mod_wsgi")
def _():
    put("/etc/apache2/sites-enabled/zoo.conf", f"WSGIDaemonProcess zoo user=nobody python-home={unit_environment()}\n")


@case("dependent: embedder")
def _():
    pathlib.Path("/usr/local/bin").mkdir(exist_ok=True)
    prefix("/opt/embedded")
    shutil.copy2("/bin/sleep", "/usr/local/bin/zoo-embedder")
    embed("/usr/local/bin/zoo-embedder", "/opt/embedded/lib")


@case("dependent: library that embeds Python")
def _():
    source = next(pathlib.Path("/opt/base/3.8/lib/python3.8/lib-dynload").glob("zlib.*.so"))
    put(ZOO / "plugins/README", "")
    shutil.copy2(source, ZOO / "plugins/python.so")
    prefix("/opt/embedded-library")
    embed(ZOO / "plugins/python.so", "/opt/embedded-library/lib")


@case("dependent: script by its first line")
def _():
    put("/usr/local/bin/zoo-report", f"#!{unit_environment()}/bin/python\n", 0o755)


@case("dependent: wrapper")
def _():
    put(ZOO / "scripts/run", f"#!/bin/bash\n. {unit_environment()}/bin/activate\nexec python -m app\n", 0o755)


@case("dependent: process")
def _():
    background("zoo-process", f"{unit_environment()}/bin/python -c 'import time; time.sleep(1e6)'")


@case("dependent: mapped libpython")
def _():
    prefix("/opt/mapped")
    shutil.copy2("/bin/sleep", "/opt/mapped/host")
    embed("/opt/mapped/host", "/opt/mapped/lib")
    background("zoo-mapped", "/opt/mapped/host 1000000")


@case("dependent: deleted files mapped")
def _():
    background("zoo-deleted", f"{prefix('/opt/replaced')} -c 'import time; time.sleep(1e6)'")
    for path in pathlib.Path("/opt/replaced/lib").glob("libpython*.so.*"):
        path.unlink()


@case("dependent: login shell")
def _():
    prefix("/opt/shell")
    sh("useradd --shell /opt/shell/bin/python3.8 shelled")


@case("dependent: alternative")
def _():
    prefix("/opt/alternative")
    sh("update-alternatives --quiet --install /usr/local/bin/zoo-python zoo-python /opt/alternative/bin/python3.8 1")


@case("dependent: alternative that is called python")
def _():
    sh("update-alternatives --quiet --install /usr/bin/python python /usr/bin/python3.11 1")


def project(name, text, where=""):
    """A file of a project of its own."""
    return put(ZOO / "projects" / name.strip(".").replace("/", "-") / where / name, text)


@case("project: requirements")
def _():
    project("requirements.txt", "django==3.1\n")


@case("project: pyproject")
def _():
    project("pyproject.toml", "[project]\nname = 'x'\nrequires-python = '>=3.8'\n")


@case("project: Pipfile.lock")
def _():
    project("Pipfile.lock", "{}")


@case("project: poetry.lock")
def _():
    project("poetry.lock", "")


@case("project: uv.lock")
def _():
    project("uv.lock", "version = 1\n")


@case("project: setup.cfg")
def _():
    project("setup.cfg", "[options]\npython_requires = >=3.7\n")


@case("project: .python-version")
def _():
    project(".python-version", "3.8.18\n")


@case("project: git revision and dirtiness")
def _():
    put(ZOO / "repository/app.py", "print(1)\n")
    sh(
        "git init -q -b main && git add . && git -c user.name=x -c user.email=x@example.org commit -qm first",
        cwd=ZOO / "repository",
    )
    put(ZOO / "repository/app.py", "print(2)\n")


@case("pipeline: Dockerfile")
def _():
    project("Dockerfile", "# a comment\nFROM python:3.8-slim\n")


@case("pipeline: GitHub")
def _():
    project(
        "ci.yml",
        "jobs:\n  test:\n    strategy:\n      matrix:\n        python-version: ['3.8', '3.9']\n",
        ".github/workflows",
    )


@case("pipeline: GitLab")
def _():
    project(".gitlab-ci.yml", "test:\n  image: python:3.9\n")


@case("pipeline: Jenkins")
def _():
    project("Jenkinsfile", "pipeline { agent { docker { image 'python:3.7' } } }\n")


@case("pipeline: Azure")
def _():
    project("azure-pipelines.yml", "steps:\n- task: UsePythonVersion@0\n  inputs:\n    versionSpec: '3.8'\n")


@case("pipeline: CircleCI")
def _():
    project("config.yml", "jobs:\n  build:\n    docker:\n      - image: cimg/python:3.9.18\n", ".circleci")


@case("pipeline: tox")
def _():
    project("tox.ini", "[tox]\nenvlist = py38,py310\n")


@case("pipeline: nox")
def _():
    project("noxfile.py", "import nox\n@nox.session(python=['3.8', '3.11'])\ndef tests(session): pass\n")


@case("pipeline: pre-commit")
def _():
    project(".pre-commit-config.yaml", "default_language_version:\n  python: python3.8\n")


@case("pipeline: Makefile")
def _():
    project("Makefile", "venv:\n\tpython3.8 -m venv venv\n")


@case("advisory: package")
def _():
    package(environment(ZOO / "vulnerable"), "django", "3.1.6")


@case("not seen: pseudo file system")
def _():
    (ZOO / "proc").mkdir()
    sh(f"mount -t proc proc {ZOO}/proc")


if __name__ == "__main__":
    clean()
    if sys.argv[1:] == ["zoo"]:
        ZOO.mkdir()
        for one in CASES:
            one.plant()
        os.system("systemctl daemon-reload")

# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plants the cases with files and commands of the host. Runs on the host, as root, with the Python of the host."""

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


class PlantedCase:
    """A case: its name and the function that plants it."""

    def __init__(self, name, plant):
        self.name = name
        self.plant = plant


def register_case(name):
    """Register the decorated function as the way to plant *name*."""

    def register(function):
        CASES.append(PlantedCase(name, function))
        return function

    return register


def run_shell(command, **more):
    """Standard output of the shell *command*."""
    return subprocess.run(command, shell=True, check=True, text=True, stdout=subprocess.PIPE, **more).stdout.strip()


def write_file(path, text, mode=0o644):
    """Write *text* to *path*, making its directories; returns the path."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def link_prefix(target, minor="3.8"):
    """Make a prefix with the interpreter *minor* of hard links to the unpacked archive; returns its program."""
    target = pathlib.Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    run_shell(f"cp -al {SUPPLIES}/{minor} {target}")
    # The program itself may be changed by a case, so it is a copy.
    program = target / "bin" / f"python{minor}"
    program.unlink()
    shutil.copy2(SUPPLIES / minor / "bin" / f"python{minor}", program)
    return program


def get_base_program(minor="3.8"):
    """The program of the interpreter for environments."""
    target = pathlib.Path("/opt/base") / minor
    return target / "bin" / f"python{minor}" if target.exists() else link_prefix(target, minor)


def plant_environment(path, minor="3.8", extra=""):
    """Make an environment without packages; returns its path."""
    path = pathlib.Path(path)
    run_shell(f"{get_base_program(minor)} -m venv --without-pip {extra} {path}")
    return path


def get_site_packages(env, minor="3.8"):
    """The site-packages directory of *env*."""
    return pathlib.Path(env) / "lib" / f"python{minor}" / "site-packages"


def plant_package(env, name, version="1.0", files=None, minor="3.8", installer="pip", more=None, headers=""):
    """Install a package as an installer would, with RECORD; returns its metadata directory."""
    here = get_site_packages(env, minor)
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


def write_unit(name, text):
    """Write a unit file; nothing is started."""
    return write_file(f"/etc/systemd/system/{name}", text)


def create_account(name):
    """Make an account with a home directory; returns the directory."""
    if subprocess.run(["id", name], capture_output=True, check=False).returncode:
        run_shell(f"useradd --create-home --shell /bin/sh {name}")
    return pathlib.Path("/home") / name


def start_transient_service(unit, command, **properties):
    """Start *command* as a transient service."""
    options = " ".join(f"--property={key}={value}" for key, value in properties.items())
    run_shell(f"systemd-run --quiet --unit={unit} {options} {command}")
    time.sleep(0.3)


def link_libpython(program, libraries):
    """Link *program* to the libpython in *libraries*."""
    run_shell(f"patchelf --add-needed libpython3.8.so.1.0 {program} && patchelf --set-rpath {libraries} {program}")


def plant_clean_host():
    """Plant what both hosts have: one application without findings."""
    interpreter = link_prefix("/opt/oxzep7-clean", "3.13")
    run_shell(f"{interpreter} -m venv /srv/clean/venv")
    plant_package("/srv/clean/venv", "tidy", minor="3.13")
    write_file("/srv/clean/app/main.py", "import time\ntime.sleep(1e6)\n")
    write_unit(
        "clean.service",
        "[Service]\nUser=nobody\nWorkingDirectory=/srv/clean/app\nExecStart=/srv/clean/venv/bin/python main.py\n",
    )
    run_shell("systemctl daemon-reload && systemctl start clean.service")


@register_case("interpreter: /usr/local")
def _():
    shutil.copy2("/usr/bin/python3.11", "/usr/local/bin/python3.11")


@register_case("interpreter: statically linked")
def _():
    write_file("/opt/static/lib/python3.11/os.py", "")
    pathlib.Path("/opt/static/bin").mkdir()
    shutil.copy2("/usr/bin/python3.11", "/opt/static/bin/python3.11")


@register_case("interpreter: /opt")
def _():
    link_prefix("/opt/python38")


@register_case("interpreter: pyenv")
def _():
    link_prefix("/root/.pyenv/versions/3.8.18")


@register_case("interpreter: uv")
def _():
    link_prefix("/root/.local/share/uv/python/cpython-3.8.18-linux-x86_64-gnu")


@register_case("interpreter: asdf")
def _():
    link_prefix("/root/.asdf/installs/python/3.8.18")


@register_case("interpreter: mise")
def _():
    link_prefix("/root/.local/share/mise/installs/python/3.8.18")


@register_case("interpreter: conda")
def _():
    link_prefix("/opt/miniconda3")
    write_file("/opt/miniconda3/conda-meta/history", "")
    write_file("/opt/miniconda3/conda-meta/python-3.8.18-h955ad1f_0.json", "{}")


@register_case("interpreter: Oxzep7 archive")
def _():
    link_prefix("/opt/oxzep7-3.8.18")


@register_case("interpreter: owned by an rpm package")
def _():
    top = pathlib.Path("/var/tmp/rpm")
    link_prefix("/var/tmp/rpm/root/opt/packaged")
    spec = write_file(
        top / "packaged.spec",
        "Name: packaged-python\nVersion: 3.8\nRelease: 1\nSummary: x\nLicense: x\nAutoReqProv: no\n"
        "%define __os_install_post %{nil}\n%description\nx\n%install\nmkdir -p %{buildroot}/opt\n"
        "cp -a /var/tmp/rpm/root/opt/packaged %{buildroot}/opt/\n%files\n/opt/packaged\n",
    )
    run_shell(f"rpmbuild --quiet -bb --define '_topdir {top}' {spec} 2>&1")
    run_shell(f"rpm --install --nodeps --force-debian {top}/RPMS/*/*.rpm 2>&1")
    shutil.rmtree(top)


@register_case("interpreter: hand-built")
def _():
    link_prefix("/opt/handmade")
    write_file("/opt/handmade/lib/python3.8/config-3.8-x86_64-linux-gnu/Makefile", "prefix=\t/opt/handmade\n")


@register_case("interpreter: another user's")
def _():
    home = create_account("keeper")
    run_shell(f"cp -r {SUPPLIES}/3.8 {home}/python && chown -R keeper: {home}/python")


@register_case("interpreter: PyPy")
def _():
    write_file("/opt/pypy39/lib/pypy3.9/os.py", "")
    pathlib.Path("/opt/pypy39/bin").mkdir()
    shutil.copy2("/usr/bin/pypy3.9", "/opt/pypy39/bin/pypy3.9")


@register_case("interpreter: only running")
def _():
    subprocess.Popen(
        [str(link_prefix("/mnt/running")), "-c", "import time; time.sleep(1e6)"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


@register_case("interpreter: deleted while it runs")
def _():
    subprocess.Popen(
        [str(link_prefix("/mnt/deleted")), "-c", "import time; time.sleep(1e6)"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    time.sleep(0.5)
    shutil.rmtree("/mnt/deleted")


@register_case("interpreter: only in a unit")
def _():
    write_unit("zoo-only-unit.service", f"[Service]\nExecStart={link_prefix('/mnt/unit')} -m http.server\n")


@register_case("interpreter: shared libpython")
def _():
    link_prefix("/opt/shared")


@register_case("interpreter: musl")
def _():
    run_shell(f"patchelf --set-interpreter /lib/ld-musl-x86_64.so.1 {link_prefix('/opt/musl')}")


@register_case("interpreter: another architecture")
def _():
    program = link_prefix("/opt/arm")
    data = bytearray(program.read_bytes())
    data[18:20] = (183).to_bytes(2, "little")
    program.write_bytes(data)


@register_case("interpreter: file capabilities")
def _():
    run_shell(f"setcap cap_net_bind_service+ep {link_prefix('/opt/capable')}")


@register_case("interpreter: SELinux label")
def _():
    run_shell(f"setfattr -n security.selinux -v system_u:object_r:bin_t:s0 {link_prefix('/opt/labelled')}")


@register_case("interpreter: executable stack")
def _():
    program = link_prefix("/opt/execstack")
    data = bytearray(program.read_bytes())
    (start,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    for at in range(start, start + size * count, size):
        if struct.unpack_from("<I", data, at)[0] == 0x6474E551:
            struct.pack_into("<I", data, at + 4, 7)
    program.write_bytes(data)


@register_case("interpreter: EXTERNALLY-MANAGED")
def _():
    link_prefix("/opt/managed")
    write_file("/opt/managed/lib/python3.8/EXTERNALLY-MANAGED", "[externally-managed]\nError=no\n")


@register_case("interpreter: vendor modules")
def _():
    link_prefix("/opt/vendored")


@register_case("interpreter: libpython gone")
def _():
    link_prefix("/opt/halved")
    for path in pathlib.Path("/opt/halved/lib").glob("libpython*"):
        path.unlink()


@register_case("environment: venv")
def _():
    env = plant_environment(ZOO / "venv")
    plant_package(env, "one")


@register_case("environment: virtualenv")
def _():
    env = plant_environment(ZOO / "virtualenv")
    with (env / "pyvenv.cfg").open("a") as stream:
        stream.write("virtualenv = 20.4.0\nimplementation = CPython\nversion_info = 3.8.18.final.0\n")


@register_case("environment: old virtualenv")
def _():
    env = plant_environment(ZOO / "old-virtualenv", extra="--copies")
    (env / "pyvenv.cfg").unlink()
    write_file(env / "bin/activate_this.py", "")
    write_file(env / "lib/python3.8/orig-prefix.txt", "/opt/base/3.8")


@register_case("environment: older virtualenv")
def _():
    env = plant_environment(ZOO / "older-virtualenv", extra="--copies")
    (env / "pyvenv.cfg").unlink()
    write_file(env / "lib/python3.8/orig-prefix.txt", "/opt/base/3.8")


@register_case("environment: conda")
def _():
    link_prefix(ZOO / "conda")
    write_file(ZOO / "conda/conda-meta/numpy-1.21.0-py38_0.json", "{}")


@register_case("environment: pipx")
def _():
    env = plant_environment("/root/.local/share/pipx/venvs/httpie")
    write_file(env / "pipx_metadata.json", "{}")


@register_case("environment: uv tool")
def _():
    env = plant_environment("/root/.local/share/uv/tools/ruff")
    write_file(env / "uv-receipt.toml", "[tool]\n")


@register_case("environment: poetry")
def _():
    plant_environment("/root/.cache/pypoetry/virtualenvs/app-abc123-py3.8")


@register_case("environment: bare prefix")
def _():
    link_prefix("/opt/bare")
    here = pathlib.Path("/opt/bare/lib/python3.8/site-packages/inprefix-1.0.dist-info")
    write_file(here / "METADATA", "Metadata-Version: 2.1\nName: inprefix\nVersion: 1.0\n")
    write_file(here / "RECORD", "inprefix-1.0.dist-info/METADATA,,\n")


@register_case("environment: user site")
def _():
    write_file(create_account("keeper") / ".local/lib/python3.11/site-packages/mine.py", "")


@register_case("environment: in a home elsewhere")
def _():
    run_shell("mkdir -p /data && useradd --create-home --home-dir /data/far far")
    plant_environment("/data/far/venv")


@register_case("environment: dangling")
def _():
    gone = link_prefix("/opt/gone")
    run_shell(f"{gone} -m venv --without-pip {ZOO}/dangling")
    shutil.rmtree("/opt/gone")


@register_case("environment: moved")
def _():
    env = plant_environment(ZOO / "before")
    write_file(env / "bin/tool", f"#!{env}/bin/python\n", 0o755)
    env.rename(ZOO / "moved")


@register_case("environment: nested")
def _():
    plant_environment(plant_environment(ZOO / "outer") / "inner")


@register_case("environment: another mount")
def _():
    (ZOO / "mount").mkdir()
    run_shell(f"mount -t tmpfs tmpfs {ZOO}/mount")
    plant_environment(ZOO / "mount/venv")


@register_case("environment: shared fingerprint")
def _():
    for name in ("twin-a", "twin-b"):
        plant_package(plant_environment(ZOO / name), "shared", "2.0")


@register_case("package: installed by uv")
def _():
    plant_package(plant_environment(ZOO / "p-uv"), "byuv", installer="uv")


@register_case("package: requested")
def _():
    plant_package(plant_environment(ZOO / "p-requested"), "asked", more={"REQUESTED": ""})


@register_case("package: editable")
def _():
    plant_package(
        plant_environment(ZOO / "p-editable"),
        "edited",
        more={"direct_url.json": json.dumps({"url": "file:///srv/src", "dir_info": {"editable": True}})},
    )


@register_case("package: direct URL")
def _():
    plant_package(
        plant_environment(ZOO / "p-direct"),
        "direct",
        more={
            "direct_url.json": json.dumps(
                {"url": "https://someone:secret@example.org/direct.git", "vcs_info": {"vcs": "git", "commit_id": "1"}}
            )
        },
    )


@register_case("package: owned by the system")
def _():
    """Debian's packages of its Python are on the clean host as well, so this case adds a file that none owns."""
    write_file("/usr/lib/python3/dist-packages/stray.py", "")


@register_case("package: egg-info")
def _():
    env = plant_environment(ZOO / "p-egg-info")
    write_file(
        get_site_packages(env) / "eggy-0.1-py3.8.egg-info/PKG-INFO", "Metadata-Version: 1.1\nName: eggy\nVersion: 0.1\n"
    )
    write_file(get_site_packages(env) / "eggy-0.1-py3.8.egg-info/installed-files.txt", "../eggy.py\nPKG-INFO\n")
    write_file(get_site_packages(env) / "eggy.py", "")


@register_case("package: egg-info file")
def _():
    env = plant_environment(ZOO / "p-egg-file")
    write_file(get_site_packages(env) / "flat-0.2.egg-info", "Metadata-Version: 1.1\nName: flat\nVersion: 0.2\n")


@register_case("package: egg-link")
def _():
    env = plant_environment(ZOO / "p-egg-link")
    write_file(get_site_packages(env) / "linked-app.egg-link", "/srv/src/linked\n.\n")


@register_case("package: legacy egg")
def _():
    env = plant_environment(ZOO / "p-egg")
    write_file(
        get_site_packages(env) / "oldegg-0.3-py3.8.egg/EGG-INFO/PKG-INFO",
        "Metadata-Version: 1.1\nName: oldegg\nVersion: 0.3\n",
    )


@register_case("extension: library of the system")
def _():
    env = plant_environment(ZOO / "x-system")
    source = next(pathlib.Path("/opt/base/3.8/lib/python3.8/lib-dynload").glob("zlib.*.so"))
    plant_package(env, "native", files={source.name: source.read_bytes()})


@register_case("extension: unresolved library")
def _():
    env = plant_environment(ZOO / "x-broken")
    source = next(pathlib.Path("/opt/base/3.8/lib/python3.8/lib-dynload").glob("_json.*.so"))
    broken = shutil.copy2(source, "/tmp/broken.so")
    run_shell(f"patchelf --add-needed libgone.so.7 {broken}")
    plant_package(env, "broken", files={source.name: pathlib.Path(broken).read_bytes()})


@register_case("unmanaged: module")
def _():
    write_file(get_site_packages(plant_environment(ZOO / "u-module")) / "byhand.py", "")


@register_case("unmanaged: .pth with code")
def _():
    write_file(get_site_packages(plant_environment(ZOO / "u-pth")) / "startup.pth", "import os; os.environ.get('X')\n")


@register_case("unmanaged: sitecustomize")
def _():
    write_file(get_site_packages(plant_environment(ZOO / "u-sitecustomize")) / "sitecustomize.py", "")


@register_case("unmanaged: usercustomize")
def _():
    write_file(get_site_packages(plant_environment(ZOO / "u-usercustomize")) / "usercustomize.py", "")


@register_case("unmanaged: script")
def _():
    write_file(plant_environment(ZOO / "u-script") / "bin/backup-all", "#!/bin/sh\n", 0o755)


@register_case("unmanaged: data")
def _():
    write_file(plant_environment(ZOO / "u-data") / "uploads/one.bin", "x")


@register_case("modified file, with its difference")
def _():
    for name in ("m-modified", "m-pristine"):
        plant_package(plant_environment(ZOO / name), "patched", files={"patched.py": "LIMIT = 1\n"})
    write_file(get_site_packages(ZOO / "m-modified") / "patched.py", "LIMIT = 2\n")


@register_case("missing file")
def _():
    env = plant_environment(ZOO / "m-missing")
    plant_package(env, "holey", files={"holey.py": "", "holey_more.py": ""})
    (get_site_packages(env) / "holey_more.py").unlink()


@register_case("shebang over 127 bytes")
def _():
    env = plant_environment(ZOO / "long")
    write_file(
        env / "bin/far",
        "#!"
        + "/srv/zoo/long"
        + "/././././././././././././././././././././././././././././././././././././././././././././././././././."
        + "/bin/python3.8 -I\n",
        0o755,
    )


def get_used_environment():
    """The environment that dependents use."""
    path = ZOO / "used"
    return path if path.exists() else plant_environment(path)


@register_case("dependent: service")
def _():
    write_unit("zoo-plain.service", f"[Service]\nUser=nobody\nExecStart={get_used_environment()}/bin/python -m app\n")


@register_case("dependent: timer")
def _():
    write_unit("zoo-timed.service", f"[Service]\nType=oneshot\nExecStart={get_used_environment()}/bin/python -c pass\n")
    write_unit("zoo-timed.timer", "[Timer]\nOnCalendar=yearly\n")


@register_case("dependent: socket")
def _():
    write_unit("zoo-socket@.service", f"[Service]\nExecStart={get_used_environment()}/bin/python -c pass\n")
    write_unit("zoo-socket.socket", "[Socket]\nListenStream=127.0.0.1:9999\nAccept=yes\n")


@register_case("dependent: user unit")
def _():
    write_file(
        create_account("keeper") / ".config/systemd/user/zoo-user.service",
        f"[Service]\nExecStart={get_used_environment()}/bin/python -c pass\n",
    )


@register_case("dependent: drop-in")
def _():
    write_unit("zoo-dropped.service", "[Service]\nExecStart=/bin/true\n")
    write_file(
        "/etc/systemd/system/zoo-dropped.service.d/python.conf",
        f"[Service]\nExecStart=\nExecStart={get_used_environment()}/bin/python -c pass\n",
    )


@register_case("dependent: template instance")
def _():
    write_unit("zoo-worker@.service", "[Service]\nExecStart=/srv/zoo/%i/bin/python -c pass\n")
    pathlib.Path("/etc/systemd/system/multi-user.target.wants").mkdir(exist_ok=True)
    get_used_environment()
    pathlib.Path("/etc/systemd/system/multi-user.target.wants/zoo-worker@used.service").symlink_to(
        "/etc/systemd/system/zoo-worker@.service"
    )


@register_case("dependent: EnvironmentFile")
def _():
    write_file("/etc/zoo.env", f"SECRET=hunter2\nPATH={get_used_environment()}/bin:/usr/bin\n", 0o600)
    write_unit("zoo-envfile.service", "[Service]\nEnvironmentFile=/etc/zoo.env\nExecStart=python -c pass\n")


@register_case("dependent: PYTHONPATH")
def _():
    write_unit(
        "zoo-path.service", "[Service]\nEnvironment=PYTHONPATH=/srv/zoo/lib SECRET=hunter2\nExecStart=/bin/true\n"
    )


@register_case("dependent: cron, a user's")
def _():
    create_account("keeper")
    write_file(
        "/var/spool/cron/crontabs/keeper", f"@daily cd /srv && {get_used_environment()}/bin/python -c pass\n", 0o600
    )


@register_case("dependent: cron, the system's")
def _():
    with open("/etc/crontab", "a") as stream:
        stream.write(f"5 4 * * * nobody {get_used_environment()}/bin/python -c pass\n")


@register_case("dependent: cron.d")
def _():
    write_file(
        "/etc/cron.d/zoo", f"PATH=/usr/bin\n0 1 * * * nobody cd {get_used_environment()} && bin/python -c pass\n"
    )


@register_case("dependent: cron.daily")
def _():
    write_file("/etc/cron.daily/zoo", f"#!/bin/sh\nexec {get_used_environment()}/bin/python -c pass\n", 0o755)


@register_case("dependent: anacron")
def _():
    with open("/etc/anacrontab", "a") as stream:
        stream.write(f"7 25 zoo.weekly {get_used_environment()}/bin/python -c pass\n")


@register_case("dependent: at")
def _():
    run_shell("systemctl start atd")
    run_shell(f"echo '{get_used_environment()}/bin/python -c pass' | at 23:59 2>/dev/null")


@register_case("dependent: supervisor")
def _():
    write_file(
        "/etc/supervisor/conf.d/zoo.conf",
        f"[program:zoo]\ncommand={get_used_environment()}/bin/python -c pass\nuser=nobody\nautostart=false\n",
    )


@register_case("dependent: runit")
def _():
    write_file(
        "/etc/sv/zoo/run", f"#!/bin/sh\nexec chpst -u nobody {get_used_environment()}/bin/python -c pass\n", 0o755
    )


@register_case("dependent: uwsgi")
def _():
    write_file(
        "/etc/uwsgi/apps-enabled/zoo.ini",
        f"[uwsgi]\nplugins = python3\nvirtualenv = {get_used_environment()}\nuid = nobody\n",
    )


@register_case("dependent: uwsgi beside its project")
def _():
    write_file("/srv/zoo/web/prod-uwsgi.ini", f"[uwsgi]\nvirtualenv = {get_used_environment()}\n")


@register_case("dependent: gunicorn configuration")
def _():
    write_file("/srv/zoo/web/gunicorn.conf.py", "workers = 2\n")
    write_unit(
        "zoo-gunicorn.service",
        f"[Service]\nWorkingDirectory=/srv/zoo/web\nExecStart={get_used_environment()}/bin/gunicorn app\n",
    )


@register_case("dependent: mod_wsgi")
def _():
    write_file(
        "/etc/apache2/sites-enabled/zoo.conf",
        f"WSGIDaemonProcess zoo user=nobody python-home={get_used_environment()}\n",
    )


@register_case("dependent: embedder")
def _():
    pathlib.Path("/usr/local/bin").mkdir(exist_ok=True)
    link_prefix("/opt/embedded")
    shutil.copy2("/bin/sleep", "/usr/local/bin/zoo-embedder")
    link_libpython("/usr/local/bin/zoo-embedder", "/opt/embedded/lib")


@register_case("dependent: library that embeds Python")
def _():
    source = next(pathlib.Path("/opt/base/3.8/lib/python3.8/lib-dynload").glob("zlib.*.so"))
    write_file(ZOO / "plugins/README", "")
    shutil.copy2(source, ZOO / "plugins/python.so")
    link_prefix("/opt/embedded-library")
    link_libpython(ZOO / "plugins/python.so", "/opt/embedded-library/lib")


@register_case("dependent: script by its first line")
def _():
    write_file("/usr/local/bin/zoo-report", f"#!{get_used_environment()}/bin/python\n", 0o755)


@register_case("dependent: wrapper")
def _():
    write_file(
        ZOO / "scripts/run", f"#!/bin/bash\n. {get_used_environment()}/bin/activate\nexec python -m app\n", 0o755
    )


@register_case("dependent: process")
def _():
    start_transient_service("zoo-process", f"{get_used_environment()}/bin/python -c 'import time; time.sleep(1e6)'")


@register_case("dependent: mapped libpython")
def _():
    link_prefix("/opt/mapped")
    shutil.copy2("/bin/sleep", "/opt/mapped/host")
    link_libpython("/opt/mapped/host", "/opt/mapped/lib")
    start_transient_service("zoo-mapped", "/opt/mapped/host 1000000")


@register_case("dependent: deleted files mapped")
def _():
    start_transient_service("zoo-deleted", f"{link_prefix('/opt/replaced')} -c 'import time; time.sleep(1e6)'")
    for path in pathlib.Path("/opt/replaced/lib").glob("libpython*.so.*"):
        path.unlink()


@register_case("dependent: login shell")
def _():
    link_prefix("/opt/shell")
    run_shell("useradd --shell /opt/shell/bin/python3.8 shelled")


@register_case("dependent: alternative")
def _():
    link_prefix("/opt/alternative")
    run_shell(
        "update-alternatives --quiet --install /usr/local/bin/zoo-python zoo-python /opt/alternative/bin/python3.8 1"
    )


@register_case("dependent: alternative that is called python")
def _():
    run_shell("update-alternatives --quiet --install /usr/bin/python python /usr/bin/python3.11 1")


def write_project_file(name, text, where=""):
    """Write a file into a project of its own."""
    return write_file(ZOO / "projects" / name.strip(".").replace("/", "-") / where / name, text)


@register_case("project: requirements")
def _():
    write_project_file("requirements.txt", "django==3.1\n")


@register_case("project: pyproject")
def _():
    write_project_file("pyproject.toml", "[project]\nname = 'x'\nrequires-python = '>=3.8'\n")


@register_case("project: Pipfile.lock")
def _():
    write_project_file("Pipfile.lock", "{}")


@register_case("project: poetry.lock")
def _():
    write_project_file("poetry.lock", "")


@register_case("project: uv.lock")
def _():
    write_project_file("uv.lock", "version = 1\n")


@register_case("project: setup.cfg")
def _():
    write_project_file("setup.cfg", "[options]\npython_requires = >=3.7\n")


@register_case("project: .python-version")
def _():
    write_project_file(".python-version", "3.8.18\n")


@register_case("project: git revision and dirtiness")
def _():
    write_file(ZOO / "repository/app.py", "print(1)\n")
    run_shell(
        "git init -q -b main && git add . && git -c user.name=x -c user.email=x@example.org commit -qm first",
        cwd=ZOO / "repository",
    )
    write_file(ZOO / "repository/app.py", "print(2)\n")


@register_case("pipeline: Dockerfile")
def _():
    write_project_file("Dockerfile", "# a comment\nFROM python:3.8-slim\n")


@register_case("pipeline: GitHub")
def _():
    write_project_file(
        "ci.yml",
        "jobs:\n  test:\n    strategy:\n      matrix:\n        python-version: ['3.8', '3.9']\n",
        ".github/workflows",
    )


@register_case("pipeline: GitLab")
def _():
    write_project_file(".gitlab-ci.yml", "test:\n  image: python:3.9\n")


@register_case("pipeline: Jenkins")
def _():
    write_project_file("Jenkinsfile", "pipeline { agent { docker { image 'python:3.7' } } }\n")


@register_case("pipeline: Azure")
def _():
    write_project_file("azure-pipelines.yml", "steps:\n- task: UsePythonVersion@0\n  inputs:\n    versionSpec: '3.8'\n")


@register_case("pipeline: CircleCI")
def _():
    write_project_file("config.yml", "jobs:\n  build:\n    docker:\n      - image: cimg/python:3.9.18\n", ".circleci")


@register_case("pipeline: tox")
def _():
    write_project_file("tox.ini", "[tox]\nenvlist = py38,py310\n")


@register_case("pipeline: nox")
def _():
    write_project_file("noxfile.py", "import nox\n@nox.session(python=['3.8', '3.11'])\ndef tests(session): pass\n")


@register_case("pipeline: pre-commit")
def _():
    write_project_file(".pre-commit-config.yaml", "default_language_version:\n  python: python3.8\n")


@register_case("pipeline: Makefile")
def _():
    write_project_file("Makefile", "venv:\n\tpython3.8 -m venv venv\n")


@register_case("advisory: package")
def _():
    plant_package(plant_environment(ZOO / "vulnerable"), "django", "3.1.6")


@register_case("not seen: pseudo file system")
def _():
    (ZOO / "proc").mkdir()
    run_shell(f"mount -t proc proc {ZOO}/proc")


if __name__ == "__main__":
    plant_clean_host()
    if sys.argv[1:] == ["zoo"]:
        ZOO.mkdir()
        for one in CASES:
            one.plant()
        os.system("systemctl daemon-reload")

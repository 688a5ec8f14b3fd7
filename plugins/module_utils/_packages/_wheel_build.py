# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds a wheel from a source archive, as an account that owns nothing."""

import functools
import os
import re
import shutil
import stat
import tempfile
from typing import Dict, List, NamedTuple, Optional, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    Identity,
    IdentityError,
    get_current_identity,
    resolve_user,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import (
    EVIDENCE_BYTES,
    CommandResult,
    run_command,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._directories import make_directory, set_mode
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import write_atomically
from ansible_collections.oxzep7.python.plugins.module_utils._host._scratch import create_scratch, remove_stale_scratch
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import open_directory, open_file
from ansible_collections.oxzep7.python.plugins.module_utils._packages._build_output import (
    explain_broken_start,
    find_missing_prerequisite,
    is_compiler_failure,
)

BUILD_ERROR = re.compile(r"\berror\b|Error\b|undefined reference to|multiple definition of|\bld: cannot find ")
# What uv, pip and linkers add to errors of others.
REMARK = re.compile(
    r"Failed to build|The build backend returned an error|subprocess-exited-with-error|ld returned \d+ exit"
)
BUILD_TIMEOUT = 1800.0
BUILD_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# 1980-01-01, the earliest that a zip file can say; with it equal sources give equal wheels.
SOURCE_DATE_EPOCH = "315532800"
# Variables for the access to a network; a build gets no others of the environment.
PASSED_VARIABLES = (
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "https_proxy",
    "http_proxy",
    "no_proxy",
)
# The setuptools that older source archives need, by the output of a build without it.
OLDER_SETUPTOOLS = (
    (re.compile(r"use_2to3 is invalid"), "setuptools<58"),
    (
        re.compile(
            r"No module named '?pkg_resources|cannot import name '(?:Feature|msvccompiler|_dep_util)"
            r"|No module named 'setuptools\.command\.test"
        ),
        "setuptools<72",
    ),
)


class WheelBuildError(CollectionError):
    """A failed build; the text has the last errors of the build, and what it lacks if that is known.

    With ``compiling`` a compiler failed, so that another Python would not help; ``missing`` is what it lacks.
    """

    def __init__(self, text: str, compiling: bool = False, missing: Optional[str] = None) -> None:
        super().__init__(text)
        self.compiling = compiling
        self.missing = missing


class WheelBuildRequest(NamedTuple):
    """A wheel to build: path of uv, interpreter, source archive, further options for uv.

    ``days`` (ISO 8601) are those of which the build tools are tried, in order, before the newest ones.
    """

    uv: str
    interpreter: str
    source: str
    words: List[str]
    days: Sequence[str] = ()


def find_build_account() -> Identity:
    """The account that builds: that of this process, or one that owns nothing instead of root. Raises IdentityError."""
    return resolve_user("nobody") if os.geteuid() == 0 else get_current_identity()


def summarize_build_failure(done: CommandResult) -> str:
    """The last errors of a failed build, without those that only say that there was one."""
    lines = []
    for line in (done.stdout + "\n" + done.stderr).splitlines():
        if line.strip() and not line.startswith("hint:") and not REMARK.search(line):
            lines.append(line.strip())
    errors = [line for line in lines if BUILD_ERROR.search(line)]
    return "; ".join((errors or lines)[-2:])[-600:]


def _collect_wheel(directory: str, target: str) -> str:
    """Copy the only wheel in *directory*, whose content is untrusted, to *target*; returns its name."""
    folder = open_directory(directory)
    try:
        names = [name for name in os.listdir(folder) if name.endswith(".whl")]
        if len(names) != 1:
            raise WheelBuildError("the build left %d wheels" % len(names))
        handle = open_file(names[0], folder)
    finally:
        os.close(folder)
    with os.fdopen(handle, "rb") as stream:
        make_directory(target)
        with tempfile.NamedTemporaryFile(dir=target, delete=False) as copy:
            try:
                shutil.copyfileobj(stream, copy)
                copy.flush()
                os.fsync(copy.fileno())
                os.fchmod(copy.fileno(), 0o644)
                os.replace(copy.name, os.path.join(target, names[0]))
            except BaseException:
                os.unlink(copy.name)
                raise
    return names[0]


def _get_constraints_path(scratch: str, limit: str) -> str:
    return os.path.join(scratch, "%s.txt" % limit.replace("<", "-below-"))


def _prepare_scratch(order: WheelBuildRequest, scratch: str) -> None:
    """Put everything that a build needs into *scratch* before the builder owns it: later it may hold planted links."""
    for source, name, mode in ((order.source, os.path.basename(order.source), 0o644), (order.uv, "uv", 0o755)):
        shutil.copyfile(source, os.path.join(scratch, name))
        set_mode(os.path.join(scratch, name), mode)
    for _pattern, limit in OLDER_SETUPTOOLS:
        path = _get_constraints_path(scratch, limit)
        write_atomically(path, (limit + "\n").encode("ascii"), 0o644)


def _run_build(
    order: WheelBuildRequest, scratch: str, builder: Identity, compilers: Dict[str, str], words: List[str]
) -> CommandResult:
    command = [
        os.path.join(scratch, "uv"),
        "build",
        "--wheel",
        "--no-config",
        "--no-python-downloads",
        "--python",
        order.interpreter,
        "--cache-dir",
        os.path.join(scratch, "cache"),
        "--out-dir",
        os.path.join(scratch, "out"),
    ]
    command += order.words + words
    settings = {
        "HOME": scratch,
        "TMPDIR": scratch,
        "PATH": BUILD_PATH,
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "NO_COLOR": "1",
        # The certificates that the system trusts; the second is the name of older versions of uv.
        "UV_SYSTEM_CERTS": "1",
        "UV_NATIVE_TLS": "1",
        "SOURCE_DATE_EPOCH": SOURCE_DATE_EPOCH,
        # A relocated interpreter does not find its own library.
        "LIBRARY_PATH": os.path.join(os.path.dirname(os.path.dirname(order.interpreter)), "lib"),
    }
    settings.update(compilers)
    settings.update({name: os.environ[name] for name in PASSED_VARIABLES if name in os.environ})
    return run_command(
        command + [os.path.join(scratch, os.path.basename(order.source))],
        BUILD_TIMEOUT,
        builder,
        cwd=scratch,
        environment=settings,
        tail=EVIDENCE_BYTES,
    )


def _find_older_setuptools(done: CommandResult) -> Optional[str]:
    """The limit of setuptools with which the failed build *done* may work, or None."""
    for pattern, limit in OLDER_SETUPTOOLS:
        if done.rc != 0 and pattern.search(done.stderr):
            return limit
    return None


def find_closed_directory(path: str, account: Identity) -> Optional[str]:
    """The first directory above *path*, links followed, that *account* cannot enter; None if it can enter all."""
    for start in (os.path.abspath(path), os.path.realpath(path)):
        parts = os.path.dirname(start).split("/")
        for depth in range(1, len(parts) + 1):
            directory = "/".join(parts[:depth]) or "/"
            if not _can_enter(directory, account):
                return directory
    return None


def _can_enter(directory: str, account: Identity) -> bool:
    try:
        state = os.stat(directory)
    except OSError:
        return True
    if account.uid in (0, state.st_uid):
        return account.uid == 0 or bool(state.st_mode & stat.S_IXUSR)
    groups = set(account.groups) | {account.gid}
    return bool(state.st_mode & (stat.S_IXGRP if state.st_gid in groups else stat.S_IXOTH))


def describe_unusable_interpreter(interpreter: str, builder: Identity) -> Optional[str]:
    """Why *builder* cannot build with *interpreter*; None if it can run it."""
    closed = find_closed_directory(interpreter, builder)
    if closed:
        return "%s, who builds, cannot enter %s; install it outside, where every account can run it" % (
            builder.name,
            closed,
        )
    done = run_command([interpreter, "-I", "-S", "-c", ""], 60.0, builder)
    if done.rc == 0:
        return None
    text = done.stdout + "\n" + done.stderr
    return explain_broken_start(text) or "%s, who builds, cannot run it: %s" % (
        builder.name,
        done.last_lines(2) or "status %d" % done.rc,
    )


def find_compiler_setting(interpreter: str, builder: Identity) -> Dict[str, str]:
    """Variables that name this machine's compilers where those that *interpreter* was made with are not here."""
    program = (
        "import sysconfig; print(sysconfig.get_config_var('CC') or ''); print(sysconfig.get_config_var('CXX') or '')"
    )
    done = run_command([interpreter, "-I", "-S", "-c", program], 60.0, builder)
    known = done.stdout.splitlines() if done.rc == 0 else []
    found = {}
    for name, words, here in zip(("CC", "CXX"), known, ("cc", "c++")):
        if words and not shutil.which(words.split()[0], path=BUILD_PATH) and shutil.which(here, path=BUILD_PATH):
            found[name] = here
    return found


def build_wheel(order: WheelBuildRequest, target: str) -> str:
    """Build *order* and put the wheel into the directory *target*; returns its file name.

    Raises WheelBuildError, OSError.
    """
    try:
        builder = find_build_account()
    except IdentityError as error:
        raise WheelBuildError("nothing is built as root: %s" % error)
    problem = describe_unusable_interpreter(order.interpreter, builder)
    if problem:
        raise WheelBuildError("%s cannot build: %s" % (order.interpreter, problem))
    remove_stale_scratch()
    with create_scratch(builder, functools.partial(_prepare_scratch, order)) as scratch:
        done = _try_tools(order, scratch, builder)
        if done.rc != 0:
            text = done.stdout + done.stderr
            needed = find_missing_prerequisite(text)
            raise WheelBuildError(
                "%s%s" % ("it needs %s: " % needed.describe() if needed else "", summarize_build_failure(done)),
                is_compiler_failure(text),
                needed.name if needed else None,
            )
        return _collect_wheel(os.path.join(scratch, "out"), target)


def _try_tools(order: WheelBuildRequest, scratch: str, builder: Identity) -> CommandResult:
    """Build with the tools of the days of *order*, and with the newest; the first that succeeds, or the last result."""
    settings = find_compiler_setting(order.interpreter, builder)
    for day in order.days:
        done = _run_build(order, scratch, builder, settings, ["--exclude-newer", day])
        # Other tools do not bring a header.
        if done.rc == 0 or find_missing_prerequisite(done.stdout + done.stderr):
            return done
    done = _run_build(order, scratch, builder, settings, [])
    older = _find_older_setuptools(done)
    if older:
        words = ["--build-constraints", _get_constraints_path(scratch, older)]
        done = _run_build(order, scratch, builder, settings, words)
    return done

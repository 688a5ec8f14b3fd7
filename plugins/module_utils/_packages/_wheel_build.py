# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds a wheel from a source archive, as an account that owns nothing."""

import functools
import os
import re
import shutil
import tempfile
from typing import List, NamedTuple, Optional

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

BUILD_TIMEOUT = 1800.0
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
MISSING_PATTERNS = (
    re.compile(r"fatal error: ([\w./+-]+\.h(?:pp)?): No such file"),
    re.compile(r"([\w.-]+[-_]config)(?: executable)?(?:: (?:command )?not found| not found|'?: No such file)"),
    re.compile(r"No such file or directory: '([\w.-]+[-_]config|apxs)'"),
    re.compile(r"Can not find valid pkg-config name[^\n]*?(mysqlclient|mariadb)?"),
    re.compile(r"Package '?([\w.+-]+)'?,? .*(?:not found|required by)"),
    re.compile(
        r"(?:unable to execute|command|error:) '?([\w.+-]*(?:gcc|cc|g\+\+|cargo|rustc))'?(?:: | failed: )No such file"
    ),
    re.compile(r"(apxs)\S* (?:command )?(?:appears not|not found)"),
)
# Debian's package with a header or program.
DEBIAN_PROVIDERS = (
    (r"^Python\.h$", "python3-dev"),
    (r"libpq|pg_config", "libpq-dev"),
    (r"mysql|mariadb", "default-libmysqlclient-dev"),
    (r"lber|ldap", "libldap-dev"),
    (r"sasl", "libsasl2-dev"),
    (r"^ffi", "libffi-dev"),
    (r"openssl", "libssl-dev"),
    (r"libxml|xml2-config", "libxml2-dev"),
    (r"xslt", "libxslt1-dev"),
    (r"curl", "libcurl4-openssl-dev"),
    (r"apxs", "apache2-dev"),
    (r"^z(lib|conf)", "zlib1g-dev"),
    (r"jpeg", "libjpeg-dev"),
    (r"ft2build", "libfreetype-dev"),
    (r"^gmp", "libgmp-dev"),
    (r"krb5|gssapi", "libkrb5-dev"),
    (r"sqlite3", "libsqlite3-dev"),
    (r"pcre", "libpcre3-dev"),
    (r"xmlsec", "libxmlsec1-dev"),
    (r"(gcc|cc|g\+\+)$", "build-essential"),
    (r"cargo|rustc", "cargo"),
)
COMPILER_PATTERN = re.compile(r"\.(?:c|cc|cpp|h|hpp|pyx):\d+|error: command '|ld returned|cannot find -l|cargo")


class WheelBuildError(CollectionError):
    """A failed build; the text has the last errors of the build, and what it lacks if that is known.

    With ``compiling`` a compiler failed, so that another Python would not help.
    """

    def __init__(self, text: str, compiling: bool = False) -> None:
        super().__init__(text)
        self.compiling = compiling


class WheelBuildRequest(NamedTuple):
    """A wheel to build: path of uv, interpreter, source archive, further options for uv."""

    uv: str
    interpreter: str
    source: str
    words: List[str]


def find_build_account() -> Identity:
    """The account that builds: that of this process, or one that owns nothing instead of root. Raises IdentityError."""
    return resolve_user("nobody") if os.geteuid() == 0 else get_current_identity()


def find_missing_prerequisite(text: str) -> Optional[str]:
    """The header or program missing in the output *text* of a build, with Debian's package; None if unknown."""
    for pattern in MISSING_PATTERNS:
        match = pattern.search(text)
        if match:
            name = match.group(1) or "mysqlclient"
            return name + _describe_provider(name)
    return None


def _describe_provider(name: str) -> str:
    for expression, package in DEBIAN_PROVIDERS:
        if re.search(expression, name):
            return " (Debian: %s)" % package
    return ""


def summarize_build_failure(done: CommandResult) -> str:
    """The last errors of a failed build, without the remarks of uv about backends."""
    lines = []
    for line in (done.stdout + "\n" + done.stderr).splitlines():
        if line.strip() and not line.startswith("hint:") and "Failed to build" not in line:
            lines.append(line.strip())
    errors = [line for line in lines if re.search(r"\berror\b|Error\b", line)]
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


def _run_build(order: WheelBuildRequest, scratch: str, builder: Identity, limit: Optional[str]) -> CommandResult:
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
    ] + order.words
    if limit:
        command += ["--build-constraints", _get_constraints_path(scratch, limit)]
    settings = {
        "HOME": scratch,
        "TMPDIR": scratch,
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "NO_COLOR": "1",
        "SOURCE_DATE_EPOCH": SOURCE_DATE_EPOCH,
        # A relocated interpreter does not find its own library.
        "LIBRARY_PATH": os.path.join(os.path.dirname(os.path.dirname(order.interpreter)), "lib"),
    }
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


def can_run_interpreter(interpreter: str, builder: Identity) -> bool:
    """Whether *builder* can run *interpreter*."""
    return run_command([interpreter, "-I", "-S", "-c", ""], 60.0, builder).rc == 0


def build_wheel(order: WheelBuildRequest, target: str) -> str:
    """Build *order* and put the wheel into the directory *target*; returns its file name.

    Raises WheelBuildError, OSError.
    """
    try:
        builder = find_build_account()
    except IdentityError as error:
        raise WheelBuildError("nothing is built as root: %s" % error)
    if not can_run_interpreter(order.interpreter, builder):
        raise WheelBuildError(
            "%s, who builds, cannot run %s; place it where every account can" % (builder.name, order.interpreter)
        )
    remove_stale_scratch()
    with create_scratch(builder, functools.partial(_prepare_scratch, order)) as scratch:
        done = _run_build(order, scratch, builder, None)
        older = _find_older_setuptools(done)
        if older:
            done = _run_build(order, scratch, builder, older)
        if done.rc != 0:
            needed = find_missing_prerequisite(done.stdout + done.stderr)
            raise WheelBuildError(
                "%s%s" % ("it needs %s: " % needed if needed else "", summarize_build_failure(done)),
                bool(COMPILER_PATTERN.search(done.stdout + done.stderr)),
            )
        return _collect_wheel(os.path.join(scratch, "out"), target)

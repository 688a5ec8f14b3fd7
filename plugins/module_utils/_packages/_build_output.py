# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cause of a failed build or of an interpreter that does not run, by the output. Functions of text only."""

import re
from typing import NamedTuple, Optional

MISSING_PATTERNS = (
    re.compile(r"fatal error: ['\"]?([\w./+-]+\.h(?:pp|xx)?)['\"]?(?:: No such file| file not found)"),
    re.compile(r"([\w.-]+[-_]config)(?: executable)?(?:: (?:command )?not found| not found|'?: No such file)"),
    re.compile(r"No such file or directory: '([\w.-]+[-_]config|apxs|swig|cmake)'"),
    re.compile(r"Can not find valid pkg-config name[^\n]*?(mysqlclient|mariadb)?"),
    re.compile(r"Package '?([\w.+-]+)'?,? .*(?:not found|required by)"),
    re.compile(
        r"(?:unable to execute|command|error:) '?([\w.+-]*(?:gcc|cc|g\+\+|clang|cargo|rustc|swig|cmake))'?"
        r"(?:: | failed: )No such file"
    ),
    re.compile(r"(apxs)\S* (?:command )?(?:appears not|not found)"),
    re.compile(r"can't find Rust compiler|(cargo), the Rust package manager, is not installed"),
    re.compile(r"ld: cannot find (-l[\w.+-]+)"),
)
# A header, program or library, and the packages that have it: of Debian, of Fedora and its relatives, of SUSE.
PROVIDERS = (
    (r"^Python\.h$|^-lpython3", "python3-dev", "python3-devel", "python3-devel"),
    (r"libpq|pg_config|^-lpq$", "libpq-dev", "libpq-devel", "postgresql-devel"),
    (r"mysql|mariadb", "default-libmysqlclient-dev", "mariadb-connector-c-devel", "libmariadb-devel"),
    (r"lber|ldap", "libldap-dev", "openldap-devel", "openldap2-devel"),
    (r"sasl", "libsasl2-dev", "cyrus-sasl-devel", "cyrus-sasl-devel"),
    (r"^(-l)?ffi", "libffi-dev", "libffi-devel", "libffi-devel"),
    (r"openssl|^-l(ssl|crypto)$", "libssl-dev", "openssl-devel", "libopenssl-devel"),
    (r"libxml|xml2-config|^-lxml2$", "libxml2-dev", "libxml2-devel", "libxml2-devel"),
    (r"xmlsec", "libxmlsec1-dev", "xmlsec1-openssl-devel", "xmlsec1-openssl-devel"),
    (r"xslt", "libxslt1-dev", "libxslt-devel", "libxslt-devel"),
    (r"curl", "libcurl4-openssl-dev", "libcurl-devel", "libcurl-devel"),
    (r"apxs|httpd\.h", "apache2-dev", "httpd-devel", "apache2-devel"),
    (r"^z(lib|conf)|^-lz$", "zlib1g-dev", "zlib-devel", "zlib-devel"),
    (r"^bzlib|^-lbz2$", "libbz2-dev", "bzip2-devel", "libbz2-devel"),
    (r"lzma", "liblzma-dev", "xz-devel", "xz-devel"),
    (r"jpeg", "libjpeg-dev", "libjpeg-turbo-devel", "libjpeg8-devel"),
    (r"ft2build|freetype", "libfreetype-dev", "freetype-devel", "freetype2-devel"),
    (r"^gmp|^-lgmp$", "libgmp-dev", "gmp-devel", "gmp-devel"),
    (r"krb5|gssapi", "libkrb5-dev", "krb5-devel", "krb5-devel"),
    (r"sqlite3", "libsqlite3-dev", "sqlite-devel", "sqlite3-devel"),
    (r"pcre", "libpcre3-dev", "pcre-devel", "pcre-devel"),
    (r"memcached", "libmemcached-dev", "libmemcached-devel", "libmemcached-devel"),
    (r"^cairo", "libcairo2-dev", "cairo-devel", "cairo-devel"),
    (r"^yaml\.h|^-lyaml$", "libyaml-dev", "libyaml-devel", "libyaml-devel"),
    (r"hdf5", "libhdf5-dev", "hdf5-devel", "hdf5-devel"),
    (r"^sql(ext)?\.h|odbc", "unixodbc-dev", "unixODBC-devel", "unixODBC-devel"),
    (r"snappy", "libsnappy-dev", "snappy-devel", "snappy-devel"),
    (r"geos", "libgeos-dev", "geos-devel", "geos-devel"),
    (r"zmq", "libzmq3-dev", "zeromq-devel", "zeromq-devel"),
    (r"^readline|^-lreadline$", "libreadline-dev", "readline-devel", "readline-devel"),
    (r"g\+\+$", "g++", "gcc-c++", "gcc-c++"),
    (r"(gcc|cc)$", "build-essential", "gcc", "gcc"),
    (r"^swig$", "swig", "swig", "swig"),
    (r"^cmake$", "cmake", "cmake", "cmake"),
    (r"cargo|rustc", "cargo", "cargo", "cargo"),
)
COMPILER_PATTERN = re.compile(r"\.(?:c|cc|cpp|h|hpp|pyx):\d+|error: command '|ld returned|cannot find -l|cargo")
LIBRARY_PATTERN = re.compile(r"error while loading shared libraries: (\S+): (cannot open[^\n]*|[^\n]*)")
GLIBC_PATTERN = re.compile(r"version `(GLIBC_[\d.]+)' not found")


class MissingPrerequisite(NamedTuple):
    """What a build lacked: a header, program or library, and the packages that have it, as text."""

    name: str
    packages: str

    def describe(self) -> str:
        """Its name, with the packages where they are known."""
        return self.name + (" (%s)" % self.packages if self.packages else "")


def find_missing_prerequisite(text: str) -> Optional[MissingPrerequisite]:
    """What is missing by the output *text* of a build; None if unknown."""
    for pattern in MISSING_PATTERNS:
        match = pattern.search(text)
        if match:
            fallback = "cargo" if "Rust" in match.group(0) else "mysqlclient"
            name = (match.group(1) if pattern.groups else None) or fallback
            return MissingPrerequisite(name, _describe_provider(name))
    return None


def _describe_provider(name: str) -> str:
    for expression, debian, rpm, suse in PROVIDERS:
        if re.search(expression, name):
            return "Debian: %s, RPM: %s, SUSE: %s" % (debian, rpm, suse)
    return ""


def is_compiler_failure(text: str) -> bool:
    """Whether a compiler failed by the output *text*, so that another Python would not help."""
    return bool(COMPILER_PATTERN.search(text))


def explain_broken_start(text: str) -> Optional[str]:
    """Why a program does not start by its output *text*; None if unknown."""
    library = LIBRARY_PATTERN.search(text)
    if library and library.group(1).startswith("libpython"):
        return (
            "it does not find its library %s; link it with the run path $ORIGIN/../lib, or name its directory in "
            "/etc/ld.so.conf.d and run ldconfig" % library.group(1)
        )
    if library:
        return "it needs the library %s: %s" % (library.group(1), library.group(2))
    newer = GLIBC_PATTERN.search(text)
    if newer:
        return "it is built for %s, which this machine does not have" % newer.group(1)
    return None

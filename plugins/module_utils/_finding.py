# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings: their keys, their severities and the one constructor. ``docs/findings.md`` is generated from this table."""

from typing import Any, Dict, NamedTuple, Optional

# From the worst to the least.
SEVERITIES = ("error", "warning", "info")


class ReducedLevel(NamedTuple):
    """A lower severity of a key and the condition under which it applies. Findings of a reduced level never block."""

    severity: str
    condition: str


class FindingKind(NamedTuple):
    """A row of the table: what every finding of one key has in common.

    ``action`` is the general advice for the documentation; the ``remediation`` of a finding is specific to it.
    """

    title: str
    severity: str
    blocking: bool
    meaning: str
    action: str
    reduced: Optional[ReducedLevel] = None


UNUSED = "if no environment, service or job uses that interpreter"
NO_SERVICES = "if no service runs from the environment"
INVENTORY = "in the inventory, which only reports it"

KEYS = {
    "account-undeclared": FindingKind(
        "account not declared",
        "error",
        True,
        "Root owns the environment, the application has no `user`, and its services do not all run as one account "
        "besides root. Its code and its tests would run as root.",
        "Set `user` of the application to the account that runs it; `user: root` allows root.",
    ),
    "advisories-missing": FindingKind(
        "advisories missing",
        "warning",
        False,
        "The goal of the application is `security`, and the plan was made without advisories.",
        "Set `oxzep7_advisories` and plan again.",
    ),
    "advisories-unknown": FindingKind(
        "advisories unknown",
        "info",
        False,
        "The inventory was compared with no advisories, of packages or of interpreters.",
        "Set `oxzep7_advisories`.",
    ),
    "ansible-interpreter-inside": FindingKind(
        "Ansible runs inside the environment",
        "error",
        True,
        "The interpreter that Ansible uses on the host lies in the environment of the application or in one of its "
        "generations.",
        "Set `ansible_python_interpreter` to an interpreter outside, such as `/usr/bin/python3`.",
    ),
    "ansible-interpreter-upgraded": FindingKind(
        "Ansible runs on an upgraded interpreter",
        "error",
        True,
        "The interpreter that Ansible uses on the host lies in `oxzep7_interpreter_dir`.",
        "Set `ansible_python_interpreter` to the interpreter of the operating system.",
    ),
    "application-not-planned": FindingKind(
        "application not planned",
        "error",
        True,
        "The steps of an application could not be planned, and no other finding says why.",
        "Correct the cause, and plan again.",
    ),
    "backup-missing": FindingKind(
        "no backup",
        "info",
        False,
        "The host has no record of a backup of the application.",
        "Run `oxzep7.python.backup`.",
    ),
    "backup-size-unknown": FindingKind(
        "size of a backup unknown",
        "warning",
        False,
        "The space for a backup does not include a database, because its kind does not tell its size, or it could not "
        "be asked.",
        "Make sure that the directory of backups has enough space, and that the database can be reached.",
    ),
    "backup-unverified": FindingKind(
        "backup unverified",
        "error",
        False,
        "The drill of the newest backup of the application failed.",
        "Read the problems that the drill names, make a new backup, and run `oxzep7.python.drill`.",
        ReducedLevel("warning", "if the newest backup has not been drilled yet"),
    ),
    "change-unknown": FindingKind(
        "content of a change unknown",
        "error",
        True,
        "`carry` is `patch`, and the original of a file that was changed by hand was not found, so the change is "
        "unknown.",
        "Provide the wheel of the package for `oxzep7_download_originals`, or set `carry` to `copy` or `drop`.",
    ),
    "clock-skewed": FindingKind(
        "clock skewed",
        "error",
        True,
        "The clock of the host differs from the controller's by more than `oxzep7_max_skew` seconds.",
        "Synchronise the clock of the host, for example with chrony.",
    ),
    "code-at-startup": FindingKind(
        "code at startup",
        "warning",
        False,
        "A file that belongs to no package runs whenever an interpreter of the environment starts (`.pth`, "
        "`sitecustomize`).",
        "Package the file, or move it into the application.",
    ),
    "content-not-verified": FindingKind(
        "content not verified",
        "info",
        False,
        "The inventory did not compare the installed files with their recorded hashes.",
        "Set `oxzep7_verify`.",
    ),
    "dead-man-missing": FindingKind(
        "no dead man's switch",
        "error",
        True,
        "`oxzep7_dead_man` is `required`, and the host has neither systemd nor cron to undo a promotion after a "
        "restart, or the module does not run as root.",
        "Provide systemd or cron, run with become, or set `oxzep7_dead_man` to `preferred`.",
    ),
    "deleted-files-mapped": FindingKind(
        "deleted files in use",
        "warning",
        False,
        "A process still uses libraries or modules that were replaced or removed.",
        "Restart the process.",
    ),
    "dependent-not-restarted": FindingKind(
        "dependent not restarted",
        "info",
        False,
        "A cron job, a timer or another service manager uses the environment; a promotion does not restart it.",
        "Declare timers and programs of supervisor in `services` of the application. Make sure that no run of others "
        "spans a promotion; they use the new generation at their next start.",
    ),
    "dependents-not-declared": FindingKind(
        "dependents not declared",
        "warning",
        False,
        "Active services stop together with a service of the application, because they require it, are bound to it or "
        "are a part of it, and the application does not declare them. A promotion starts them again.",
        "Declare them in `services` of the application.",
    ),
    "deprecations-met": FindingKind(
        "deprecation warnings",
        "warning",
        False,
        "The present Python issued deprecation warnings while the live generation was built and tested.",
        "Rehearse the steps, and change the source before the feature is removed.",
    ),
    "disk-space-short": FindingKind(
        "too little disk space",
        "error",
        True,
        "A file system has too little free space for the generations, backups and interpreters of the plan.",
        "Free space, or choose other directories.",
    ),
    "embedded-interpreter": FindingKind(
        "embedded interpreter",
        "warning",
        False,
        "A program such as uWSGI or mod_wsgi is linked to a Python library.",
        "Build the program again for the new minor version.",
    ),
    "end-of-life": FindingKind(
        "end of life",
        "error",
        False,
        "Support of the Python version has ended.",
        "Upgrade what uses it, or remove it when nothing needs it.",
        ReducedLevel("warning", UNUSED),
    ),
    "end-of-life-soon": FindingKind(
        "end of life soon",
        "warning",
        False,
        "Support of the Python version ends within 365 days.",
        "Plan the upgrade.",
    ),
    "end-of-life-unknown": FindingKind(
        "end of life unknown",
        "info",
        False,
        "The release data do not have this interpreter.",
        "Find out how long it is supported.",
    ),
    "environment-claimed": FindingKind(
        "environment of another record",
        "error",
        True,
        "The record of another application on the host has the environment of this one, for example because the "
        "application was renamed.",
        "If it was renamed, set `formerly` to the old name and run `oxzep7.python.recover`, which takes over the "
        "record; otherwise give each application an environment of its own.",
    ),
    "environment-dangling": FindingKind(
        "environment without interpreter",
        "error",
        False,
        "The interpreter that the environment was made with no longer exists.",
        "Remove the environment, or install the interpreter again.",
        ReducedLevel("warning", NO_SERVICES),
    ),
    "environment-mounted": FindingKind(
        "environment is a mount point",
        "error",
        True,
        "The live path of the application is a mount point, which cannot be swapped.",
        "Mount its parent directory instead.",
    ),
    "environment-moved": FindingKind(
        "environment moved",
        "warning",
        False,
        "The scripts of the environment point to another path than its own.",
        "Build the environment again at its present path.",
    ),
    "environment-nested": FindingKind(
        "environment nested",
        "info",
        False,
        "The environment lies in another one; an upgrade of the outer one leaves it behind.",
        "Declare it as an application of its own, at a path outside.",
    ),
    "environment-not-found": FindingKind(
        "environment not found",
        "error",
        True,
        "The path that the application declares as `environment` does not exist.",
        "Correct `environment`, or remove the application from the host's declaration.",
    ),
    "environment-shared": FindingKind(
        "environment of two applications",
        "error",
        True,
        "Two applications declare one environment, or one directory of generations, perhaps through symlinks.",
        "Declare one application with the services and checks of both, or give each an environment of its own.",
    ),
    "environment-unreadable": FindingKind(
        "environment unreadable",
        "error",
        True,
        "The environment cannot be read, or does not say which Python made it.",
        "Run with become, or repair the environment.",
    ),
    "executable-stack": FindingKind(
        "executable stack",
        "warning",
        False,
        "The interpreter asks for an executable stack.",
        "Rebuild the interpreter, or clear the flag.",
    ),
    "file-capabilities": FindingKind(
        "file capabilities",
        "error",
        True,
        "The interpreter that a declared application runs on has file capabilities, which a new interpreter would "
        "lack.",
        "Give the capabilities to the services with `AmbientCapabilities`, then take them from the file with `setcap "
        "-r`.",
        ReducedLevel("warning", "for the interpreter itself in the inventory, whether an application uses it or not"),
    ),
    "generation-missing": FindingKind(
        "generation missing",
        "error",
        True,
        "The record of the application has a complete generation, and no environment exists at its path.",
        "Build the generation again.",
    ),
    "generations-elsewhere": FindingKind(
        "generations on another file system",
        "error",
        True,
        "The directory of generations lies on another file system than the environment, which the first promotion "
        "moves there.",
        "Put both on one file system.",
    ),
    "host-unreachable": FindingKind(
        "host unreachable",
        "error",
        True,
        "The host could not be reached, or failed in an earlier task.",
        "Repair the connection, leave the host out with `--limit`, or do without `oxzep7_blocked: stop`.",
    ),
    "inodes-short": FindingKind(
        "too few inodes",
        "error",
        True,
        "A file system has too few free inodes for the generations, backups and interpreters of the plan.",
        "Remove files, or choose other directories.",
    ),
    "interpreter-advisory": FindingKind(
        "interpreter advisory",
        "error",
        False,
        "Advisories are known against the version of the interpreter.",
        "Move to a version in which they are fixed.",
        ReducedLevel("warning", UNUSED),
    ),
    "interpreter-deleted": FindingKind(
        "interpreter deleted",
        "warning",
        False,
        "The file of the interpreter was removed, and a process still runs it.",
        "Restart the process.",
    ),
    "interpreter-named": FindingKind(
        "old interpreter named",
        "warning",
        False,
        "A service or a job names the interpreter that an upgrade replaces, for example in `LD_LIBRARY_PATH` for "
        "uWSGI, in `PATH` or in `WSGIPythonHome`; it would not start, or would mix two versions.",
        "Change the line that the finding names before the upgrade.",
    ),
    "interpreter-source-missing": FindingKind(
        "no source of an interpreter",
        "error",
        True,
        "No entry of `oxzep7_interpreters` provides the Python of a step on the host.",
        "Add an entry to `oxzep7_interpreters`, and plan again.",
    ),
    "interpreter-unobtainable": FindingKind(
        "interpreter unobtainable",
        "error",
        True,
        "An interpreter of the plan does not exist at its path, or the host or the controller cannot read its archive.",
        "Correct `oxzep7_interpreters`, or give access to the archive; then plan again.",
    ),
    "lease-held": FindingKind(
        "application locked",
        "error",
        True,
        "Another run is changing the application.",
        "Wait for the run to end, then run again.",
    ),
    "library-missing": FindingKind(
        "library missing",
        "error",
        True,
        "A wheel that was built for the application links to a shared library that the host does not have.",
        "Install the package that the message names, or put a wheel into a folder of `oxzep7_find_links`.",
    ),
    "library-unresolved": FindingKind(
        "library not found",
        "error",
        False,
        "The interpreter or a compiled module needs a shared library that does not resolve.",
        "Install the library, or replace what needs it.",
    ),
    "live-path-changed": FindingKind(
        "live path changed",
        "error",
        True,
        "The live path does not lead to the generation that the record of the application names.",
        "Put the live path back, or correct `current` in `state.json`; see [recovering by "
        "hand](recovering-by-hand.md).",
    ),
    "long-shebang": FindingKind(
        "long shebang",
        "warning",
        False,
        "The first line of a script is longer than 127 bytes, which older kernels cut.",
        "Move the environment to a shorter path.",
    ),
    "metadata-damaged": FindingKind(
        "metadata damaged",
        "warning",
        False,
        "The metadata of an installed package have no name, or metadata describe nothing that is installed, as an "
        "interrupted installer leaves it. Such metadata are not a package of the environment.",
        "Remove what describes nothing that is installed, and install packages without a name again.",
    ),
    "missing-files": FindingKind(
        "files missing",
        "error",
        True,
        "Files that a package recorded no longer exist, and an upgrade would bring them back; with `carry: ask` they "
        "block the plan of the application.",
        "Install the package again, or set `carry` of the application to `patch`, `copy` or `drop`.",
        ReducedLevel("warning", INVENTORY),
    ),
    "modified-files": FindingKind(
        "files changed by hand",
        "error",
        True,
        "Installed files were changed by hand; with `carry: ask` they block the plan of the application.",
        "Publish the changes as package versions, or set `carry` of the application to `patch`, `copy` or `drop`.",
        ReducedLevel("error", INVENTORY),
    ),
    "not-an-environment": FindingKind(
        "not an environment",
        "error",
        True,
        "The path that the application declares as `environment` has no `pyvenv.cfg`.",
        "Name the directory that contains `pyvenv.cfg`.",
    ),
    "not-seen": FindingKind(
        "places not seen",
        "warning",
        False,
        "The inventory could not read some places.",
        "Run with become, raise `oxzep7_time_budget`, or look at the places by hand.",
        ReducedLevel("info", "for file systems that the inventory leaves out"),
    ),
    "original-occupied": FindingKind(
        "place of the original occupied",
        "error",
        True,
        "Something is at the path where the first promotion moves the environment.",
        "Move it away.",
    ),
    "package-advisory": FindingKind(
        "package advisory",
        "error",
        False,
        "Advisories are known against installed package versions.",
        "Move to versions in which they are fixed; `oxzep7_fix_advisories` plans that.",
        ReducedLevel("warning", NO_SERVICES),
    ),
    "package-blocked": FindingKind(
        "package blocked",
        "error",
        True,
        "No version of a package that satisfies the plan is available for the Python of a step.",
        "Provide a version, relax the constraint, or replace the package.",
    ),
    "package-copied": FindingKind(
        "package copied",
        "warning",
        False,
        "No source has the package, so its installed files are copied from the host.",
        "Publish the package, so that it can be rebuilt.",
    ),
    "package-not-built": FindingKind(
        "package not built",
        "error",
        True,
        "A wheel of the package could not be built for the Python of a step.",
        "Provide what the build lacks, or put a wheel into a folder of `oxzep7_find_links`.",
    ),
    "package-not-from-index": FindingKind(
        "package not from an index",
        "error",
        True,
        "No source has a package that was installed from a directory, a URL or version control, and its files cannot "
        "be copied.",
        "Publish that version to an index of `oxzep7_indexes`, or put its wheel into a folder of `oxzep7_find_links`.",
        ReducedLevel("warning", INVENTORY),
    ),
    "package-retired": FindingKind(
        "package without releases",
        "info",
        False,
        "The plan keeps a package that has no releases any more; a later Python may end it.",
        "Replace or drop it by the entry of `oxzep7_constraints` that the finding gives.",
    ),
    "package-uses-removed": FindingKind(
        "package uses what was removed",
        "warning",
        False,
        "An installed package, in the version that a step keeps, uses a name of the standard library that the Python "
        "of the step no longer has.",
        "Rehearse the steps, which tries that package first, or constrain it in `oxzep7_constraints`.",
    ),
    "patch-available": FindingKind(
        "patch available",
        "info",
        False,
        "A newer patch release of the minor version exists.",
        "Install the patch release for new generations.",
    ),
    "path-immutable": FindingKind(
        "path immutable",
        "error",
        True,
        "The environment, its directory of generations, or the directory around them has an attribute of chattr(1) "
        "with which even root can neither rename nor remove it, or is on a file system that is mounted read-only.",
        "Run the command of the finding; an operator set the attribute or the mount, so learn the reason before.",
    ),
    "preflight-failed": FindingKind(
        "preflight failed",
        "error",
        True,
        "Preflight could not examine the application; the detail has the cause.",
        "Remove the cause, then run again.",
    ),
    "privilege-missing": FindingKind(
        "privilege missing",
        "error",
        True,
        "The module may not act as the account that controls the directory of the environment.",
        "Run with become.",
    ),
    "promotion-open": FindingKind(
        "promotion open",
        "warning",
        False,
        "A promotion of the application is under way, or its run died.",
        "Wait for it to end, or run `oxzep7.python.recover`.",
    ),
    "release-data-stale": FindingKind(
        "release data stale",
        "warning",
        False,
        "The release data of the collection are older than 180 days.",
        "Update the collection.",
    ),
    "requires-python-excludes": FindingKind(
        "Requires-Python excludes the step",
        "warning",
        False,
        "Every version of a package from the installed one on excludes the Python of a step; the installed version "
        "is kept.",
        "Rehearse the steps, or replace the package.",
    ),
    "service-masked": FindingKind(
        "service masked",
        "error",
        True,
        "The unit of a service is masked, so nothing can start it.",
        "Unmask the unit, or correct `services` of the application.",
    ),
    "service-not-enabled": FindingKind(
        "service not enabled",
        "warning",
        False,
        "The unit of a service is not enabled and nothing else starts it, so it does not come back when the host "
        "restarts.",
        "Enable the unit.",
    ),
    "service-not-found": FindingKind(
        "service not found",
        "error",
        True,
        "The host lacks a service that the application declares, or its service manager cannot be asked. "
        "The former key in preflight is `service-missing`.",
        "Correct `services` of the application.",
    ),
    "setpriv-missing": FindingKind(
        "setpriv missing",
        "error",
        True,
        "The host has no `setpriv`, so `undo.sh` could not act as the account that controls the environment.",
        "Install util-linux.",
    ),
    "source-imports-dynamically": FindingKind(
        "dynamic imports",
        "warning",
        False,
        "The source imports modules whose names are only known at run time.",
        "Declare `tests`, which show what is imported.",
    ),
    "source-not-found": FindingKind(
        "source not found",
        "error",
        True,
        "The path that the application declares as `source` does not exist.",
        "Correct `source`.",
    ),
    "source-not-read": FindingKind(
        "source not read",
        "warning",
        False,
        "A file of the source could not be read or parsed.",
        "Check the file; what it uses is unknown.",
    ),
    "source-unknown": FindingKind(
        "source unknown",
        "warning",
        False,
        "The source of the application was not scanned, so its use of the standard library is unknown.",
        "Declare `source`.",
    ),
    "source-uses-removed": FindingKind(
        "source uses what was removed",
        "warning",
        False,
        "The source uses a name of the standard library that the Python of a step no longer has.",
        "Change the source before that step.",
    ),
    "state-unreadable": FindingKind(
        "record unreadable",
        "error",
        True,
        "The record of the application cannot be read.",
        "Run with become.",
    ),
    "stay-expired": FindingKind(
        "stay expired",
        "warning",
        False,
        "The day until which an application was declared to stay at its version is past. It still stays.",
        "Take `stay` out of the declaration, or give another date.",
    ),
    "steps-not-reviewed": FindingKind(
        "steps not reviewed",
        "error",
        True,
        "With `oxzep7_plan_id`, the steps of an application are not those of the reviewed plan.",
        "Run `oxzep7.python.plan`, and review the new plan.",
    ),
    "system-link": FindingKind(
        "system link",
        "warning",
        False,
        "A login shell or an entry of the alternatives system points to this Python.",
        "Point it elsewhere before that Python is removed.",
    ),
    "target-below-current": FindingKind(
        "target below current",
        "error",
        True,
        "`oxzep7_target` is older than the Python of the environment, or no path leads from one to the other.",
        "Choose a newer `oxzep7_target`.",
    ),
    "target-end-of-life": FindingKind(
        "target end of life",
        "warning",
        False,
        "Support of the target version has ended.",
        "Choose a newer `oxzep7_target`.",
    ),
    "target-end-of-life-soon": FindingKind(
        "target end of life soon",
        "warning",
        False,
        "Support of the target version ends within 365 days.",
        "Choose a newer `oxzep7_target`, or plan the next upgrade.",
    ),
    "too-many-to-carry": FindingKind(
        "too many files to carry",
        "error",
        True,
        "`carry` is `copy` or `patch`, and the inventory lists only a part of the files to be carried.",
        "Package the files, or set `carry` of the application to `drop`.",
    ),
    "unhealthy": FindingKind(
        "unhealthy",
        "error",
        True,
        "A check of the application fails before anything is changed.",
        "Repair the application, or name the check in `oxzep7_accept_unhealthy`.",
    ),
    "unit-file-changed": FindingKind(
        "unit file changed",
        "error",
        True,
        "The files of a unit were changed and systemd has not loaded them. The next start could differ from what runs "
        "now, and so could a start that undoes a promotion.",
        "Run `systemctl daemon-reload`, restart the service, and see that it works.",
    ),
    "unmanaged-files": FindingKind(
        "files in no package",
        "error",
        True,
        "The environment has files that belong to no package; with `carry: ask` they block the plan of the "
        "application.",
        "Package the files, or set `carry` of the application to `copy` or `drop`.",
        ReducedLevel("warning", INVENTORY),
    ),
    "unprivileged": FindingKind(
        "inventory without root",
        "warning",
        False,
        "The inventory was taken without root and lacks the files of other users.",
        "Run with become.",
    ),
    "unresolvable": FindingKind(
        "unresolvable",
        "error",
        True,
        "No set of package versions satisfies every requirement on the Python of a step.",
        "Relax the constraints that the detail names, or replace a package.",
    ),
    "user-not-found": FindingKind(
        "user not found",
        "error",
        True,
        "The account that the application declares as `user` does not exist.",
        "Correct `user`.",
    ),
    "vendor-modules": FindingKind(
        "vendor modules",
        "info",
        False,
        "The interpreter has modules that belong to no package.",
        "Make sure that the next interpreter has them as well.",
    ),
    "vendor-modules-missing": FindingKind(
        "vendor modules missing",
        "error",
        True,
        "The environment sees modules of its interpreter that the interpreter of a step lacks.",
        "Provide them with the new interpreter or as packages, or set `carry` of the application to `drop`.",
    ),
    "version-unknown": FindingKind(
        "version unknown",
        "warning",
        False,
        "The version of an interpreter could not be determined.",
        "Check the interpreter by hand.",
    ),
}


def build_finding(
    *, key: str, detail: str, remediation: str, where: Optional[str] = None, reduced: bool = False
) -> Dict[str, Any]:
    """Return a finding of *key*, one of `KEYS`. Raises KeyError for any other.

    *where* is the host's object that the finding is about, if a list of findings needs it. *reduced* states that the
    condition of the key's reduced level holds.
    """
    kind = KEYS[key]
    severity, blocking = kind.severity, kind.blocking
    if reduced:
        if kind.reduced is None:
            raise ValueError("findings of the key %s have one severity" % key)
        severity, blocking = kind.reduced.severity, False
    finding = {
        "key": key,
        "severity": severity,
        "title": kind.title,
        "detail": detail,
        "blocking": blocking,
        "remediation": remediation,
    }
    return finding if where is None else place_finding(finding, where)


def place_finding(finding: Dict[str, Any], where: str) -> Dict[str, Any]:
    """Return *finding* as one about *where*, an object of the host."""
    return dict(finding, title="%s: %s" % (where, finding["title"]), where=where)

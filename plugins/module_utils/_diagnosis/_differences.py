# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What differs between the profiles of two generations. Functions of data, without effects.

A difference that every upgrade has, as another path of the generation or another minor version in a path, is none.
"""

import json
import re
from typing import Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._diagnosis._variables import (
    HIDDEN,
    is_transient,
    show_value,
)

VALUE_LENGTH = 300
SHOWN_NAMES = 5
# Ranks of differences: what explains most stands first. Those that a new minor version of Python brings by itself
# stand behind all others of their kind.
BROKEN, RUN_FAILS, MISSING_LIBRARY, MISSING_PACKAGE, SCRIPTS, START, VARIABLES, PATHS, DEFAULTS, PACKAGES, COST = range(
    100, 45, -5
)
LIBRARIES, BUILD, JOURNAL, PLANNED, OUTPUT, INTERPRETER = 44, 42, 40, 30, 20, 10
# Packages that tools install into each new environment.
TOOLS = ("pip", "setuptools", "wheel")
# What they, virtualenv and uv run at the start.
TOOL_STARTS = re.compile(r"distutils-precedence\.pth|_distutils_hack(?:\..*)?|_virtualenv(?:\.pth)?")
FLAG_NAMES = {
    "optimize": "optimization (-O)",
    "hash_randomization": "hash randomization",
    "utf8_mode": "UTF-8 mode",
    "dev_mode": "development mode",
    "no_user_site": "user site-packages",
}


class Difference(NamedTuple):
    """A difference: its ``area`` and ``name``, both values as text, the culprit that it is of, and a sentence about it.

    The highest ``rank`` comes first.
    """

    area: str
    name: str
    before: str
    after: str
    culprit: str
    text: str
    rank: int


Profile = Mapping[str, Any]


class _Comparison:
    """Compares two profiles; the names are those of the generations."""

    def __init__(self, names: Tuple[str, str], profiles: Tuple[Profile, Profile], places: Tuple[str, str], live: str):
        self.names = names
        self.profiles = profiles
        self.places = places
        self.live = live
        minors = [profile["version"].rpartition(".")[0] for profile in profiles]
        self.same_minor = minors[0] == minors[1]
        self.found: List[Difference] = []

    def plain(self, which: int, text: Any) -> str:
        """*text* of one side, with the parts that always differ replaced."""
        profile = self.profiles[which]
        shown = text if isinstance(text, str) else json.dumps(text)
        for path, name in (
            (self.places[which], "ENVIRONMENT"),
            (str(profile["prefix"]), "ENVIRONMENT"),
            (self.live, "ENVIRONMENT"),
            (str(profile["base"]), "INTERPRETER"),
        ):
            if len(path) > 1:
                shown = re.sub(r"%s(?![\w.-])" % re.escape(path), name, shown)
        version = str(profile["version"])
        minor = version.rpartition(".")[0]
        for old, new in ((version, "X.Y.Z"), (minor, "X.Y"), (minor.replace(".", ""), "XY")):
            shown = re.sub(r"(?<![\d.])%s(?![\d])" % re.escape(old), new, shown)
        return shown

    def add(
        self, area: str, name: str, values: Sequence[Any], culprit: str, rank: int, text: Optional[str] = None
    ) -> None:
        """Note a difference; its text is made of the *values* unless it is given."""
        before, after = (_show(value) for value in values)
        told = text or "%s is %s in %s, %s in %s" % (name, before, self.names[0], after, self.names[1])
        self.found.append(Difference(area, name, before, after, culprit, "%s: %s" % (culprit, told), rank))

    def pick(self, key: str) -> Tuple[Any, Any]:
        """The values of *key* on both sides."""
        return self.profiles[0][key], self.profiles[1][key]

    def map_plain(self, key: str) -> Tuple[Dict[str, Any], Dict[str, Any]]:
        """The entries of *key* on both sides, or their values where they have some, by their plain forms."""
        found: List[Dict[str, Any]] = []
        for which, entries in enumerate(self.pick(key)):
            values = entries if isinstance(entries, dict) else {entry: entry for entry in entries}
            found.append({self.plain(which, entry): value for entry, value in values.items()})
        return found[0], found[1]


def _plain_site_files(seen: _Comparison, which: int) -> Dict[str, Tuple[str, List[str]]]:
    """Path and plain lines of each ``.pth`` of one side, by its plain path."""
    found = {}
    for path, lines in seen.profiles[which]["site_files"].items():
        found[seen.plain(which, path)] = (path, [seen.plain(which, line) for line in lines])
    return found


def _show(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return text if len(text) <= VALUE_LENGTH else text[: VALUE_LENGTH - 1] + "…"


def compare_profiles(
    names: Tuple[str, str], profiles: Tuple[Profile, Profile], places: Tuple[str, str], live: str
) -> List[Difference]:
    """The differences between *profiles* of the generations *names*, which are at *places*.

    *live* is the live path, which may lead to either.
    """
    seen = _Comparison(names, profiles, places, live)
    for compare in COMPARISONS:
        compare(seen)
    return seen.found


def _compare_interpreters(seen: _Comparison) -> None:
    before, after = seen.pick("version")
    if before != after or seen.profiles[0]["implementation"] != seen.profiles[1]["implementation"]:
        text = "%s has %s %s, %s has %s %s" % (
            seen.names[0],
            seen.profiles[0]["implementation"],
            before,
            seen.names[1],
            seen.profiles[1]["implementation"],
            after,
        )
        rank = COST if seen.same_minor else INTERPRETER
        seen.add("interpreter", "version", (before, after), "version mismatch", rank, text)
    elif seen.plain(0, seen.pick("real")[0]) != seen.plain(1, seen.pick("real")[1]) or _differ(seen, "base"):
        seen.add("interpreter", "file", seen.pick("real"), "other interpreter of the same version", BUILD)


def _differ(seen: _Comparison, key: str) -> bool:
    before, after = seen.pick(key)
    return bool(before != after)


def _compare_build(seen: _Comparison) -> None:
    before, after = seen.pick("build")
    for name in sorted(set(before) & set(after)):
        values = (before[name] or 0, after[name] or 0)
        if name in ("CONFIG_ARGS", "OPT"):
            plain = [seen.plain(which, str(values[which])).strip("'") for which in (0, 1)]
            options = [set(re.split(r"'?\s+'?", text)) for text in plain]
            if options[0] != options[1]:
                shown = [" ".join(sorted(options[which] - options[1 - which])) or "nothing more" for which in (0, 1)]
                seen.add("build", name, shown, "build flags", BUILD if seen.same_minor else OUTPUT)
        elif values[0] != values[1]:
            seen.add("build", name, values, "build flags", BUILD if seen.same_minor else PLANNED)
    before, after = seen.pick("modules")
    for name in sorted(set(before) | set(after)):
        if before.get(name) == after.get(name):
            continue
        values = (before.get(name, "works"), after.get(name, "works"))
        if seen.same_minor or (name in after and after[name] != "absent"):
            text = "module %s of the standard library: %s in %s, %s in %s" % (
                name,
                _show(values[0]),
                seen.names[0],
                _show(values[1]),
                seen.names[1],
            )
            seen.add("build", name, values, "missing dependency", MISSING_LIBRARY if name in after else BUILD, text)
        else:
            seen.add("build", name, values, "build flags", PLANNED)


def _compare_libraries(seen: _Comparison) -> None:
    before, after = (dict((tuple(pair), None) for pair in found) for found in seen.pick("unresolved"))
    plain = {(pair[0], seen.plain(0, pair[1])) for pair in before}
    for library, path in after:
        if (library, seen.plain(1, path)) not in plain:
            text = "%s needs %s, which is not found in %s" % (path, library, seen.names[1])
            seen.add("libraries", library, ("found", "not found"), "missing library", MISSING_LIBRARY, text)
    gone = {pair[0] for pair in before} - {pair[0] for pair in after}
    for library in sorted(gone):
        seen.add("libraries", library, ("not found", "found"), "missing library", LIBRARIES)
    for name in sorted(set(seen.profiles[0]["versions"]) & set(seen.profiles[1]["versions"])):
        values = (seen.profiles[0]["versions"][name], seen.profiles[1]["versions"][name])
        if values[0] != values[1]:
            rank = LIBRARIES - 1 if seen.same_minor else PLANNED
            seen.add("libraries", name, values, "other version of a library", rank)


def _compare_tls(seen: _Comparison) -> None:
    before, after = seen.pick("tls")
    if not (isinstance(before, dict) and isinstance(after, dict)):
        if type(before) is not type(after):
            seen.add("tls", "ssl", (before, after), "missing library", MISSING_LIBRARY)
        return
    for name in before:
        if before[name] == after.get(name) or (None in (before[name], after.get(name)) and not seen.same_minor):
            continue
        if name == "OpenSSL":
            rank, culprit = LIBRARIES + 1, "other version of a library"
            majors = [str(version).partition(".")[0] for version in (before[name], after[name])]
            rank = DEFAULTS - 1 if majors[0] != majors[1] else rank
        else:
            rank, culprit = (DEFAULTS if seen.same_minor else LIBRARIES), "changed default"
        seen.add("tls", name, (before[name], after[name]), culprit, rank)


def _list_gone(before: Mapping[str, Any], after: Mapping[str, Any]) -> List[str]:
    return sorted(set(before) - set(after))


def _name_requirement(text: str) -> str:
    match = re.match(r"[A-Za-z0-9._-]+", text)
    return re.sub(r"[-_.]+", "-", match.group()).lower() if match else ""


def _find_needs(packages: Mapping[str, Any], wanted: str) -> List[str]:
    """The requirements in *packages* for the one called *wanted*, with what has them."""
    found = []
    for name, package in sorted(packages.items()):
        for need in package["needs"]:
            if _name_requirement(need) == wanted:
                found.append("%s %s needs %s" % (name, package["version"], need))
    return found


def _compare_packages(seen: _Comparison) -> None:
    before, after = seen.pick("packages")
    for name in _list_gone(before, after):
        needs = _find_needs(after, name)
        told = "%s %s of %s is not installed in %s" % (name, before[name]["version"], seen.names[0], seen.names[1])
        told += "; %s" % needs[0] if needs else ""
        rank = MISSING_PACKAGE if needs or (seen.same_minor and name not in TOOLS) else PACKAGES - 1
        rank = PLANNED if name in TOOLS and not needs else rank
        seen.add("packages", name, (before[name]["version"], "not installed"), "missing dependency", rank, told)
    known = {_name_requirement(need) for package in before.values() for need in package["needs"]} - set(before)
    wanted = {_name_requirement(need) for package in after.values() for need in package["needs"]} - set(after)
    for name in sorted(wanted - known - set(before)):
        needs = _find_needs(after, name)
        told = "%s is not installed in %s; %s" % (name, seen.names[1], needs[0])
        seen.add("packages", name, ("not needed", "not installed"), "missing dependency", MISSING_PACKAGE, told)
    for name in sorted(set(after) - set(before)):
        rank = PLANNED - 1
        seen.add("packages", name, ("not installed", after[name]["version"]), "additional package", rank)
    for name in sorted(set(before) & set(after)):
        values = (before[name]["version"], after[name]["version"])
        if values[0] != values[1]:
            needs = _find_needs(after, name)
            told = "package %s is %s in %s, %s in %s" % (name, values[0], seen.names[0], values[1], seen.names[1])
            told += "; %s" % needs[0] if needs else ""
            rank = PLANNED if name in TOOLS or not seen.same_minor else PACKAGES
            seen.add("packages", name, values, "version mismatch", rank, told)
        elif seen.plain(0, before[name]["directory"]) != seen.plain(1, after[name]["directory"]):
            places = (before[name]["directory"], after[name]["directory"])
            told = "package %s is of %s in %s, of %s in %s" % (name, places[0], seen.names[0], places[1], seen.names[1])
            seen.add("packages", name, places, "path", PATHS - 1, told)
        elif before[name]["points"] != after[name]["points"]:
            gone = _list_gone(before[name]["points"], after[name]["points"])
            if gone:
                told = "entry points of %s that are not in %s: %s" % (
                    name,
                    seen.names[1],
                    ", ".join(gone[:SHOWN_NAMES]),
                )
                seen.add("entry points", name, (", ".join(gone), "gone"), "entry point", SCRIPTS - 1, told)


def _compare_scripts(seen: _Comparison) -> None:
    before, after = seen.map_plain("scripts")
    targets = {name for package in seen.profiles[0]["packages"].values() for name in package["scripts"]}
    tools: List[str] = []
    for tool in TOOLS:
        package = seen.profiles[0]["packages"].get(tool) or {"scripts": ()}
        tools += [seen.plain(0, name) for name in package["scripts"]]
    for name in _list_gone(before, after):
        versioned = any(character.isdigit() for character in name) or name in tools
        rank = SCRIPTS if name in targets and not versioned else PLANNED
        told = "console script %s of %s is not in %s" % (name, seen.names[0], seen.names[1])
        seen.add("scripts", name, ("present", "absent"), "entry point", rank, told)
    for name in sorted(set(before) & set(after)):
        first, second = before[name][0], after[name][0]
        lines = (_plain_shebang(seen.plain(0, first)), _plain_shebang(seen.plain(1, second)))
        missing = before[name][1] and not after[name][1]
        if lines[0] != lines[1] or missing:
            told = "%s begins with %s in %s, with %s in %s%s" % (
                name,
                before[name][0],
                seen.names[0],
                after[name][0],
                seen.names[1],
                ", which does not exist" if missing else "",
            )
            seen.add("scripts", name, (before[name][0], after[name][0]), "shebang", SCRIPTS + 1, told)


def _plain_shebang(line: str) -> str:
    return re.sub(r"ENVIRONMENT/bin/python[\dXYZ.]*", "ENVIRONMENT/bin/python", line)


def _compare_start(seen: _Comparison) -> None:
    """What runs at the start: ``.pth`` files, and modules that they or Python itself load."""
    before, after = (_plain_site_files(seen, which) for which in (0, 1))
    for name in sorted(set(before) | set(after)):
        values = [found[name][1] if name in found else None for found in (before, after)]
        if values[0] == values[1]:
            continue
        path = (after.get(name) or before[name])[0]
        if None in values:
            only = 0 if values[1] is None else 1
            told = "%s is only in %s: %s" % (path, seen.names[only], " | ".join(values[only] or ["it is empty"]))
        else:
            told = "%s has other lines: %s in %s, %s in %s" % (path, values[0], seen.names[0], values[1], seen.names[1])
        file = name.rpartition("/")[2]
        rank = PLANNED - 1 if TOOL_STARTS.fullmatch(file) else START
        shown = [_show(" | ".join(value)) if value else "absent" for value in values]
        seen.add("start", file, shown, ".pth", rank, _show(told))
    loaded: List[Dict[str, List[Any]]] = []
    for which, start in enumerate(seen.pick("start")):
        loaded.append({name: [seen.plain(which, value[0])] + value[1:] for name, value in start.items()})
    for name in sorted(set(loaded[0]) | set(loaded[1])):
        values = [found.get(name) for found in loaded]
        custom = name in ("sitecustomize", "usercustomize")
        if values[0] == values[1] or not (custom or None in values):
            continue
        shown = [str(value[0]) if value else "not loaded" for value in values]
        told = "%s is loaded at the start: %s in %s, %s in %s" % (
            name,
            shown[0],
            seen.names[0],
            shown[1],
            seen.names[1],
        )
        if None not in values and shown[0] == shown[1]:
            told = "%s is loaded at the start, and differs between %s and %s" % (name, seen.names[0], seen.names[1])
        rank = START + 1 if custom else START - 2 if seen.same_minor else PLANNED
        rank = PLANNED - 1 if TOOL_STARTS.fullmatch(name) else rank
        seen.add("start", name, shown, "module at the start", rank, told)


def _compare_variables(seen: _Comparison) -> None:
    before, after = seen.pick("environ")
    for name in sorted(set(before) | set(after)):
        if is_transient(name) or name == "VIRTUAL_ENV":
            continue
        if name in before and name in after and seen.plain(0, before[name]) == seen.plain(1, after[name]):
            continue
        shown = [show_value(name, found.get(name)) for found in (before, after)]
        culprit = "path" if name.endswith("PATH") else "environment variable"
        if HIDDEN in shown:
            told = "%s differs: %s in %s, %s in %s" % (name, shown[0], seen.names[0], shown[1], seen.names[1])
            if shown[0] == shown[1]:
                told = "%s differs; its values are not shown" % name
            seen.add("variables", name, shown, culprit, VARIABLES - 1, told)
        else:
            seen.add("variables", name, shown, culprit, VARIABLES + (1 if name.startswith(("LD_", "PYTHON")) else 0))


def _compare_paths(seen: _Comparison) -> None:
    before, after = seen.map_plain("path")
    gone, new = [before[key] for key in before if key not in after], [after[key] for key in after if key not in before]
    if gone or new:
        parts = []
        for which, entries in enumerate((gone, new)):
            if entries:
                parts.append("only in %s: %s" % (seen.names[which], ", ".join(entries[:SHOWN_NAMES])))
        shown = [", ".join(entries[:SHOWN_NAMES]) or "nothing more" for entries in (gone, new)]
        seen.add("path", "sys.path", shown, "path", PATHS, "sys.path has %s" % "; ".join(parts))
    elif list(before) != list(after):
        seen.add(
            "path", "sys.path", seen.pick("path"), "path", PATHS, "sys.path has another order in %s" % seen.names[1]
        )
    absent = seen.map_plain("absent")
    for name in _list_gone(absent[1], absent[0]):
        if name.endswith(".zip"):
            continue
        told = "%s is in sys.path of %s and does not exist" % (absent[1][name], seen.names[1])
        seen.add("path", name, ("exists", "does not exist"), "path", PATHS - 1, told)


def _compare_flags(seen: _Comparison) -> None:
    before, after = seen.pick("flags")
    for name in sorted(set(before) & set(after)):
        if before[name] != after[name] and not (name == "int_max_str_digits" and not seen.same_minor):
            label = FLAG_NAMES.get(name, name.replace("_", " "))
            seen.add("flags", label, (before[name], after[name]), "changed default", DEFAULTS + 1)


def _compare_defaults(seen: _Comparison) -> None:
    before, after = seen.pick("defaults")
    for name in before:
        values = [seen.plain(which, found.get(name)) for which, found in enumerate((before, after))]
        if values[0] == values[1] or (not seen.same_minor and None in (before[name], after.get(name))):
            continue
        shown: Sequence[Any] = (before[name], after.get(name))
        told = None
        if isinstance(before[name], list) and name != "garbage collection":
            entries = [[_show(entry) for entry in found] for found in (before[name], after[name])]
            only = [[entry for entry in entries[which] if entry not in entries[1 - which]] for which in (0, 1)]
            shown = [", ".join(found[:SHOWN_NAMES]) or "nothing more" for found in only]
            told = "%s: only in %s: %s; only in %s: %s" % (name, seen.names[0], shown[0], seen.names[1], shown[1])
        rank = DEFAULTS
        if not seen.same_minor and name in LOUD_DEFAULTS + QUIET_DEFAULTS:
            rank = PLANNED + (5 if name in LOUD_DEFAULTS else 1)
        seen.add("defaults", name, shown, "changed default", rank, told)


# Defaults that new versions of Python change: those whose change breaks programs, and the others.
LOUD_DEFAULTS = (
    "encoding of files",
    "encoding of file names",
    "encoding of standard input",
    "encoding of standard output",
    "multiprocessing start method",
    "tarfile filter",
)
QUIET_DEFAULTS = (
    "encoding errors of file names",
    "encoding errors of standard output",
    "buffering of standard output",
    "default of warnings",
    "digests",
    "event loop policy",
    "garbage collection",
    "hash algorithm",
    "limit of digits of integers",
    "pickle protocol",
)
COMPARISONS: Tuple[Callable[[_Comparison], None], ...] = (
    _compare_libraries,
    _compare_packages,
    _compare_scripts,
    _compare_start,
    _compare_variables,
    _compare_paths,
    _compare_flags,
    _compare_defaults,
    _compare_tls,
    _compare_build,
    _compare_interpreters,
)


# What a variable, a file or a setting brings with it: areas and names, as patterns, of its effects.
EFFECTS: Tuple[Tuple[str, str, str], ...] = (
    (
        "variables",
        r"PYTHONPATH|PYTHONHOME|PYTHONNOUSERSITE|PYTHONUSERBASE",
        r"path:.*|packages:.*|start:.*|flags:user.*",
    ),
    ("variables", r"PYTHONHASHSEED", r"flags:hash randomization"),
    (
        "variables",
        r"PYTHONUTF8|PYTHONIOENCODING|LANG|LANGUAGE|LC_\w+|PYTHONCOERCECLOCALE|PYTHONLEGACY\w+",
        r"flags:UTF-8 mode|defaults:(?:locale|encoding.*)",
    ),
    ("variables", r"PYTHONWARNINGS|PYTHONDEVMODE", r"defaults:.*warnings|flags:dev.*|defaults:.*"),
    ("variables", r"PYTHONOPTIMIZE|PYTHONUNBUFFERED|PYTHONDONTWRITEBYTECODE|PYTHONDEBUG|PYTHONVERBOSE", r"flags:.*"),
    ("variables", r"PYTHONUNBUFFERED|PYTHONINTMAXSTRDIGITS", r"defaults:(?:buffering|limit of digits).*|flags:int.*"),
    ("variables", r"LD_\w+", r"libraries:.*|tls:.*|build:_\w+"),
    ("variables", r"OPENSSL_\w+|SSL_\w+", r"tls:.*|defaults:digests"),
    ("variables", r"TMPDIR|TEMP|TMP", r"defaults:temporary directory"),
    ("start", r".*\.pth", r"path:.*|packages:.*|start:(?!.*\.pth$).*|defaults:.*|variables:.*|tls:.*"),
    ("start", r"(?:site|user)customize", r"defaults:.*|path:.*|variables:.*|start:.*|tls:.*|packages:.*"),
    ("start", r"(?!.*\.pth$).*", r"start:.*|defaults:.*"),
    ("defaults", r"locale", r"defaults:encoding.*"),
    ("defaults", r"options of warnings", r"defaults:default of warnings"),
    ("defaults", r"encoding of files", r"defaults:encoding.*|flags:UTF-8 mode"),
    ("flags", r"UTF-8 mode", r"defaults:encoding.*"),
    ("packages", r".*", r"entry points:.*|scripts:.*"),
    ("interpreter", r".*", r"build:[A-Z].*"),
)


def _brings(cause: Difference, other: Difference) -> bool:
    key = "%s:%s" % (other.area, other.name)
    if cause.area != "packages" and other.culprit == "version mismatch":
        # A path adds packages; which version of one is installed has its own reason.
        return False
    for area, name, effects in EFFECTS:
        if cause.area == area and re.fullmatch(name, cause.name) and re.fullmatch(effects, key):
            return True
    return False


class Culprit(NamedTuple):
    """A difference, and what it brings with it."""

    difference: Difference
    effects: List[Difference]

    def tell(self) -> str:
        """It as one line."""
        if not self.effects:
            return self.difference.text
        listed = ["%s is %s, before %s" % (one.name, one.after, one.before) for one in self.effects[:SHOWN_NAMES]]
        return "%s; with it: %s" % (self.difference.text, "; ".join(listed))


def order_differences(found: Sequence[Difference]) -> List[Culprit]:
    """*found*, what explains most first; what another one brings with it is with that one."""
    waiting = sorted(found, key=lambda one: -one.rank)
    told: List[Culprit] = []
    while waiting:
        cause = waiting.pop(0)
        # What is planned explains nothing.
        effects = [one for one in waiting if _brings(cause, one)] if cause.rank > PLANNED else []
        waiting = [one for one in waiting if one not in effects]
        told.append(Culprit(cause, effects))
    return told


def list_facts(profiles: Tuple[Profile, Profile]) -> Iterator[Tuple[str, str, str]]:
    """Name and both values of what is shown side by side, whether it differs or not."""
    for key in ("implementation", "version", "executable", "real", "base"):
        yield (key, str(profiles[0][key]), str(profiles[1][key]))
    for area in ("defaults", "versions"):
        for name in profiles[0][area]:
            values: List[Any] = [profile[area].get(name) for profile in profiles]
            if not isinstance(values[0], list):
                yield (name, _show(values[0]), _show(values[1]))
    if all(isinstance(profile["tls"], dict) for profile in profiles):
        for name in profiles[0]["tls"]:
            yield (name, _show(profiles[0]["tls"][name]), _show(profiles[1]["tls"].get(name)))
    counts: Dict[str, Callable[[Profile], int]] = {
        "packages": lambda profile: len(profile["packages"]),
        "entries of sys.path": lambda profile: len(profile["path"]),
        ".pth files": lambda profile: len(profile["site_files"]),
        "scripts": lambda profile: len(profile["scripts"]),
        "unresolved libraries": lambda profile: len(profile["unresolved"]),
    }
    for name, count in counts.items():
        yield (name, str(count(profiles[0])), str(count(profiles[1])))

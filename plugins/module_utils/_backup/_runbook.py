# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""RESTORE.md: how to restore this backup by hand, in a shell. Data in, text out."""

from typing import Any, Dict, List

from ansible_collections.oxzep7.python.plugins.module_utils._backup.databases._registry import create_database
from ansible_collections.oxzep7.python.plugins.module_utils._backup.engines._engine import BackupEngine
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._manifest import Layer
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import join_command

HEADING_SECTION = """\
# Backup {identifier} of {application}

Taken on {host} at {created}, by run {run}. Everything here needs a shell and {needs}; restoring owners needs root.
The collection does the same, and proves every entry: `oxzep7.python.restore` with `backup: {identifier}`.
"""
LAYER_SECTION = """
## {name}

{what} Put it {where}:

```sh
{commands}
```
"""
REFERENCE_SECTION = """
## {name}

Python {version} of {prefix} came from an archive that was available when this backup was made.
Fetch it, prove it, and unpack it there:

```
curl --fail --location --output interpreter-archive {url}
echo {sha256} interpreter-archive | sha256sum --check --strict
```
"""
LAST_SECTION = """
After the services were stopped, and not before:

```sh
{moves}
```
"""


def render_runbook(directory: str, about: Dict[str, Any], layers: Dict[str, Layer], engine: BackupEngine) -> str:
    """The text for the backup in *directory*, of which the manifest has *about* and *layers*."""
    needs = sorted(
        {layer.compression for layer in layers.values() if layer.compression}
        | {layer.encryption for layer in layers.values() if layer.encryption}
    )
    parts = [
        HEADING_SECTION.format(
            needs="GNU tar and " + " and ".join(needs or ["gzip"]),
            **{key: about[key] for key in ("identifier", "application", "host", "created", "run")},
        )
    ]
    parts.append(engine.render_check(directory, layers))
    moves: List[str] = []
    for name, layer in layers.items():
        if "reference" in layer.about:
            parts.append(REFERENCE_SECTION.format(name=name, **layer.about["reference"]))
        elif layer.entries:
            parts.append(_render_layer(directory, name, layer, about["identifier"], moves, engine))
    if moves:
        parts.append(LAST_SECTION.format(moves="\n".join(moves)))
    return "".join(parts)


def _render_layer(
    directory: str, name: str, layer: Layer, identifier: str, moves: List[str], engine: BackupEngine
) -> str:
    """The section of one layer; the commands that make it live are added to *moves*."""
    whole = bool(layer.path) and "paths" not in layer.about
    beside = "%s.restored-%s" % (layer.path, identifier) if whole else "%s.%s" % (directory, name)
    what = (
        "%s, as it was." % layer.path
        if whole
        else "Files of the whole host, as they were."
        if layer.path
        else "Output of programs."
    )
    commands = ["cd " + join_command([directory]), "mkdir -m 700 " + join_command([beside])]
    tar = "tar -C %s -xpf - --numeric-owner --xattrs --xattrs-include='*'" % join_command([beside])
    commands.append("%s | %s" % (engine.render_read_command(layer, name), tar))
    if whole:
        moves += [
            join_command(["mv", "-T", layer.path, layer.path + ".before-" + identifier]),
            join_command(["mv", "-T", beside, layer.path]),
        ]
    text = LAYER_SECTION.format(
        name=name,
        what=what,
        where="beside the live one, inspect it, then move it into its place"
        if whole
        else "into a directory and inspect it",
        commands="\n".join(commands),
    )
    if layer.path and not whole:
        text += "\nCopy the files you need to their places with `cp --archive`.\n"
    for row in layer.about.get("databases", []):
        database = create_database(row["name"], row["kind"], row["options"])
        text += "\n- %s: %s\n" % (row["name"], database.render_instructions(row["file"]))
    return text

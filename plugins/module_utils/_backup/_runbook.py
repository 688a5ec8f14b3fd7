# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""RESTORE.md: how this very backup is restored by hand, with nothing but a shell. Data in, text out."""

from typing import Any, Dict

from ansible_collections.oxzep7.python.plugins.module_utils._backup._manifest import Layer
from ansible_collections.oxzep7.python.plugins.module_utils._runner import join

HEADING = """\
# Backup {identifier} of {application}

Taken on {host} at {created}, by run {run}. Everything here needs a shell, GNU tar and {program}; to give owners back it needs root.
The collection does the same, and proves every entry: `oxzep7.python.restore` with `backup: {identifier}`.

First prove that nothing is damaged, in the directory of this file:

```sh
cd {directory}
sha256sum --check --strict <<'END'
{digests}
END
```
"""
LAYER = """
## {name}

{path}, as it was. Put it beside what is there, look at it, then move it into its place:

```sh
cd {directory}
mkdir -m 700 {beside}
{program} -dcq {archive} | tar -C {beside} -xpf - --numeric-owner --xattrs --xattrs-include='*'
```
"""
LAST = """
When the services are stopped, and not before:

```sh
{moves}
```
"""


def render(directory: str, about: Dict[str, Any], layers: Dict[str, Layer]) -> str:
    """The text for the backup in *directory*; *about* and *layers* are its manifest's."""
    programs = sorted({layer.compression for layer in layers.values()}) or ["gzip"]
    digests = "\n".join("%s  %s" % (layer.sha256, layer.archive) for layer in layers.values())
    parts = [HEADING.format(program=" and ".join(programs), digests=digests, directory=join([directory]), **{
        key: about[key] for key in ("identifier", "application", "host", "created", "run")})]
    moves = []
    for name, layer in layers.items():
        beside = "%s.restored-%s" % (layer.path, about["identifier"])
        parts.append(LAYER.format(name=name, path=layer.path, directory=join([directory]), beside=join([beside]), archive=join([layer.archive]),
                                  program={"gzip": "gzip", "zstd": "zstd"}[layer.compression]))
        moves += [join(["mv", "-T", layer.path, layer.path + ".before-" + about["identifier"]]), join(["mv", "-T", beside, layer.path])]
    parts.append(LAST.format(moves="\n".join(moves)))
    return "".join(parts)

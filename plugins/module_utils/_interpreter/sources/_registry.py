# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The registry of interpreter sources."""

from typing import Dict, List

from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._source import InterpreterSource
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter.sources.archive import ArchiveSource
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter.sources.existing import ExistingSource
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter.sources.package import PackageSource
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter.sources.uv import UvSource

# The imports are static because Ansible sends a host only the files that are imported so.
_ALL: List[InterpreterSource] = [ArchiveSource(), ExistingSource(), UvSource(), PackageSource()]
INTERPRETER_SOURCES: Dict[str, InterpreterSource] = {source.name: source for source in _ALL}

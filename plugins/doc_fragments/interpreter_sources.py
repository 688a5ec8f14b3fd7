# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of all interpreter sources."""

import yaml
from ansible_collections.oxzep7.python.plugins.plugin_utils._interpreters._documentation import (
    document_source_choice,
    document_source_options,
)


class ModuleDocFragment:
    """The options of all interpreter sources, each documented in the file of its source."""

    DOCUMENTATION: str = yaml.safe_dump({"options": {"source": document_source_choice(), **document_source_options()}})

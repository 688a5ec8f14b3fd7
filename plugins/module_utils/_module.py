# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The base of all modules: names in options are checked, and no result, error or log has credentials of URLs.

Names of files are UTF-8 whatever the locale is.
"""

import functools
import traceback
from typing import Any, Callable, Dict, Optional

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.oxzep7.python.plugins.module_utils._cause import find_cause
from ansible_collections.oxzep7.python.plugins.module_utils._credentials import find_secrets, redact, redact_text
from ansible_collections.oxzep7.python.plugins.module_utils._host._encoding import use_utf8_names
from ansible_collections.oxzep7.python.plugins.module_utils._names import restrict_names


class CollectionModule(AnsibleModule):
    """A module of this collection."""

    params: Dict[str, Any]
    # The module that runs, once its options are read.
    current: Optional["CollectionModule"] = None

    def __init__(self, argument_spec: Dict[str, Any], **rules: Any) -> None:
        """As the base."""
        use_utf8_names()
        super().__init__(argument_spec=restrict_names(argument_spec), **rules)
        CollectionModule.current = self

    def _log_invocation(self) -> None:
        """As the base, which logs all options on the host; it hides the values that are known to be secret."""
        self.no_log_values.update(find_secrets(self.params))
        super()._log_invocation()

    def warn(self, warning: str, **values: Any) -> None:
        """As the base."""
        super().warn(redact_text(warning, find_secrets(self.params)), **values)

    def exit_json(self, **values: Any) -> None:
        """As the base."""
        super().exit_json(**self._redact(values))

    def fail_json(self, msg: str, **values: Any) -> None:
        """As the base."""
        values = self._redact(dict(values, msg=msg))
        super().fail_json(**values)

    def _redact(self, values: Dict[str, Any]) -> Dict[str, Any]:
        """*values*, and the options that Ansible adds to them, without credentials."""
        secrets = find_secrets(self.params)
        self.no_log_values.update(secrets)
        self.params = redact(self.params, secrets)
        cleaned: Dict[str, Any] = redact(values, secrets)
        return cleaned


def report_crash(main: Callable[[], None]) -> Callable[[], None]:
    """*main* of a module, which ends with a result also after an error that is a defect of the collection.

    Releases of ansible-core differ in what they make of such an error, and show it as it is. The result has
    ``crashed`` and ``traceback``, and no credentials. Before the options are read there are none to leave out.
    """

    @functools.wraps(main)
    def run() -> None:
        try:
            main()
        except Exception as error:
            if CollectionModule.current is None:
                raise
            text = traceback.format_exc()
            CollectionModule.current.fail_json(
                msg="an unexpected error ended the module: %s. This is a defect of the collection: report it with its "
                "traceback, and run again, which first settles what was left open"
                % (find_cause(text) or type(error).__name__),
                crashed=True,
                traceback=text,
            )

    return run

# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The errors of this collection. Operators see their text: the subject, the cause and the next step."""

from typing import Any, Dict, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._credentials import redact_text


class CollectionError(Exception):
    """The base of every refusal and failure that this collection raises. Its text has no credentials in URLs."""

    def __init__(self, text: str = "") -> None:
        super().__init__(redact_text(str(text)))


class BuildError(CollectionError):
    """A generation that could not be built or proven; nothing of it is left. ``details`` is evidence."""

    def __init__(self, text: str, details: Optional[Dict[str, Any]] = None) -> None:
        super().__init__(text)
        self.details = details or {}


class PromotionRefused(CollectionError):
    """A precondition does not hold; nothing was changed. ``detail`` names it, ``remediation`` is the next step."""

    def __init__(self, detail: str, remediation: str = "") -> None:
        super().__init__("%s; %s" % (detail, remediation) if remediation else detail)
        self.detail = detail
        self.remediation = remediation


class GenerationMissingError(PromotionRefused):
    """The chosen generation no longer exists; ``identifier`` names it."""

    def __init__(self, text: str, identifier: str) -> None:
        super().__init__(text)
        self.identifier = identifier


class PromotionReverted(CollectionError):
    """The new generation failed and the old one is live again; ``evidence`` has the failed checks and the log."""

    def __init__(self, text: str, evidence: Dict[str, Any]) -> None:
        super().__init__(text)
        self.evidence = evidence


class UndoFailedError(CollectionError):
    """``undo.sh`` could not restore the old generation; it stays armed."""


class UnhealthyAfterUndoError(CollectionError):
    """What was live before is live again, and is not healthy; ``evidence`` has the checks since then and the log."""

    def __init__(self, text: str, evidence: Dict[str, Any]) -> None:
        super().__init__(text)
        self.evidence = evidence

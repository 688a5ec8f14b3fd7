# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The errors of this collection. Their text names the subject, the cause and the next step, and is shown to operators as it is."""

from typing import Any, Dict, Optional


class CollectionError(Exception):
    """The base of every refusal and failure that this collection raises."""


class BuildError(CollectionError):
    """A generation that could not be built or proven; nothing of it is left. ``details`` is evidence."""

    def __init__(self, text: str, details: Optional[Dict[str, Any]] = None) -> None:
        super().__init__(text)
        self.details = details or {}


class PromotionRefused(CollectionError):
    """A precondition does not hold; nothing was changed. The text says which and what to do."""


class GenerationMissingError(PromotionRefused):
    """The generation that is meant is not there any more; ``identifier`` says which."""

    def __init__(self, text: str, identifier: str) -> None:
        super().__init__(text)
        self.identifier = identifier


class PromotionReverted(CollectionError):
    """The new generation failed and the old one is live again; ``evidence`` tells why."""

    def __init__(self, text: str, evidence: Dict[str, Any]) -> None:
        super().__init__(text)
        self.evidence = evidence


class UndoFailedError(CollectionError):
    """``undo.sh`` could not restore the old generation; it stays armed."""

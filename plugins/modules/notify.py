#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sends notifications of a run. The work is done on the controller, by the action plugin of this name."""

DOCUMENTATION = r"""
module: notify
short_description: Send a notification of a run
version_added: 0.1.0
description:
  - Used by the roles of this collection.
  - Sends a notification over every channel that subscribes to its event, and retries where that may help.
  - A notification that is not delivered is a warning, and never fails a run.
  - Notifications name hosts, their outcomes and, in one line for each, the causes of failures.
author: oxzep7.python contributors (@oxzep7)
options:
  channels:
    description: Channels to notify.
    type: list
    elements: dict
    default: []
    suboptions:
      kind:
        description:
          - V(webhook) posts JSON. With O(channels[].secret), the header C(X-Oxzep7-Signature) is C(sha256=) and the
            HMAC of the header C(X-Oxzep7-Timestamp), a dot and the body.
          - V(slack) and V(teams) post messages in their formats, V(email) sends a message by SMTP.
        type: str
        required: true
        choices: [webhook, slack, teams, email]
      events:
        description: Events to send; all by default.
        type: list
        elements: str
        choices: [run, wave, gate, revert, finish]
        default: []
      url:
        description: URL of the channel, for all kinds but V(email).
        type: str
      secret:
        description: Key of the signature of a V(webhook).
        type: str
      host:
        description: Name of the SMTP server.
        type: str
      port:
        description: Port of the SMTP server; 25, 587 or 465 by default, according to O(channels[].encryption).
        type: int
      encryption:
        description: Encryption of the connection to the SMTP server.
        type: str
        choices: [none, starttls, tls]
        default: starttls
      username:
        description: SMTP user name.
        type: str
      password:
        description: SMTP password.
        type: str
      sender:
        description: Address of the sender.
        type: str
      recipients:
        description: Addresses of the recipients.
        type: list
        elements: str
        default: []
      validate_certs:
        description: Whether to validate the certificate of the server.
        type: bool
        default: true
      timeout:
        description: Seconds that each attempt may take.
        type: float
        default: 10.0
      tries:
        description: Number of attempts.
        type: int
        default: 3
      pause:
        description: Seconds before the second attempt; doubled before each further one.
        type: float
        default: 1.0
  event:
    description: Event to notify of.
    type: str
    required: true
    choices: [run, wave, gate, revert, finish]
  run_id:
    description: Identifier of the run.
    type: str
    required: true
  kind:
    description: Kind of the run.
    type: str
    default: upgrade
  text:
    description: Text of the notification.
    type: str
    required: true
  wave:
    description: Number of the wave.
    type: int
  waves:
    description: Number of waves of the run.
    type: int
  ledger:
    description: Rows of the ledger with the hosts, outcomes and causes to send.
    type: list
    elements: dict
    default: []
extends_documentation_fragment:
  - oxzep7.python.attributes
  - oxzep7.python.attributes.actiongroup
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
"""

EXAMPLES = r"""
- name: Notify that the run begins
  oxzep7.python.notify:
    channels: [{kind: webhook, url: "http://hooks.example.org/upgrades", secret: "{{ vault_hook_secret }}"}]
    event: run
    run_id: nightly
    text: begins, in 4 waves
  run_once: true
"""

RETURN = r"""
problems:
  description: Reason for each channel that was not reached, without its address.
  returned: success
  type: list
  elements: str
"""

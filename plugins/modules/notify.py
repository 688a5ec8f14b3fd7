#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells the operator's channels what happens in a run. The work is done on the controller, by the action plugin of this name."""

DOCUMENTATION = r"""
module: notify
short_description: Tell what happens in a run
version_added: 0.1.0
description:
  - Used by the roles of this collection.
  - Sends one piece of news over every channel that wants it, again where that may help. What is not delivered is a warning, and never fails a run.
  - What is told of hosts is their names and outcomes.
author: oxzep7.python contributors (@oxzep7)
options:
  channels:
    description: The channels.
    type: list
    elements: dict
    default: []
    suboptions:
      kind:
        description:
          - V(webhook) posts JSON. With O(channels[].secret), the header C(X-Oxzep7-Signature) is C(sha256=) and the HMAC of the header C(X-Oxzep7-Timestamp), a
            dot and the body.
          - V(slack) and V(teams) post what those take, V(email) sends a message by SMTP.
        type: str
        required: true
        choices: [webhook, slack, teams, email]
      events:
        description: What it wants to be told; everything without.
        type: list
        elements: str
        choices: [run, wave, gate, revert, finish]
        default: []
      url:
        description: Its URL, for all but V(email).
        type: str
      secret:
        description: Key of the signature of a V(webhook).
        type: str
      host:
        description: Name of the SMTP server.
        type: str
      port:
        description: Its port; by default that of O(channels[].encryption), 25, 587 or 465.
        type: int
      encryption:
        description: How the connection to it is encrypted.
        type: str
        choices: [none, starttls, tls]
        default: starttls
      username:
        description: Whom to log in as.
        type: str
      password:
        description: With which password.
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
        description: Whether to validate the server's certificate.
        type: bool
        default: true
      timeout:
        description: Seconds that a try may take.
        type: float
        default: 10.0
      tries:
        description: How often to try.
        type: int
        default: 3
      pause:
        description: Seconds before the second try; it doubles with each one after.
        type: float
        default: 1.0
  event:
    description: What happens.
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
    description: What is said.
    type: str
    required: true
  wave:
    description: Number of the wave that it is about.
    type: int
  waves:
    description: How many waves there are.
    type: int
  ledger:
    description: Rows of the ledger whose hosts and outcomes are told.
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
- name: Tell that it begins
  oxzep7.python.notify:
    channels: [{kind: webhook, url: "http://hooks.example.org/upgrades", secret: "{{ vault_hook_secret }}"}]
    event: run
    run_id: nightly
    text: begins, in 4 waves
  run_once: true
"""

RETURN = r"""
problems:
  description: Why, for each channel that did not get it; without its address.
  returned: success
  type: list
  elements: str
"""

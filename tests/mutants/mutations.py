# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The mutants, by room. The text of each must occur exactly once in its file, so that this list follows the code."""

from __future__ import annotations

from typing import NamedTuple

TESTS = "tests/unit/plugins"


class Mutation(NamedTuple):
    """In ``file``, below plugins, the text ``old`` becomes ``new``, with an ``effect``; ``tests`` must notice it."""

    file: str
    effect: str
    old: str
    new: str
    tests: tuple[str, ...]


def _mutate(file: str, *tests: str, **edits: tuple[str, str]) -> list[Mutation]:
    """Mutations of one *file*; each of *edits* is an effect, with _ for blanks, and the two texts."""
    return [
        Mutation(file, effect.replace("_", " "), old, new, tests or (TESTS,)) for effect, (old, new) in edits.items()
    ]


MUTATIONS: list[Mutation] = [
    # Files of the host.
    *_mutate(
        "module_utils/_host/_files.py",
        "module_utils/test_durability.py",
        "module_utils/test_files.py",
        no_fsync_of_a_file=("            os.fsync(stream.fileno())\n", ""),
        no_fsync_of_the_directory_of_a_file=("        raise\n    sync_directory(directory)\n", "        raise\n"),
        no_mode_of_a_file=("os.fchmod(stream.fileno(), mode)", "pass"),
        a_failed_write_leaves_its_file=("        remove_quietly(temporary)\n", ""),
        a_process_that_ended_is_a_failure=(", ProcessLookupError):", "):"),
    ),
    # Accounts, and what they can plant.
    *_mutate(
        "module_utils/_host/_accounts.py",
        "module_utils/test_privileges.py",
        supplementary_groups_of_root_are_kept=("        os.setgroups(self.groups)\n", ""),
        the_group_of_root_is_kept=("        os.setgid(self.gid)\n", ""),
        a_world_writable_parent_is_trusted=("        if control.everybody:\n", "        if False:\n"),
        a_parent_of_another_account_is_trusted=("if len(unprivileged) > 1:", "if False:"),
    ),
    *_mutate(
        "module_utils/_host/_untrusted.py",
        "module_utils/test_privileges.py",
        directories_are_reached_through_links=(
            "DIRECTORY_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW |",
            "DIRECTORY_FLAGS = os.O_RDONLY | os.O_DIRECTORY |",
        ),
        links_of_users_are_followed=(" or (os.geteuid() == 0 and state.st_uid != 0):", ":"),
        a_file_is_read_without_limit=("wanted = min(limit, size)", "wanted = size"),
    ),
    # The record and the lease.
    *_mutate(
        "module_utils/_application/_state.py",
        "module_utils/test_state.py",
        "module_utils/test_durability.py",
        no_directory_fsync_at_commit=(
            "os.rename(self.next_path, self.path)\n        sync_directory(self.directory)",
            "os.rename(self.next_path, self.path)",
        ),
        no_fsync_above_a_new_directory=(
            "            os.mkdir(path, 0o700)\n        sync_directory(parent)\n",
            "            os.mkdir(path, 0o700)\n",
        ),
        private_directories_are_open=("os.mkdir(path, 0o700)", "os.mkdir(path, 0o755)"),
        no_lock_of_the_lease=("fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)", "pass"),
        a_removed_lease_is_taken=("if os.stat(self.lease_path).st_ino == os.fstat(handle).st_ino:", "if True:"),
        the_lease_follows_a_link=("os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW |", "os.O_RDWR | os.O_CREAT |"),
        the_lease_is_not_looked_at_in_check_mode=("fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)", "pass"),
        events_overwrite_each_other=("os.O_WRONLY | os.O_APPEND | os.O_CREAT", "os.O_WRONLY | os.O_CREAT"),
    ),
    # Interpreters and wheels.
    *_mutate(
        "module_utils/_interpreter/_install.py",
        "module_utils/test_digests.py",
        an_archive_with_another_digest_is_accepted=("if digest != order.sha256.lower():", "if False:"),
    ),
    *_mutate(
        "module_utils/_interpreter/_archive.py",
        "module_utils/test_archive.py",
        a_member_passes_through_a_link=('if "/".join(parts[:depth]) in self._links:', "if False:"),
        a_member_replaces_a_link=('if "/".join(parts) in self._links:', "if False:"),
        a_member_climbs_out=('if ".." in parts:', "if False:"),
        an_absolute_member_is_accepted=('if name.startswith("/") or "\\0" in name:', "if False:"),
        a_link_climbs_out=(' or normal == ".." or normal.startswith("../"):', ":"),
        an_absolute_link_is_accepted=("if posixpath.isabs(text) or", "if"),
        a_hard_link_to_a_link_is_accepted=('if "/".join(linked) in self._links:', "if False:"),
        a_device_is_ignored=(
            'raise UnsafeArchiveError("member %r is neither file, directory nor link" % member.name)',
            "return",
        ),
        a_bomb_is_unpacked=("if total > MAXIMUM_BYTES or", "if"),
        set_id_bits_are_kept=("0o755 if member.mode & 0o111 else 0o644", "member.mode"),
    ),
    *_mutate(
        "module_utils/_packages/_wheelhouse.py",
        "module_utils/test_digests.py",
        a_damaged_wheel_is_stored=('if compute_sha256(temporary) != entry["sha256"]:', "if False:"),
    ),
    *_mutate(
        "modules/plan_delivery.py",
        "module_utils/test_digests.py",
        a_lock_with_another_digest_is_stored=("if compute_lock_id(text) != name)", "if False)"),
    ),
    # Building and removing generations.
    *_mutate(
        "module_utils/_generation/_install.py",
        "module_utils/test_requirements_hashed.py",
        uv_requires_no_hashes=('                "--require-hashes",\n                lock,', "                lock,"),
        pip_requires_no_hashes=(
            '            "--require-hashes",\n            "--requirement",',
            '            "--requirement",',
        ),
    ),
    *_mutate(
        "module_utils/_generation/_removal.py",
        "module_utils/test_removal.py",
        "module_utils/test_directories.py",
        "module_utils/test_durability.py",
        a_complete_generation_is_not_synced=("        os.sync()\n", ""),
        a_directory_of_another_path_is_removed=(
            "    if own is not None and own.place != facts.place:\n",
            "    if False:\n",
        ),
        a_directory_without_a_record_is_removed=("    if own is None and not facts.expendable:\n", "    if False:\n"),
        a_complete_directory_is_removed=(
            "    if own is not None and own.complete and not facts.expendable:\n",
            "    if False:\n",
        ),
        a_live_directory_is_removed=("    if facts.live:\n", "    if False:\n"),
        a_recorded_directory_is_removed=("    if facts.recorded:\n", "    if False:\n"),
        an_unreadable_record_protects_nothing=("    if facts.unreadable:\n", "    if False:\n"),
        a_backup_protects_nothing=("    if facts.backups:\n", "    if False:\n"),
    ),
    *_mutate(
        "module_utils/_host/_use.py",
        "module_utils/test_use.py",
        use_of_a_generation_is_not_seen=("for pid in _list_process_ids():", "for pid in ():"),
        hidden_processes_use_nothing=("    if hidden:\n        return hidden\n", ""),
    ),
    *_mutate(
        "module_utils/_generation/_retention.py",
        "module_utils/test_retention.py",
        one_good_generation_less_is_kept=("set(good[: max(1, keep)])", "set(good[: max(1, keep - 1)])"),
        the_original_is_removed=('entry["origin"] == "adopted" and not forget_original', "False"),
    ),
    # What services run.
    *_mutate(
        "module_utils/_services/_proof.py",
        "module_utils/test_process_proof.py",
        old_mappings_are_not_looked_for=('    if inside:\n        return "still maps %s" % inside[0]\n', ""),
        another_interpreter_is_accepted=("        if new and use.is_interpreter():\n", "        if False:\n"),
        a_service_without_python_is_proven=("if pythons and new:", "if False:"),
    ),
    *_mutate(
        "module_utils/_health/_application.py",
        "module_utils/test_services.py",
        restarts_are_not_counted=("if count_restarts and state.restarts and", "if False and"),
    ),
    # Choosing and promoting.
    *_mutate(
        "module_utils/_promotion/_choice.py",
        "module_utils/test_choice.py",
        an_incomplete_generation_is_chosen=('if not chosen.get("complete"):', "if False:"),
        before_a_run_is_before_its_last_promotion=('of_run[0]["from"]', 'of_run[-1]["from"]'),
    ),
    *_mutate(
        "module_utils/_promotion/_preconditions.py",
        "module_utils/test_preconditions.py",
        "module_utils/test_promotion_module.py",
        an_unhealthy_application_is_promoted=("    if failures:\n", "    if False:\n"),
        a_demanded_switch_may_be_missing=("if wanted == REQUIRED and", "if False and"),
        a_mount_point_is_swapped=("if os.path.ismount(environment):", "if False:"),
        a_missing_privilege_is_ignored=("if not can_become(owner):", "if False:"),
    ),
    *_mutate(
        "module_utils/_promotion/_promote.py",
        "module_utils/test_preconditions.py",
        "module_utils/test_promotion_module.py",
        violations_are_ignored=("        if violations:\n", "        if False:\n"),
    ),
    *_mutate(
        "module_utils/_promotion/_swap.py",
        "module_utils/test_durability.py",
        no_fsync_of_the_directory_of_the_original=("    sync_directory(os.path.dirname(original))\n", ""),
        no_fsync_of_the_directory_of_an_adopted_path=(
            "    sync_directory(os.path.dirname(live))\n    return how",
            "    return how",
        ),
        no_fsync_of_the_directory_of_a_symlink=(
            '    sync_directory(os.path.dirname(live))\n    return "rename"',
            '    return "rename"',
        ),
    ),
    # The transaction and its undoing.
    *_mutate(
        "module_utils/_transaction/_transaction.py",
        "module_utils/test_promotion_module.py",
        it_is_committed_before_its_checks=(
            "results = watch.wait_until_healthy(options.timeout)\n",
            "state.commit(); results = watch.wait_until_healthy(options.timeout)\n",
        ),
        failed_checks_are_ignored=(
            "            if select_failures(results):\n                raise _UnhealthyError(",
            "            if False:\n                raise _UnhealthyError(",
        ),
        the_switch_is_not_armed=("dead_man = arm_dead_man(", 'dead_man = "process" or ('),
        an_unhealthy_undo_counts_as_a_revert=("unhealthy = bool(undone.problem)", "unhealthy = False"),
    ),
    *_mutate(
        "module_utils/_transaction/_journal.py",
        "module_utils/test_durability.py",
        an_act_is_not_synced=("            os.fsync(handle)\n", ""),
        the_name_of_the_acts_is_not_synced=("        sync_directory(self._state.directory)\n", ""),
    ),
    *_mutate(
        "module_utils/_transaction/_stability.py",
        "module_utils/test_promotion_module.py",
        the_stability_window_is_ignored=(
            "while not select_failures(results) and time.monotonic() < end:",
            "while False:",
        ),
    ),
    *_mutate(
        "module_utils/_transaction/_signals.py",
        "module_utils/test_promotion_module.py",
        a_signal_is_ignored=("(signal.SIGTERM, _interrupt)", "(signal.SIGTERM, _ignore_signal)"),
    ),
    *_mutate(
        "module_utils/_health/_evaluation.py",
        "module_utils/test_promotion_module.py",
        "module_utils/test_health.py",
        accepted_failures_count=(' and not result.get("accepted")]', "]"),
        failures_do_not_count=('if not result["passed"] and not', 'if not result["name"] and not'),
    ),
    *_mutate(
        "module_utils/_transaction/_undo_script.py",
        "module_utils/test_undo.py",
        undo_takes_a_removed_lease=('    [ "$directory/lease" -ef /proc/self/fd/9 ] || exit 75\n', ""),
        undo_does_not_look_again_with_the_lease=("    is_open || exit 0\nfi\n", "fi\n"),
        undo_kills_a_holder_before_its_deadline=('-lt "$until" ]; then', '-gt "$until" ]; then'),
        undo_kills_another_process=('[ -z "$now" ] || [ "$now" != "$began" ] || kill', "kill"),
        undo_starts_no_service=('    lines += [line + "\\n" for line in render_starts(services, timeout)]\n', ""),
        undo_stops_no_service=('    lines += [line + "\\n" for line in render_stops(services, timeout)]\n', ""),
        undo_changes_an_unmounted_place=('if [ ! -e "$place/{token}" ]; then', "if false; then"),
        undo_works_without_the_old_generation=('&& [ ! -d "$old" ]; then', "&& false; then"),
        undo_hides_a_failed_start=('exit "$failed"', "exit 0"),
        undo_does_not_sync_the_live_path=("sync {parent} 2>/dev/null || sync\n", ""),
        undo_does_not_sync_its_record=('sync "$directory" 2>/dev/null || sync\n', ""),
    ),
    # Backups.
    *_mutate(
        "module_utils/_backup/_check.py",
        "module_utils/test_backup_checks.py",
        a_damaged_backup_is_restored=(
            "    if wrong:\n        raise BackupError(",
            "    if False:\n        raise BackupError(",
        ),
        a_backup_of_another_host_is_restored=(
            'if not foreign and (about.get("application"),',
            'if False and (about.get("application"),',
        ),
        programs_of_another_host_run_as_root=("        _refuse_setid_files(backup, layers)\n", "        pass\n"),
    ),
    *_mutate(
        "module_utils/_backup/_store.py",
        "module_utils/test_backup_checks.py",
        a_backup_is_not_read_back=("            proof.result()\n", ""),
        no_directory_fsync_behind_a_backup=(
            "        sync_directory(directory)\n        return Backup(",
            "        return Backup(",
        ),
        no_directory_fsync_before_a_removal=("    sync_directory(home)\n", ""),
    ),
    *_mutate(
        "module_utils/_backup/_restore.py",
        "module_utils/test_backup_checks.py",
        a_restored_tree_is_not_synced=(
            "        tree.finish_directories()\n        os.sync()\n        return tree.not_given\n",
            "        tree.finish_directories()\n        return tree.not_given\n",
        ),
        the_name_of_a_restored_tree_is_not_synced=("        os.fsync(parent)\n", ""),
    ),
    *_mutate(
        "module_utils/_backup/databases/_sqlite.py",
        "module_utils/test_durability.py",
        the_copy_of_a_database_is_not_synced=("        os.fsync(writing.fileno())\n", ""),
        the_name_of_a_copy_is_not_synced=("    sync_directory(os.path.dirname(path))\n", ""),
    ),
    *_mutate(
        "module_utils/_backup/_retention.py",
        "module_utils/test_backup_policy.py",
        one_backup_less_is_kept=(
            "stay = set(good[-max(1, keep.last) :])",
            "stay = set(good[-max(1, keep.last - 1) :])",
        ),
        the_last_verified_backup_is_removed=(
            "    stay |= set([backup.identifier for backup in known if backup.verified][-1:])\n",
            "",
        ),
        backups_of_open_runs_are_removed=(
            "    stay |= {backup.identifier for backup in known if backup.run in open_runs}\n",
            "",
        ),
    ),
    *_mutate(
        "module_utils/_backup/layers/_stream.py",
        "module_utils/test_backup_checks.py",
        an_archive_is_not_synced=("        os.fsync(handle)\n", ""),
    ),
    *_mutate(
        "module_utils/_backup/layers/_manifest.py",
        "module_utils/test_backup_checks.py",
        "module_utils/test_backup_archive.py",
        a_changed_manifest_is_believed=('if sealed != digest + "  " + MANIFEST_NAME + "\\n":', "if False:"),
    ),
    *_mutate(
        "module_utils/_backup/layers/_extract.py",
        "module_utils/test_backup_hostile.py",
        "module_utils/test_backup_archive.py",
        the_header_of_an_entry_is_not_compared=("if found != expected:", "if False:"),
        the_content_of_an_entry_is_not_compared=("if digest.hexdigest() != entry.sha256:", "if False:"),
        what_follows_the_last_entry_is_ignored=("if stream.read(2 * BLOCK) != bytes(2 * BLOCK):", "if False:"),
    ),
    *_mutate(
        "module_utils/_backup/layers/_entry.py",
        "module_utils/test_backup_archive.py",
        an_entry_leads_outside_of_its_tree=('if any(part in ("", ".", "..") for part in parts):', "if False:"),
        an_entry_is_listed_twice=("if entry.path in seen:", "if False:"),
    ),
    # Rollouts.
    *_mutate(
        "plugin_utils/_rollout/_ledger.py",
        "plugin_utils/test_waves.py",
        "plugin_utils/test_budgets.py",
        unreachable_counts_as_good=(
            "not in (SUCCESS_OUTCOMES[kind], SKIPPED, BLOCKED, None)]",
            "not in (SUCCESS_OUTCOMES[kind], UNREACHABLE, SKIPPED, BLOCKED, None)]",
        ),
        unknown_counts_as_good=(
            "not in (SUCCESS_OUTCOMES[kind], SKIPPED, BLOCKED, None)]",
            "not in (SUCCESS_OUTCOMES[kind], UNKNOWN, SKIPPED, BLOCKED, None)]",
        ),
        the_budget_of_a_run_is_one_more=(
            "if len(bad) > allowed:",
            "if len(bad) > allowed + 1:",
        ),
        the_budget_of_a_wave_is_ignored=(
            "if len(bad_of_wave) > allowed:",
            "if False:",
        ),
        a_host_that_failed_counts_for_no_other_application=(
            'if row.get("host_failed") or one["outcome"] not in untried]',
            'if one["outcome"] not in untried]',
        ),
        hosts_that_are_down_are_not_counted=("for name, limit in sorted(limits.items()):", "for name, limit in ():"),
        the_wave_does_not_count_as_down=("len(down) + len(taken) > limit:", "len(down) > limit:"),
    ),
    *_mutate(
        "plugin_utils/_rollout/_window.py",
        "plugin_utils/test_waves.py",
        the_end_of_a_window_is_ignored=(
            "return self.start <= start and start + datetime.timedelta(seconds=seconds) <= self.end",
            "return self.start <= start",
        ),
        the_start_of_a_window_is_ignored=("return self.start <= start and start + ", "return start + "),
    ),
    *_mutate(
        "plugin_utils/_rollout/_amount.py",
        "plugin_utils/test_waves.py",
        budgets_are_rounded_up=("math.floor(", "math.ceil("),
    ),
    *_mutate(
        "plugin_utils/_rollout/_gate.py",
        "plugin_utils/test_gate.py",
        an_approval_of_another_run_counts=(
            'return bool(lines & {f"{run} {wave}", f"{run} {EVERY_WAVE}"})',
            "return any(line.split()[-1:] in ([str(wave)], [EVERY_WAVE]) for line in lines)",
        ),
        any_answer_opens_a_gate=('"" if value is True else', '"" if value else'),
        a_failed_question_opens_a_gate=("why = str(error)", 'why = ""'),
    ),
    *_mutate(
        "plugin_utils/_rollout/_notifications.py",
        "plugin_utils/test_signatures.py",
        the_secret_is_not_in_the_signature=("    if secret:\n", "    if False:\n"),
        the_time_is_not_in_the_signature=('news.moment.encode() + b"." + body', "body"),
    ),
    *_mutate(
        "plugin_utils/_interpreters/_signatures.py",
        "plugin_utils/test_signatures.py",
        a_signature_is_not_verified=(
            "        verify_signature(path, beside,",
            "        (lambda *_: None)(path, beside,",
        ),
        a_refused_signature_is_accepted=("    if done.returncode:\n", "    if False:\n"),
        a_signed_archive_has_another_digest=("if compute_sha256(str(path)) != digest:", "if False:"),
    ),
]

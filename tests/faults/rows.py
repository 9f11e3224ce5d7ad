"""The catalogue of faults: which tests hold each row.

A  login and session      D  the network      G  lifecycle
B  listings               E  clients          H  time
C  bytes of pictures      F  resources
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

ALL: Sequence[str] = [
    *(f"A{number}" for number in range(1, 11)),
    *(f"B{number}" for number in range(1, 12)),
    *(f"C{number}" for number in range(1, 17)),
    *(f"D{number}" for number in range(1, 16)),
    *(f"E{number}" for number in range(1, 13)),
    *(f"F{number}" for number in range(1, 14)),
    *(f"G{number}" for number in range(1, 15)),
    *(f"H{number}" for number in range(1, 8)),
]

ELSEWHERE: Mapping[str, str] = {
    "E11": "A browser that sleeps: of the page.",
    "E12": "A server that is restarted under an open page: of the page. Of the server: G1 and G2.",
    "G14": "An old page on a new server: of the page.",
}
"""Rows that concern no test of the server, and why."""

ROWS: Mapping[str, Sequence[str]] = {
    "A1": [
        "faults/test_a_session.py::test_a1_a_wrong_password_costs_few_logins_in_an_hour_however_often_photos_are_asked_for",
        "test_brake.py::test_a_refused_login_is_not_repeated_until_its_cause_can_be_gone",
        "test_brake.py::test_a_changed_password_is_tried_at_once",
        "test_brake.py::test_twenty_restarts_with_a_wrong_password_are_two_logins_in_five_minutes",
        "test_sync.py::test_a_refused_account_is_told_and_never_asked_again_by_itself",
        "test_web.py::test_ready_tells_that_the_account_is_refused",
    ],
    "A2": [
        "test_brake.py::test_a_refused_login_is_not_repeated_until_its_cause_can_be_gone",
        "test_brake.py::test_each_refusal_has_a_sentence_and_a_next_step_of_its_own",
        "test_brake.py::test_a_second_factor_that_is_wanted_is_told",
        "test_account.py::test_a_device_that_the_nas_has_forgotten_is_told_and_asked_no_more",
        "test_account.py::test_a_wrong_code_is_refused_and_not_sent_again",
    ],
    "A3": [
        "test_session.py::test_a_dead_session_costs_one_login_and_one_more_try",
        "test_session.py::test_twenty_calls_on_a_dead_session_make_one_login",
        "test_session.py::test_the_second_failure_is_told",
    ],
    "A4": ["test_brake.py::test_sessions_that_end_again_and_again_brake_the_login"],
    "A5": [
        "faults/test_a_session.py::test_a5_an_account_that_may_not_see_the_album_is_told_so_and_does_not_log_in_again_and_again",
        "faults/test_a_session.py::test_a5_a_photo_that_the_account_may_not_see_is_a_502_of_its_own",
        "test_session.py::test_a_missing_permission_costs_no_login_at_each_look",
        "test_session.py::test_photos_that_the_account_may_not_see_cost_no_login_each",
    ],
    "A6": [
        "faults/test_a_session.py::test_a6_a_login_answered_by_a_page_or_by_nonsense_is_told_and_tried_again",
        "test_session.py::test_what_is_no_dsm_is_told",
    ],
    "A7": [
        "test_wire.py::test_a_redirect_is_never_followed_and_names_the_address",
        "test_wire.py::test_a_redirect_tells_the_option_that_cures_it",
        "test_wire.py::test_the_body_of_a_redirect_is_not_read",
    ],
    "A8": ["faults/test_a_session.py::test_a8_a_login_that_does_not_end_does_not_hold_up_the_start"],
    "A9": ["test_account.py::test_a_session_that_could_break_a_header_is_refused"],
    "A10": [
        "faults/test_a_session.py::test_a10_a_logout_that_hangs_does_not_hold_up_the_end",
        "test_session.py::test_logging_out_of_a_nas_that_is_gone_raises_nothing",
    ],
    "B1": ["test_sync.py::test_a_failed_listing_keeps_the_last_good_one_and_says_so"],
    "B2": [
        "test_sync.py::test_an_album_that_is_suddenly_empty_empties_the_catalog_only_at_the_second_look",
        "test_sync.py::test_an_album_that_was_empty_only_once_keeps_its_catalog",
        "test_web.py::test_ready_tells_that_the_album_is_empty",
    ],
    "B3": ["faults/test_b_listing.py::test_b3_an_album_that_shrinks_is_believed_at_once_without_a_storm"],
    "B4": [
        "faults/test_b_listing.py::test_b4_whichever_call_of_a_look_fails_it_is_the_whole_listing_or_none",
        "test_nas.py::test_a_failing_page_fails_the_whole_listing",
        "test_sync.py::test_a_failing_later_page_keeps_the_last_good_listing",
    ],
    "B5": [
        "test_nas.py::test_rows_that_come_twice_count_once",
        "test_nas.py::test_a_nas_that_repeats_a_page_for_ever_is_left",
        "test_nas.py::test_photos_of_the_same_second_that_change_places_are_never_listed_twice",
        "test_nas.py::test_an_album_that_is_edited_while_it_is_listed_gives_no_duplicates_and_is_right_at_the_next_look",
    ],
    "B6": [
        "faults/test_b_listing.py::test_b6_a_large_listing_is_read_on_worker_threads",
        "faults/test_b_listing.py::test_b6_a_photo_of_the_catalog_costs_little_memory",
        "test_check.py::test_a_huge_album_is_checked_in_seconds",
        "test_deck.py::TestRounds::test_a_hundred_thousand_photos_cost_a_new_deck_next_to_nothing",
    ],
    "B7": [
        "faults/test_b_listing.py::test_b7_a_listing_without_end_is_given_up_at_its_limit",
        "test_nas.py::test_nonsense_in_json_is_an_error_of_the_nas",
        "test_nas.py::test_any_rows_become_photos_or_are_counted",
        "test_nas.py::test_any_row_becomes_an_album_or_a_bad_answer",
    ],
    "B8": [
        "test_nas.py::test_renditions_that_are_not_ready_are_replaced_by_the_next_best",
        "test_nas.py::test_one_row_that_lacks_something_does_not_spoil_the_others",
        "test_listing.py::test_what_cannot_be_shown_is_counted_by_its_reason",
    ],
    "B9": [
        "test_nas.py::test_no_kind_of_video_is_a_photo",
        "test_nas.py::test_originals_are_single_files_and_only_jpegs",
    ],
    "B10": [
        "test_sync.py::test_whoever_asks_during_a_look_gets_that_look",
        "test_sync.py::test_a_look_never_writes_over_a_newer_one",
    ],
    "B11": ["test_sync.py::test_a_look_that_fails_unforeseen_does_not_stop_the_next"],
    "C1": [
        "faults/test_c_bytes.py::test_c1_a_reply_cut_at_any_byte_is_the_whole_picture_or_an_error",
        "faults/test_c_bytes.py::test_c1_a_reply_reset_at_any_byte_is_the_whole_picture_or_an_error",
        "test_wire.py::test_a_reply_cut_at_any_byte_gives_the_whole_picture_or_an_error",
        "test_wire.py::test_a_reply_cut_once_at_any_byte_is_healed_by_the_retry",
        "test_web.py::test_a_nas_that_answers_nonsense_is_a_502",
    ],
    "C2": [
        "faults/test_c_bytes.py::test_c2_a_picture_without_a_length_counts_only_with_its_end_marker",
        "test_wire.py::test_a_close_delimited_picture_counts_only_with_its_end_marker",
    ],
    "C3": [
        "test_nas.py::test_an_error_in_place_of_a_picture_is_told_as_such",
        "test_session.py::test_a_dead_session_costs_one_login_and_one_more_try",
        "test_web.py::test_a_nas_that_answers_nonsense_is_a_502",
    ],
    "C4": [
        "test_nas.py::test_only_a_whole_jpeg_is_a_picture",
        "test_web.py::test_a_nas_that_answers_nonsense_is_a_502",
    ],
    "C5": [
        "test_web.py::test_a_photo_that_the_nas_lost_since_the_listing_is_a_404",
        "test_nas.py::test_a_picture_that_is_gone_is_not_found",
        "test_store.py::test_one_photo_that_always_fails_is_asked_for_ever_more_rarely",
    ],
    "C6": [
        "test_store.py::test_one_photo_that_always_fails_is_asked_for_ever_more_rarely",
        "test_store.py::test_screens_never_see_a_photo_that_fails_and_get_it_back_when_it_is_well",
        "test_breaker.py::test_a_failing_photo_waits_a_second_then_five_minutes_then_up_to_six_hours",
    ],
    "C7": [
        "test_store.py::test_a_nas_that_gives_no_picture_at_all_is_asked_rarely",
        "test_store.py::test_one_probe_at_a_time_finds_out_whether_the_nas_is_back",
    ],
    "C8": [
        "test_store.py::test_an_endless_picture_is_given_up_and_gives_its_room_back",
        "test_nas.py::test_a_picture_over_the_limit_is_refused_while_it_is_read",
        "test_wire.py::test_an_announced_length_over_the_limit_is_refused_before_the_body_is_read",
        "test_wire.py::test_a_line_without_end_is_given_up_long_before_it_fills_the_memory",
    ],
    "C9": ["test_wire.py::test_a_compressed_answer_is_refused_unread"],
    "C10": [
        "faults/test_c_bytes.py::test_c10_a_busy_nas_is_left_alone_for_as_long_as_it_asks_within_reason",
        "test_wire.py::test_the_wait_that_a_nas_asks_for_is_clamped",
        "test_breaker.py::test_the_wait_that_the_nas_asks_for_is_kept",
    ],
    "C11": ["test_store.py::test_a_hundred_requests_for_one_cold_photo_make_one_call"],
    "C12": [
        "test_store.py::test_a_download_whose_first_client_leaves_lands_all_the_same",
        "test_store.py::test_a_download_that_everybody_has_left_is_kept_and_held_by_nobody",
        "test_hostile_http.py::test_a_client_that_leaves_before_its_photo_came_leaves_no_trace",
    ],
    "C13": ["test_store.py::test_everybody_who_waits_gets_the_error_at_once"],
    "C14": [
        "test_sync.py::test_an_edited_photo_has_other_bytes_and_another_tag_after_a_listing",
        "test_web.py::test_a_photo_edited_on_the_nas_has_another_entity_tag",
    ],
    "C15": [
        "faults/test_c_bytes.py::test_c15_a_photo_larger_than_the_memory_evicts_nothing_at_any_budget",
        "test_store.py::test_a_photo_larger_than_the_whole_memory_is_refused_and_evicts_nothing",
    ],
    "C16": [
        "faults/test_c_bytes.py::test_c16_what_is_served_as_a_picture_is_one_and_no_browser_may_think_otherwise",
        "test_nas.py::test_only_a_whole_jpeg_is_a_picture",
    ],
    "D1": [
        "faults/test_d_network.py::test_d1_a_nas_that_is_off_is_asked_rarely_and_all_photos_in_memory_go_on",
        "test_sync.py::test_an_outage_of_an_hour_costs_few_connections_and_ever_longer_waits",
        "test_breaker.py::test_five_minutes_of_failures_are_at_most_twelve_tries",
        "test_wire.py::test_a_refused_connection_is_told_at_once",
    ],
    "D2": ["test_wire.py::test_a_host_that_is_dark_is_away_and_not_slow"],
    "D3": [
        "faults/test_d_network.py::test_d3_a_slow_name_service_holds_up_nothing_but_the_call_itself",
        "faults/test_d_network.py::test_d3_a_name_that_does_not_resolve_is_told_until_it_does",
        "test_wire.py::test_a_name_that_does_not_resolve_is_named",
    ],
    "D4": ["faults/test_d_network.py::test_d4_a_nas_that_got_another_address_is_found_again"],
    "D5": [
        "faults/test_d_network.py::test_d5_a_connection_that_falls_silent_costs_one_time_out",
        "test_wire.py::test_a_connection_that_went_silent_costs_one_time_out_and_the_next_call_gets_a_fresh_one",
    ],
    "D6": [
        "test_wire.py::test_the_keep_alive_race_is_retried_once_on_a_fresh_connection",
        "test_wire.py::test_the_retry_does_not_take_another_stale_connection",
        "test_wire.py::test_a_login_is_never_sent_twice",
    ],
    "D7": [
        "faults/test_d_network.py::test_d7_a_reset_in_the_middle_of_a_picture_is_tried_once_more_and_then_told",
        "test_wire.py::test_a_reset_is_retried_once_and_then_told",
    ],
    "D8": [
        "faults/test_d_network.py::test_d8_a_dripping_answer_ends_at_the_time_out_and_frees_its_thread",
        "test_wire.py::test_a_dripped_answer_ends_at_the_total_deadline",
        "test_wire.py::test_a_retry_gets_only_what_is_left_of_the_time",
    ],
    "D9": ["faults/test_d_network.py::test_d9_latency_is_no_outage"],
    "D10": ["faults/test_d_network.py::test_d10_a_picture_too_large_for_the_line_is_not_asked_for_again_and_again"],
    "D11": [
        "test_wire.py::test_a_certificate_that_nobody_vouches_for_is_told_with_the_way_out",
        "test_wire.py::test_a_certificate_given_as_ca_file_is_trusted_whoever_signed_it",
        "test_wire.py::test_a_certificate_out_of_its_time_is_told_as_such",
        "test_wire.py::test_another_certificate_than_the_pinned_one_gets_nothing",
        "test_check.py::test_a_certificate_out_of_its_time_is_told",
        "test_wire.py::test_a_trusted_certificate_for_another_name_is_refused",
    ],
    "D12": ["test_wire.py::test_proxies_and_netrc_of_the_machine_change_nothing"],
    "D13": [
        "faults/test_d_network.py::test_d13_garbage_in_place_of_http_is_a_502",
        "test_wire.py::test_what_does_not_speak_http_is_told_apart",
        "test_wire.py::test_an_endless_number_of_headers_is_refused",
    ],
    "D14": [
        "faults/test_d_network.py::test_d14_a_listen_address_that_is_not_there_yet_is_waited_for_by_systemd",
        "test_listen.py::test_an_address_of_another_machine_is_told",
    ],
    "D15": [
        "test_service.py::test_a_port_that_is_taken_is_told_in_one_line",
        "test_listen.py::test_a_taken_port_is_told_with_a_way_out",
    ],
    "E1": [
        "test_hostile_http.py::test_a_client_that_never_reads_is_let_go_and_its_photo_with_it",
        "test_hostile_http.py::test_eight_stalled_clients_of_one_photo_hold_one_copy",
        "test_direct.py::test_a_client_that_leaves_or_stalls_holds_the_photo_no_longer",
    ],
    "E2": ["test_hostile_http.py::test_half_a_request_header_is_let_go_after_the_header_timeout"],
    "E3": [
        "test_hostile_http.py::test_half_a_request_body_is_let_go_after_the_body_timeout",
        "test_hostile_http.py::test_a_large_request_body_is_refused_early",
    ],
    "E4": [
        "test_direct.py::test_no_answer_takes_longer_than_its_limit",
        "test_hostile_http.py::test_a_slow_client_that_makes_progress_gets_everything",
    ],
    "E5": [
        "test_hostile_http.py::test_connections_stay_below_the_descriptor_limit",
        "test_hostile_http.py::test_one_address_cannot_take_all_connections",
    ],
    "E6": ["test_hostile_http.py::test_a_header_over_16_kb_is_refused"],
    "E7": ["test_hostile_http.py::test_two_hundred_clients_that_leave_midway_leave_no_trace"],
    "E8": ["faults/test_e_clients.py::test_e8_fifty_screens_that_wake_up_at_once_get_their_photos_with_few_calls"],
    "E9": [
        "faults/test_e_clients.py::test_e9_a_screen_that_asks_without_pause_costs_the_nas_nothing_and_others_get_theirs"
    ],
    "E10": [
        "faults/test_e_clients.py::test_e10_a_connection_goes_on_after_an_error",
        "test_hostile_http.py::test_pipelined_requests_are_answered_in_order",
        "test_direct.py::test_requests_in_a_row_are_answered_in_their_order",
    ],
    "F1": [
        "faults/test_f_resources.py::test_f1_without_descriptors_it_neither_spins_nor_fills_the_log",
        "test_hostile_http.py::test_connections_stay_below_the_descriptor_limit",
    ],
    "F2": ["faults/test_f_resources.py::test_f2_system_calls_that_fail_for_want_of_resources_are_got_over"],
    "F3": [
        "test_allocator.py::test_dropped_photos_go_back_to_the_system_one_by_one",
        "test_store.py::test_memory_and_downloads_together_never_pass_the_limit",
    ],
    "F4": [
        "faults/test_f_resources.py::test_f4_a_picture_that_finds_no_memory_is_an_error_of_its_own",
        "test_store.py::test_a_download_that_fails_unforeseen_is_an_error_of_this_photo_alone",
        "test_sync.py::test_a_look_that_fails_unforeseen_does_not_stop_the_next",
    ],
    "F5": [
        "faults/test_f_resources.py::test_f5_the_limits_that_are_recommended_hold_what_the_service_may_take",
        "faults/test_f_resources.py::test_f5_after_a_kill_it_starts_as_if_nothing_had_been",
    ],
    "F6": [
        "test_store.py::test_a_full_queue_refuses_and_screens_still_get_a_photo",
        "test_store.py::test_at_most_four_calls_are_made_at_a_time_under_any_load",
        "test_store.py::test_waiting_clients_come_before_downloads_that_nobody_waits_for",
    ],
    "F7": ["faults/test_f_resources.py::test_f7_time_outs_leave_every_thread_free"],
    "F8": [
        "faults/test_b_listing.py::test_b6_a_large_listing_is_read_on_worker_threads",
        "faults/test_d_network.py::test_d3_a_slow_name_service_holds_up_nothing_but_the_call_itself",
        "faults/test_g_lifecycle.py::test_g11_a_frozen_loop_ends_the_process_so_that_it_is_started_again",
        "test_architecture.py::TestThreads::test_the_loop_never_sleeps_or_waits_for_another_program",
        "test_architecture.py::TestThreads::test_what_blocks_is_handed_to_workers_and_never_called_on_the_loop",
    ],
    "F9": [
        "test_disk.py::test_a_disk_that_cannot_be_written_is_told_once_and_tried_again_later",
        "test_disk.py::test_a_write_that_breaks_off_leaves_nothing",
        "test_disk.py::test_the_last_of_a_disk_is_left_to_others",
        "test_keeper.py::test_a_directory_that_cannot_be_written_is_told_in_one_line",
        "test_keeper.py::test_without_a_state_directory_nothing_stays_but_the_login_brakes_lock",
    ],
    "F10": [
        "test_service.py::test_a_stderr_that_nobody_reads_does_not_stop_the_service",
        "test_service.py::test_a_stderr_that_is_closed_does_not_stop_the_service",
        "test_log.py::TestLogging::test_a_stuck_terminal_delays_nobody_and_lines_are_dropped_and_counted",
        "faults/test_f_resources.py::test_f10_a_log_on_a_full_disk_does_not_stop_the_service",
    ],
    "F11": [
        "faults/test_f_resources.py::test_f11_looks_and_kiosks_write_nothing_to_disk",
        "test_keeper.py::test_an_unchanged_album_is_not_written_again",
    ],
    "F12": [
        "faults/test_f_resources.py::test_f12_whichever_call_fails_there_are_photos_afterwards_and_nothing_leaks",
        "faults/test_f_resources.py::test_f12_two_hundred_visits_leave_no_descriptor_and_no_thread_behind",
        "test_torture.py::test_the_service_gets_over_each_kind_of_fault_at_some_call",
    ],
    "F13": ["test_cache.py::TestAccountingStaysRight"],
    "G1": [
        "test_service.py::test_a_service_that_starts_before_its_nas_shows_photos_once_it_is_there",
        "test_service.py::test_systemd_hears_of_readiness_and_the_watchdog_while_the_nas_is_away",
        "test_sync.py::test_a_service_that_starts_without_its_nas_serves_once_it_is_there",
    ],
    "G2": [
        "test_service.py::test_an_idle_service_stops_at_once_with_status_0_and_logs_out",
        "test_service.py::test_systemd_is_told_ready_watchdog_and_stopping",
    ],
    "G3": [
        "test_service.py::test_a_photo_that_is_half_sent_is_sent_whole_after_sigterm",
        "test_service.py::test_a_photo_that_is_being_fetched_is_still_sent_whole_after_sigterm",
        "test_direct.py::test_a_service_that_stops_says_goodbye",
    ],
    "G4": ["test_service.py::test_a_nas_that_hangs_does_not_hold_up_the_end"],
    "G5": ["test_service.py::test_a_second_sigterm_ends_it_at_once"],
    "G6": ["faults/test_g_lifecycle.py::test_g6_as_process_1_of_a_container_it_heeds_sigterm"],
    "G9": [
        "faults/test_g_lifecycle.py::test_g9_a_frozen_loop_feeds_no_watchdog_and_sigabrt_tells_where_it_stands",
        "test_service.py::test_systemd_hears_of_readiness_and_the_watchdog_while_the_nas_is_away",
    ],
    "G10": ["faults/test_g_lifecycle.py::test_g9_a_frozen_loop_feeds_no_watchdog_and_sigabrt_tells_where_it_stands"],
    "G11": [
        "faults/test_g_lifecycle.py::test_g11_a_frozen_loop_ends_the_process_so_that_it_is_started_again",
        "faults/test_g_lifecycle.py::test_g11_a_nas_that_hangs_is_no_frozen_loop",
        "test_watchdog.py::test_a_loop_that_turns_is_left_alone",
    ],
    "G7": [
        "faults/test_g_lifecycle.py::test_g7_a_hundred_sighups_under_load_cost_no_request_and_only_changes_cost_a_login",
        "test_reload.py::TestMistakes::test_each_is_told_and_nothing_changes",
    ],
    "G8": [
        "test_disk.py::test_a_torn_file_is_put_aside_and_never_given",
        "test_saved.py::test_a_torn_file_is_told",
        "test_keeper.py::test_a_broken_file_costs_what_was_in_it_and_no_more",
        "test_keeper.py::test_what_a_kill_left_unfinished_is_cleared_away",
        "test_torture.py::test_a_killed_process_leaves_nothing_torn_and_the_next_one_shows_photos_at_once",
    ],
    "G12": [
        "test_brake.py::test_twenty_restarts_with_a_wrong_password_are_two_logins_in_five_minutes",
        "test_brake.py::test_no_five_minutes_see_more_than_three_refused_logins",
    ],
    "G13": ["faults/test_g_lifecycle.py::test_g13_the_readme_tells_of_the_hardware_watchdog"],
    "H1": [
        "faults/test_h_time.py::test_h1_a_boot_in_1970_the_jump_to_today_and_a_step_back_cost_nothing",
        "test_service.py::test_the_album_is_looked_at_in_time_after_the_wall_clock_stepped",
    ],
    "H2": [
        "faults/test_h_time.py::test_h2_no_timer_of_the_service_follows_the_wall_clock",
        "test_service.py::test_a_step_of_the_wall_clock_delays_no_timer",
        "test_service.py::test_the_watchdog_is_fed_while_the_clock_of_the_whole_process_steps_back",
    ],
    "H3": ["faults/test_h_time.py::test_h3_a_clock_that_stands_still_in_1970_is_told_and_photos_are_shown"],
    "H4": ["faults/test_h_time.py::test_h4_the_time_a_photo_was_taken_is_the_cameras_in_every_zone_and_season"],
    "H5": [
        "faults/test_h_time.py::test_h5_with_a_wrong_clock_nothing_is_dated_but_the_answer_itself",
        "test_web.py::test_a_photo_may_be_kept_by_caches_and_has_no_date_validators",
    ],
    "H6": [
        "faults/test_h_time.py::test_h6_ten_minutes_of_suspension_cost_one_tick_and_not_thousands",
        "faults/test_g_lifecycle.py::test_h6_a_process_that_was_stopped_goes_on_and_is_not_taken_for_a_frozen_one",
    ],
    "H7": ["faults/test_h_time.py::test_h7_a_long_uptime_changes_nothing"],
}
"""Test names stand as pytest shows them, from the folder of the tests on."""

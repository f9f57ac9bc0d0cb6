# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Waiting for a condition. Sourced, never run.

# wait_until SECONDS CMD...: until CMD succeeds, which is tried every 20 ms; fails when it did not in that time.
wait_until() {
        local wait_until_end=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000))
        shift
        until "$@"; do
                [ "${EPOCHREALTIME/[.,]/}" -lt "$wait_until_end" ] || return 1
                sleep 0.02
        done
}

# process_gone PID: it has ended, if perhaps nobody has asked how.
process_gone() { [ ! -d "/proc/$1" ] || grep -qs '^State:.Z' "/proc/$1/status"; }

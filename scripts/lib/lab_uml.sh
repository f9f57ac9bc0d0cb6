# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# The lab inside User-Mode Linux (mode uml): there is one process outside, the machine, and inside it scripts/lab runs the
# same lab as in mode netns, with the same directory. What has to happen inside is told to an agent there.
#
# $LAB_DIR/run/uml: pid and start time of the machine, name and network of the lab, scratch directory. In the scratch
# directory: the FIFO "in", the only thing the agent listens to, with lines "run ID", "signal ID NAME" and "off".
# $LAB_DIR/run/calls/ID is a command that runs inside: call (the words, for a shell), out and err (what it printed so
# far), in.N and end.N (its input in pieces, the number of pieces), code (its exit code, at the end).

UML_PID="" UML_SCRATCH=""
UML_MEM=1G UML_BOOT_S=30 UML_DOWN_S=60 UML_OFF_S=15

# True inside the machine.
lab_uml_inside() { [ "${QUINTET_LAB_INSIDE:-}" = uml ]; }

# shellcheck disable=SC2034 # MODE is of lab_select.sh
# The machine of this lab and what it is called; false when there is none. What one left that is gone is removed.
lab_uml_saved() {
        local since
        ! lab_uml_inside || return 1
        { read -r UML_PID since LAB_NAME LAB_NET UML_SCRATCH <"$LAB_DIR/run/uml"; } 2>/dev/null || return 1
        MODE=uml
        [ "$(ticks "$UML_PID")" != "$since" ] || return 0
        lab_uml_forget
        return 1
}

lab_uml_running() { [ -n "$UML_PID" ] && [ -e "$LAB_DIR/run/uml" ] && kill -0 "$UML_PID" 2>/dev/null; }

# The machine has ended: what its processes left in run/ means nothing to another one.
lab_uml_forget() {
        rm -rf "$LAB_DIR"/run/{uml,mode,name,exec,calls,*.pid,*.since,*.shell}
        [[ $UML_SCRATCH != */quintet-uml.* ]] || rm -rf "$UML_SCRATCH"
        UML_PID=""
}

# Boots the machine; returns when its agent listens.
lab_uml_up() {
        local i missing
        missing=$(uml_missing)
        [ -z "$missing" ] || die "User-Mode Linux does not work here: $missing"
        UML_SCRATCH=$(uml_scratch) || die "cannot make a directory in ${TMPDIR:-/tmp}"
        rm -rf "$LAB_DIR"/run/{mode,name,exec,calls,*.pid,*.since,*.shell}
        { mkdir -p "$LAB_DIR/run/calls" && mkfifo -m 600 "$UML_SCRATCH/in" && ln -s "$LAB_DIR/log/uml.log" "$UML_SCRATCH/console"; } ||
                die "cannot write in $LAB_DIR"
        # the lock is ours, not the machine's
        {
                [ -z "$LOCK" ] || exec {LOCK}>&-
                QUINTET_LAB_INSIDE=uml QUINTET_LAB_DIR=$LAB_DIR QUINTET_LAB_NAME=$LAB_NAME QUINTET_LAB_NET=$LAB_NET \
                        QUINTET_LAB_MODE=netns QUINTET_BIN=$BIN UML_COVER_TMP=0 UML_USER_IDS=$(id -u):$(id -g) \
                        UML_KEEP=$LAB_DIR$'\n'$BIN uml_start "$UML_SCRATCH" $UML_MEM bash "$ROOT/scripts/lib/lab_uml_agent.sh" \
                        3<>"$UML_SCRATCH/in" 4>>"$LAB_DIR/log/uml-agent.log"
                echo "$UML_PID $(ticks "$UML_PID") $LAB_NAME $LAB_NET $UML_SCRATCH" >"$LAB_DIR/run/uml"
        } >/dev/null 2>&1
        lab_uml_saved || die "User-Mode Linux did not start: $(tail -3 "$LAB_DIR/log/uml.log" | paste -sd' ')"
        for ((i = 0; i < UML_BOOT_S * 20; i++)); do
                [ ! -e "$UML_SCRATCH/ready" ] || return 0
                lab_uml_running || break
                sleep 0.05
        done
        i=$(tail -5 "$LAB_DIR/log/uml.log" "$LAB_DIR/log/uml-agent.log" 2>/dev/null)
        lab_uml_off
        die "the machine in User-Mode Linux did not come up: $i"
}

# Ends the machine.
lab_uml_off() {
        local i
        if lab_uml_running; then
                echo off 1<>"$UML_SCRATCH/in"
                for ((i = 0; i < UML_OFF_S * 50; i++)); do
                        kill -0 "$UML_PID" 2>/dev/null || break
                        sleep 0.02
                done
                uml_kill "$UML_PID"
        fi
        lab_uml_forget
}

# Input in pieces, each a file that is whole when it has its name.
lab_uml_feed() {
        local call=$1 n=0
        while dd bs=1M count=1 status=none of="$call/in.new" && [ -s "$call/in.new" ]; do
                mv "$call/in.new" "$call/in.$n"
                n=$((n + 1))
        done
        : >"$call/end.$n"
} 2>/dev/null

# Signals that we were told to ignore (as in the background of a script) cannot be passed on: starts again without.
lab_uml_hear() {
        local ignored
        ignored=$(sed -n 's/^SigIgn:[[:space:]]*//p' /proc/self/status)
        [ $((0x$ignored & 6)) = 0 ] || exec env --default-signal=INT,QUIT "$ROOT/scripts/lab" "$@"
}

# lab_uml_call CMD...: runs CMD inside, in this directory, with our input, output and signals; returns its exit code.
# Input is read whether CMD wants it or not, as ssh does.
lab_uml_call() {
        local id call out err feeder="" waiter code="" s v
        id=$BASHPID-$RANDOM
        call=$LAB_DIR/run/calls/$id
        (umask 077 && mkdir -p "$call" && : >"$call/out" && : >"$call/err") || die "cannot write in $LAB_DIR/run"
        {
                printf 'cd %q || exit\n' "$PWD"
                for v in ${!QUINTET_@} COLUMNS TERM; do
                        case $v in QUINTET_LAB_NAME | QUINTET_LAB_NET | QUINTET_LAB_MODE | QUINTET_LAB_DIR | QUINTET_BIN) ;; *) [ -z "${!v:-}" ] || printf 'export %s=%q\n' "$v" "${!v}" ;; esac
                done
                printf 'exec'
                printf ' %q' "$@"
        } >"$call/call"
        # those who help must see the end, so that signals are for CMD alone
        trap '' INT TERM HUP QUIT
        (while [ ! -e "$call/code" ] && kill -0 "$UML_PID" 2>/dev/null; do sleep 0.05; done) &
        waiter=$!
        tail -q -c +1 -f -s 0.05 --pid=$waiter "$call/out" 2>/dev/null &
        out=$!
        tail -q -c +1 -f -s 0.05 --pid=$waiter "$call/err" >&2 2>/dev/null &
        err=$!
        if [ "$(readlink /proc/self/fd/0)" = /dev/null ]; then
                : >"$call/end.0"
        else
                lab_uml_feed "$call" <&0 &
                feeder=$!
        fi
        # shellcheck disable=SC2064 # as it is now
        for s in INT TERM HUP QUIT USR1 USR2; do trap "echo signal $id $s 1<>$UML_SCRATCH/in" $s; done
        echo "run $id" 1<>"$UML_SCRATCH/in"
        while kill -0 $waiter 2>/dev/null; do
                wait -n $waiter $out
                if ! kill -0 $out 2>/dev/null && kill -0 $waiter 2>/dev/null; then
                        # nobody reads our output any more
                        echo "signal $id PIPE" 1<>"$UML_SCRATCH/in"
                        wait $waiter
                fi
        done
        wait $out $err
        # shellcheck disable=SC2046
        [ -z "$feeder" ] || kill $(pgrep -P $feeder) $feeder 2>/dev/null
        trap - INT TERM HUP QUIT USR1 USR2
        { read -r code <"$call/code"; } 2>/dev/null || say "${0##*/}: the machine in User-Mode Linux has ended" >&2
        rm -rf "$call"
        return "${code:-125}"
}

# lab_uml_lab COMMAND ARGS...: scripts/lab inside.
lab_uml_lab() { lab_uml_call "$ROOT/scripts/lab" "$@"; }

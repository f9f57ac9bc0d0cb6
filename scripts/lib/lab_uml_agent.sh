#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside a User-Mode Linux that carries a lab: runs what scripts/lib/lab_uml.sh asks for, one line each on standard input.
# Nothing else reaches it. It ends with the machine.
set -u
CALLS=$QUINTET_LAB_DIR/run/calls

# Reads nothing, for a pause without a process.
pause() { read -rt 0.05 -u "$IDLE"; }

# feed DIR: the pieces of input as they come.
feed() {
        local n=0
        while [ ! -e "$1/end.$n" ]; do
                if [ -e "$1/in.$n" ]; then
                        cat "$1/in.$n" || return
                        n=$((n + 1))
                else
                        pause
                fi
        done
}

# run ID: in a process group of its own, so that a signal reaches all of it.
run() {
        local dir=$CALLS/$1 code=0 group
        set -m
        if [ -e "$dir/end.0" ]; then bash "$dir/call" </dev/null >>"$dir/out" 2>>"$dir/err" &
        else feed "$dir" | bash "$dir/call" >>"$dir/out" 2>>"$dir/err" & fi
        group=$(jobs -p)
        echo "$group" >"/run/calls/$1"
        set +m
        wait $! || code=$?
        [ "$group" = $! ] || kill "$group" 2>/dev/null # whoever waits for more input
        rm -f "/run/calls/$1"
        echo $code >"$dir/code.new" && mv "$dir/code.new" "$dir/code"
}

signal() {
        local group
        for _ in {1..40}; do
                { read -r group <"/run/calls/$1"; } 2>/dev/null && break
                pause
        done
        [ -z "${group:-}" ] || kill -s "$2" -- "-$group" 2>/dev/null
}

mkdir -p /run/calls
mkfifo /run/idle && exec {IDLE}<>/run/idle
: >"$SCRATCH/ready"
while read -r what id name; do
        case $what in
        run) run "$id" & ;;
        signal) signal "$id" "$name" & ;;
        off) exit 0 ;;
        esac
done

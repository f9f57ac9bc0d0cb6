# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Starting, watching and stopping the four nodes of the lab.
#
# Files in $LAB_DIR/run: mode, name and core (how and as what the lab was started, NAME NET, clear or tls), and for each
# node its pid, since (start time of that process in clock ticks since boot), shell (who waits for it) and exit; exec lists what
# scripts/lab exec ran, with start times.

BIN=${QUINTET_BIN:-$ROOT/build/release/bin}
[[ $BIN = /* ]] || BIN=$PWD/$BIN

# ticks PID: start time of a process that is alive.
ticks() {
        local stat
        { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
        # shellcheck disable=SC2086
        set -- ${stat##*) }
        [ "$1" != Z ] && echo "${20}"
}

node_pid() {
        local pid since
        { read -r pid <"$LAB_DIR/run/$1.pid" && read -r since <"$LAB_DIR/run/$1.since"; } 2>/dev/null || return 1
        # the pid may have been given to somebody else since
        [ "$(ticks "$pid")" = "$since" ] || return 1
        echo "$pid"
}

lab_running() {
        local n
        [ "$MODE" != uml ] || { lab_uml_running; return; }
        for n in $NODES; do node_pid "$n" >/dev/null && return 0; done
        return 1
}

lab_require_dir() { [ -d "$LAB_DIR/log" ] || die "there is no lab yet: scripts/lab up"; }

lab_require_up() { lab_running || die "the lab is not up: scripts/lab up"; }

# Why a node is not running, as far as it is known.
node_end() {
        local code
        code=$(cat "$LAB_DIR/run/$1.exit" 2>/dev/null) || { echo "not started"; return; }
        if [ "$code" = 0 ]; then echo "ended normally"
        elif [ "$code" -gt 128 ]; then echo "killed by signal $((code - 128)) ($(kill -l $((code - 128))))"
        else echo "ended with exit code $code"; fi
}

# node_start NODE: returns when it serves; otherwise names the reason from its log.
node_start() {
        local node=$1 log=$LAB_DIR/log/$1.log run=$LAB_DIR/run line="" mark out
        rm -f "$run/$node".{pid,since,shell,exit}
        touch "$log"
        mark=$(($(wc -l <"$log") + 1))
        # The node says "ready" into a pipe, which ends when the node ends first. A small shell stays behind
        # to write down how it ended.
        # shellcheck disable=SC2016
        exec {out}< <(
                [ -z "$LOCK" ] || exec {LOCK}>&-
                QUINTET_READY_FD=9 exec_in_node "$node" setsid bash -c '
                        node=$1 run=$2
                        echo $$ >"$run/$node.shell"
                        (
                                read -r stat </proc/self/stat
                                set -- "$@" ${stat##*) }
                                echo "${25}" >"$run/$node.since"
                                echo "$BASHPID" >"$run/$node.pid"
                                exec "$3" -c "$4" 9>&1 >>"$5" 2>&1
                        ) &
                        exec >/dev/null
                        wait $!
                        echo $? >"$run/$node.exit"' lab "$node" "$run" "$BIN/$node" "$LAB_DIR/conf/$node.yaml" "$log" \
                        </dev/null 2>>"$log"
        )
        read -r -t 10 -u "$out" line || true
        exec {out}<&-
        [ "$line" = ready ] && return 0
        say "$node did not start; its log says:" >&2
        tail -n "+$mark" "$log" | tail -8 | sed 's/^/    /' >&2
        [ "$(wc -l <"$log")" -ge "$mark" ] || say "    (nothing)" >&2
        die "$node did not start"
}

nodes_start() {
        local n why started="" marks=""
        echo "$MODE" >"$LAB_DIR/run/mode"
        echo "$LAB_NAME $LAB_NET" >"$LAB_DIR/run/name"
        echo "$LAB_CORE" >"$LAB_DIR/run/core"
        for n in icscf scscf; do marks="$marks $(stat -c %s "$LAB_DIR/trace/$n.jsonl" 2>/dev/null || echo 0)"; done
        for n in $NODES; do
                node_pid "$n" >/dev/null && continue
                if [ -f "$LAB_DIR/run/$n.pid" ]; then
                        why=$(node_end "$n")
                        [ "$why" = "ended normally" ] || say "$n was not running ($why): starting it again"
                fi
                node_start "$n"
                started="$started $n"
        done
        # shellcheck disable=SC2086
        nodes_wait_cx "$started" $marks
}

# The CSCFs serve only when their Diameter connection to the HSS is up; wait for that, bounded. The marks are the
# lengths of the traces of icscf and scscf before the start.
nodes_wait_cx() {
        local n started=$1
        shift
        for n in icscf scscf; do
                case " $started " in
                *" $n "* | *" hss "*)
                        wait_until 3 peer_up "$n" "$1" || say "warning: $n has no Diameter connection to the HSS yet" ;;
                esac
                shift
        done
}

# peer_up NODE OCTETS: its trace, behind so many octets, tells last of a connection that is up.
peer_up() {
        tail -c "+$(($2 + 1))" "$LAB_DIR/trace/$1.jsonl" 2>/dev/null |
                grep '"cause":"peer_' | tail -1 | grep -q '"cause":"peer_up"'
}

node_ended() { ! node_pid "$1" >/dev/null; }

nodes_stop() {
        local n pid
        for n in pcscf icscf scscf hss; do
                pid=$(node_pid "$n") || { rm -f "$LAB_DIR/run/$n.pid"; continue; }
                kill -TERM "$pid"
                if ! wait_until 5 node_ended "$n"; then
                        say "$n did not end within 5 seconds: killed"
                        kill -KILL "$pid"
                fi
                # how it ended is written by the shell beside it, a moment later
                wait_until 1 test -s "$LAB_DIR/run/$n.exit"
                rm -f "$LAB_DIR/run/$n.pid"
        done
        rm -f "$LAB_DIR"/run/{mode,name,core}
}

# Time of the start of a process, in UTC like logs and ladder.
since_of() {
        local boot
        boot=$(sed -n 's/^btime //p' /proc/stat)
        date -u -d "@$((boot + $(ticks "$1") / $(getconf CLK_TCK)))" '+%Y-%m-%d %H:%M:%S UTC'
}

nodes_status() {
        local n pid all=0
        [ -d "$LAB_DIR/run" ] || { say "the lab was never started: scripts/lab up"; return 3; }
        printf '%-7s %-9s %-8s %-22s %s\n' node state pid address since
        for n in $NODES; do
                if pid=$(node_pid "$n"); then
                        printf '%-7s %-9s %-8s %-22s %s\n' "$n" running "$pid" "$(addr_of "$n")" "$(since_of "$pid")"
                else
                        printf '%-7s %-9s %-8s %-22s %s\n' "$n" down - "$(addr_of "$n")" "$(node_end "$n")"
                        all=3
                fi
        done
        [ "$LAB_CORE" = clear ] || say "Mw and Cx over TLS"
        return $all
}

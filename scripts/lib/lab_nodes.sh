# SPDX-License-Identifier: BSD-3-Clause
# Starting, watching and stopping the four nodes of the lab.

BIN=${QUINTET_BIN:-$ROOT/build/release/bin}
LAB_DIR=${QUINTET_LAB_DIR:-$ROOT/build/lab}

lab_mode_saved() { cat "$LAB_DIR/run/mode" 2>/dev/null; }

# Decides how nodes are separated: as the running lab does, as told, or by what this machine allows.
lab_select() {
        MODE=$(lab_mode_saved)
        [ -n "$MODE" ] && return 0
        MODE=${QUINTET_LAB_MODE:-}
        [ -n "$MODE" ] || { if network_can_netns; then MODE=netns; else MODE=loopback; fi; }
        case $MODE in netns | loopback) ;; *) die "QUINTET_LAB_MODE is netns or loopback, not '$MODE'" ;; esac
        if [[ $1 = up || $1 = start ]] && [ "$MODE" = netns ] && ! network_can_netns; then
                die "network namespaces need root; QUINTET_LAB_MODE=loopback works without"
        fi
}

node_pid() {
        local pid exe
        pid=$(cat "$LAB_DIR/run/$1.pid" 2>/dev/null) || return 1
        # the pid may have been given to somebody else since; a rebuilt program's old file is "(deleted)"
        exe=$(readlink "/proc/$pid/exe" 2>/dev/null)
        [ "${exe% (deleted)}" = "$(readlink -f "$BIN/$1")" ] || return 1
        echo "$pid"
}

lab_running() {
        local n
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
        local node=$1 fifo=$LAB_DIR/run/$1.ready line="" mark
        rm -f "$fifo" "$LAB_DIR/run/$node.exit" "$LAB_DIR/run/$node.pid"
        mkfifo -m 600 "$fifo"
        touch "$LAB_DIR/log/$node.log"
        mark=$(($(wc -l <"$LAB_DIR/log/$node.log") + 1))
        # a small shell stays behind each node to write down how it ended
        # shellcheck disable=SC2016
        QUINTET_READY_FD=9 in_node "$node" setsid bash -c '
                node=$1 run=$2 bin=$3 log=$4
                "$bin" -c "$5" 9>"$run/$node.ready" </dev/null >>"$log" 2>&1 &
                echo $! >"$run/$node.pid"
                wait $!
                echo $? >"$run/$node.exit"' lab "$node" "$LAB_DIR/run" "$BIN/$node" "$LAB_DIR/log/$node.log" \
                "$LAB_DIR/conf/$node.yaml" </dev/null >/dev/null 2>&1 &
        disown $!
        read -r -t 10 line <"$fifo" || true
        rm -f "$fifo"
        [ "$line" = ready ] && return 0
        say "$node did not start; its log says:" >&2
        tail -n "+$mark" "$LAB_DIR/log/$node.log" | tail -8 | sed 's/^/    /' >&2
        die "$node did not start"
}

nodes_start() {
        local n why started=""
        echo "$MODE" >"$LAB_DIR/run/mode"
        for n in $NODES; do
                node_pid "$n" >/dev/null && continue
                if [ -f "$LAB_DIR/run/$n.pid" ]; then
                        why=$(node_end "$n")
                        [ "$why" = "ended normally" ] || say "$n was not running ($why): starting it again"
                fi
                node_start "$n"
                started="$started $n"
        done
        nodes_wait_cx "$started"
}

# The CSCFs serve only when their Diameter connection to the HSS is up; wait for that, bounded.
nodes_wait_cx() {
        local n i
        for n in icscf scscf; do
                case " $1 " in *" $n "* | *" hss "*) ;; *) continue ;; esac
                for ((i = 0; i < 100; i++)); do
                        tail -n 50 "$LAB_DIR/trace/$n.jsonl" 2>/dev/null | grep '"cause":"peer_' | tail -1 |
                                grep -q '"cause":"peer_up"' && break
                        sleep 0.03
                done
                [ $i -lt 100 ] || say "warning: $n has no Diameter connection to the HSS yet"
        done
}

nodes_stop() {
        local n pid i
        for n in pcscf icscf scscf hss; do
                pid=$(node_pid "$n") || { rm -f "$LAB_DIR/run/$n.pid"; continue; }
                kill -TERM "$pid"
                for ((i = 0; i < 250; i++)); do
                        node_pid "$n" >/dev/null || break
                        sleep 0.02
                done
                if node_pid "$n" >/dev/null; then
                        say "$n did not end within 5 seconds: killed"
                        kill -KILL "$pid"
                fi
                # how it ended is written by the shell beside it, a moment later
                for ((i = 0; i < 50; i++)); do
                        [ -s "$LAB_DIR/run/$n.exit" ] && break
                        sleep 0.02
                done
                rm -f "$LAB_DIR/run/$n.pid"
        done
        rm -f "$LAB_DIR/run/mode"
}

nodes_status() {
        local n pid all=0
        [ -d "$LAB_DIR/run" ] || { say "the lab was never started: scripts/lab up"; return 3; }
        printf '%-7s %-9s %-8s %-22s %s\n' node state pid address since
        for n in $NODES; do
                if pid=$(node_pid "$n"); then
                        printf '%-7s %-9s %-8s %-22s %s\n' "$n" running "$pid" "$(addr_of "$n")" \
                                "$(ps -o lstart= -p "$pid")"
                else
                        printf '%-7s %-9s %-8s %-22s %s\n' "$n" down - "$(addr_of "$n")" "$(node_end "$n")"
                        all=3
                fi
        done
        return $all
}

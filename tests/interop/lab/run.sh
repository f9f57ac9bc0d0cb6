#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The front door scripts/lab as a new user meets it, and as one meets it after something went wrong. As root with
# namespaces and with loopback addresses, and then once more as a user without rights.
. "$(dirname "$0")/../lib/lab.sh"
AS_ROOT=0
[ "$(id -u)" = 0 ] && ip netns add "$QUINTET_LAB_NAME-t" 2>/dev/null && ip netns del "$QUINTET_LAB_NAME-t" && AS_ROOT=1
OUT=$WORK/out

# try CODE CMD...: runs CMD, output to $OUT; false (with a reason in $OUT) when it does not end with CODE.
try() {
        local want=$1 code=0
        shift
        [ "$1" != lab ] || set -- "$ROOT/scripts/lab" "${@:2}"
        timeout 60 "$@" >"$OUT" 2>&1 </dev/null || code=$?
        [ "$code" = "$want" ] && return 0
        echo "($* ended with $code, not $want)" >>"$OUT"
        return 1
}

# says PATTERN...: each is in the output of the last try.
says() {
        local p
        for p in "$@"; do grep -qE -- "$p" "$OUT" || { echo "(no '$p')" >>"$OUT"; return 1; }; done
}

# check NAME CODE PATTERN... -- CMD...: CMD ends with CODE and says every pattern.
check() {
        local name=$1 code=$2 patterns=()
        shift 2
        while [ "$1" != -- ]; do patterns+=("$1"); shift; done
        shift
        if try "$code" "$@" && says "${patterns[@]}"; then pass "$MODE_NAME.$name"
        else fail "$MODE_NAME.$name" "$(tail -6 "$OUT" | paste -sd' ')"; fi
}

# confirm NAME WHY CMD...: CMD succeeds.
confirm() {
        local name=$1 why=$2
        shift 2
        if "$@"; then pass "$MODE_NAME.$name"; else fail "$MODE_NAME.$name" "$why"; fi
}

pid_of() { cat "$QUINTET_LAB_DIR/run/$1.pid"; }

wait_gone() { wait_until 5 process_gone "$1"; }

crash() {
        local pid
        pid=$(pid_of "$1")
        kill -9 "$pid" && wait_gone "$pid"
        wait_until 5 test -s "$QUINTET_LAB_DIR/run/$1.exit"
}

# nothing_left: no process of this lab, no namespace.
nothing_left() {
        local left
        left=$(grep -lsF "$QUINTET_LAB_DIR/" /proc/[0-9]*/cmdline; [ ! -d /run/netns ] || find /run/netns -name "$QUINTET_LAB_NAME-*")
        [ -z "$left" ] || { echo "left: $left" | paste -sd' '; return 1; }
}

# occupy NODE PORT TRANSPORT(u1|t1): a stranger takes the port where NODE runs; its pid is in STRANGER.
occupy() {
        local prefix=() addr
        addr=$("$ROOT/scripts/lab" address "$1")
        [ "$MODE_NAME" = netns ] && prefix=(ip netns exec "$QUINTET_LAB_NAME-$1")
        (cd "$WORK" && exec "${prefix[@]}" sipp -sn uas -i "$addr" -p "$2" -t "$3" -nostdin -timeout 60) \
                >/dev/null 2>&1 </dev/null &
        STRANGER=$!
        wait_until 5 taken "$addr:$2"
}

# taken ADDRESS:PORT: somebody listens there, seen from where occupy is.
taken() { "${prefix[@]}" ss -Haltun "src $1" 2>/dev/null | grep -q .; }

release() { kill -9 "$STRANGER"; wait "$STRANGER" 2>/dev/null; }

LADDER='\|=+>\| +.*UAR, REGISTRATION'
# the verdict of a first registration or, while one lasts, of a refresh
VERDICT='S-CSCF: (registration|refresh) ok'

test_up_and_down() {
        local t0 t1
        check never_started 3 'never started' -- lab status
        check no_lab_yet 1 'not up: scripts/lab up' -- lab exec hss hss subscriber list
        t0=$(date +%s%N)
        check up 0 'REGISTER, expires' "$LADDER" 'MAA SUCCESS' 'SAA SUCCESS' "$VERDICT" '^registered: sip:001010000000001@' \
                "The lab is up \($MODE_NAME\)" -- lab up
        t1=$(date +%s%N)
        echo "$MODE_NAME: scripts/lab up took $(((t1 - t0) / 1000000)) ms"
        check status 0 'hss +running' 'icscf +running' 'scscf +running' 'pcscf +running' -- lab status
        check again 0 'up already' "$VERDICT" -- lab up
        echo "$MODE_NAME: up again took $((($(date +%s%N) - t1) / 1000000)) ms"
        check demo 0 "$VERDICT" "Contact +sip:001010000000001@$(lab address ue):" -- lab demo
        check ladder 0 "$LADDER" "$VERDICT" -- lab ladder --last
        check ladder_follows_arguments 0 '"' -- lab ladder --json
        check logs 0 '^hss: .*ready' '^pcscf: .*ready' '^scscf: .*registration ok' -- lab logs
        check log_of_a_node 0 'registration ok' -- lab logs scscf
        check no_log_of_x 1 'no such node: x' -- lab logs x
        check exec_hss 0 001010000000001 -- lab exec hss hss subscriber list
        check exec_lab 0 -- lab exec lab true
        check second_lab_refuses 1 "runs as $QUINTET_LAB_NAME" -- env QUINTET_LAB_NET=253 "$ROOT/scripts/lab" up
        check down 0 'is down' 'kept in' -- lab down
        confirm nothing_left "processes or namespaces remain" nothing_left
        check down_twice 0 'is down' -- lab down
        check subscribers_are_kept 0 "$VERDICT" -- lab up
        check logs_no_keys 1 -- grep -ril '465b5ce8b199b49faa5f0a2ee238a6bc\|cd63cb71954a9f4e48a5994e37a02baf' \
                "$QUINTET_LAB_DIR"/log "$QUINTET_LAB_DIR"/trace
        lab down >/dev/null
}

test_typing_errors() {
        check bare 2 'scripts/lab up' -- lab
        check help 0 'scripts/lab up' 'QUINTET_LAB_MODE' -- lab help
        check no_command 1 'no such command: foo' -- lab foo
        check up_takes_nothing 1 "up does not take 'now'" -- lab up now
        check down_option 1 "does not take '--claen'" -- lab down --claen
        check exec_node 1 'no such node: nosuch' -- lab exec nosuch true
        check exec_alone 1 'needs a node and a command' -- lab exec hss
        check address_node 1 'no such node: hhs' -- lab address hhs
        check logs_none 1 'no lab yet' -- lab logs
        check mode 1 "netns, loopback or uml, not 'docker'" -- env QUINTET_LAB_MODE=docker "$ROOT/scripts/lab" up
        check name 1 'QUINTET_LAB_NAME is' -- env QUINTET_LAB_NAME='a b' "$ROOT/scripts/lab" up
        check net 1 'QUINTET_LAB_NET is' -- env QUINTET_LAB_NET=300 "$ROOT/scripts/lab" up
}

test_crash() {
        local n
        lab start >"$OUT" 2>&1
        for n in hss scscf pcscf; do
                crash $n
                check crash.$n.named 3 "$n +down .*killed by signal 9 \(KILL\)" -- lab status
                check crash.$n.repaired 0 "$n was not running \(killed by signal 9" 'up already' "$VERDICT" -- lab up
        done
        for n in pcscf icscf scscf hss; do crash $n; done
        check crash.all_repaired 0 'hss was not running' 'pcscf was not running' "$VERDICT" -- lab up
        lab down >/dev/null
}

# A port in use is named with node, key and address, whether the lab is up in part or not at all.
test_port_in_use() {
        lab start >"$OUT" 2>&1
        crash pcscf
        if occupy pcscf 5060 u1; then
                check port.sip 1 'pcscf did not start' 'gm\.listen' "$(lab address pcscf):5060" '[Aa]ddress already in use' -- lab up
                release
        else fail "$MODE_NAME.port.sip" "SIPp does not listen"; fi
        check port.sip_free_again 0 "$VERDICT" -- lab up
        crash hss
        if occupy hss 3868 t1; then
                check port.cx 1 'hss did not start' 'diameter\.listen' "$(lab address hss):3868" '[Aa]ddress already in use' -- lab up
                release
        else fail "$MODE_NAME.port.cx" "SIPp does not listen"; fi
        check port.cx_free_again 0 "$VERDICT" -- lab up
        lab down >/dev/null
}

test_killed_lab() {
        local n
        lab start >"$OUT" 2>&1
        for n in $(cat "$QUINTET_LAB_DIR"/run/*.shell "$QUINTET_LAB_DIR"/run/*.pid); do kill -9 "$n"; wait_gone "$n"; done
        if [ "$MODE_NAME" = netns ]; then
                check killed.stale_namespaces 0 'removing stale namespaces.*-hss' "$VERDICT" -- lab up
                for n in pcscf icscf scscf hss; do crash $n; done
                ip netns exec "$QUINTET_LAB_NAME-ue" sleep 50 &
                STRANGER=$!
                check killed.stranger 1 "namespace $QUINTET_LAB_NAME-ue is in use by process $STRANGER \(sleep" -- lab up
                release
                check killed.without_stranger 0 "$VERDICT" -- lab up
        else
                check killed.up 0 "$VERDICT" -- lab up
        fi
        # a phone that holds its registration ends with the lab
        lab exec ue ue register --impi 001010000000001@ims.mnc001.mcc001.3gppnetwork.org --hold \
                --k 465b5ce8b199b49faa5f0a2ee238a6bc --opc cd63cb71954a9f4e48a5994e37a02baf >"$WORK/hold" 2>&1 &
        n=$!
        wait_until 10 grep -q '^registered:' "$WORK/hold"
        confirm killed.holds "the phone did not register: $(tail -1 "$WORK/hold")" grep -q '^registered:' "$WORK/hold"
        lab down >"$OUT"
        confirm killed.phone_ends "the phone outlives the lab" wait_gone $n
        confirm killed.nothing_left "processes or namespaces remain" nothing_left
}

# An interrupt hits a new lab, whose certificates are made, and one that starts again, which is at its network or nodes then.
test_interrupted() {
        local i delay pid
        for i in 0 1 2 3 4 5; do
                delay=0.$((i * 8 / 10))$((i * 8 % 10))
                if [ $((i % 3)) = 0 ]; then lab down --clean >/dev/null 2>&1; else lab down >/dev/null 2>&1; fi
                if [ $((i % 2)) = 0 ]; then
                        setsid "$ROOT/scripts/lab" up >"$OUT" 2>&1 </dev/null &
                        pid=$!
                        sleep $delay
                        kill -TERM -- -$pid 2>/dev/null
                else
                        timeout -s INT $delay "$ROOT/scripts/lab" up >"$OUT" 2>&1 </dev/null &
                        pid=$!
                fi
                wait $pid 2>/dev/null
                try 0 lab up && says "$VERDICT" || { fail "$MODE_NAME.interrupted" "after $delay s: $(tail -4 "$OUT" | paste -sd' ')"; return; }
        done
        pass "$MODE_NAME.interrupted"
        lab down >/dev/null
        confirm interrupted.nothing_left "processes or namespaces remain" nothing_left
}

test_files() {
        local key=$QUINTET_LAB_DIR/hss.key
        lab start >"$OUT" 2>&1
        lab down >/dev/null
        cp -p "$key" "$WORK/key"
        head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$WORK/other"
        cat "$WORK/other" >"$key"
        check key.wrong 1 'key' "$key" -- lab up
        rm "$key"
        check key.missing 1 'key' "$key" -- lab up
        confirm key.not_remade "a lost key file was replaced" test ! -e "$key"
        cp -p "$WORK/key" "$key"
        check key.right_again 0 "$VERDICT" -- lab up
        lab down >/dev/null
        # configuration edited by hand stays; a fault in it is named
        echo 'nonsense: 1' >>"$QUINTET_LAB_DIR/conf/scscf.yaml"
        check conf.fault 1 'scscf did not start' 'nonsense' 'changed by hand' -- lab up
        sed -i '$d' "$QUINTET_LAB_DIR/conf/scscf.yaml"
        check conf.own_again 0 "$VERDICT" -- lab up
        lab down >/dev/null
        # an earlier start was cut off behind the first of the two files that tell who changed what
        (cd "$QUINTET_LAB_DIR/conf" && cp scscf.yaml .scscf.yaml.new && echo '# as it was before' >>.scscf.yaml &&
                sed -i '1i # to be' .scscf.yaml.new && cp .scscf.yaml.new scscf.yaml)
        check conf.cut_off 0 "$VERDICT" -- lab up
        confirm conf.cut_off.replaced "the lab took its own file for one changed by hand" \
                sh -c '! grep -q "changed by hand" "$1" && cmp -s "$2/scscf.yaml" "$2/.scscf.yaml"' sh "$OUT" "$QUINTET_LAB_DIR/conf"
        lab down >/dev/null
        check dir.unwritable 1 "cannot write in the lab's directory /proc/lab" -- env QUINTET_LAB_DIR=/proc/lab "$ROOT/scripts/lab" up
        check dir.no_program 1 'no program' -- env QUINTET_BIN=/nonexistent "$ROOT/scripts/lab" up
        touch "$QUINTET_LAB_DIR/mine"
        check clean 0 'forgotten' 'kept' -- lab down --clean
        confirm clean.spares "a file of the user was removed" test -f "$QUINTET_LAB_DIR/mine"
        rm -rf "$QUINTET_LAB_DIR"
}

# Another lab beside this one: other name, other network, other directory.
test_two_labs() {
        local name=$QUINTET_LAB_NAME
        local other=(env QUINTET_LAB_DIR="$WORK/the other's lab" QUINTET_LAB_NAME="$name-b"
                QUINTET_LAB_NET=$((QUINTET_LAB_NET + 100 > 254 ? QUINTET_LAB_NET - 99 : QUINTET_LAB_NET + 100)) "$ROOT/scripts/lab")
        check two.first 0 "$VERDICT" -- lab up
        check two.second 0 "$VERDICT" -- "${other[@]}" up
        check two.second_runs 0 'pcscf +running' -- "${other[@]}" status
        check two.second_down 0 'is down' -- "${other[@]}" down --clean
        check two.first_runs 0 'hss +running' 'pcscf +running' -- lab status
        check two.first_serves 0 "$VERDICT" -- lab demo
        # it knows its name and network while it runs
        check two.remembers 0 "^(10|127)\.(0\.)?$QUINTET_LAB_NET\." -- env -u QUINTET_LAB_NAME -u QUINTET_LAB_NET "$ROOT/scripts/lab" address hss
        check two.down_by_directory 0 'is down' -- env -u QUINTET_LAB_NAME -u QUINTET_LAB_NET "$ROOT/scripts/lab" down
        confirm two.nothing_left "processes or namespaces remain" nothing_left
        lab down --clean >/dev/null
}

# Somebody without rights, who can read the programs and nothing more.
test_user() {
        local me=(env "HOME=$WORK/user" PATH=/usr/bin:/bin QUINTET_BIN="$WORK/tree/bin" QUINTET_LAB_DIR="$WORK/user/lab"
                "$WORK/tree/scripts/lab")
        [ $AS_ROOT = 0 ] || me=(setpriv --reuid=65534 --regid=65534 --clear-groups "${me[@]}")
        MODE_NAME=user
        chmod 711 "$WORK"
        mkdir -p "$WORK/tree" "$WORK/user"
        cp -r "$ROOT/scripts" "$WORK/tree/"
        cp -rL "$QUINTET_BIN" "$WORK/tree/bin"
        chmod -R go+rX "$WORK/tree"
        [ $AS_ROOT = 0 ] || chown 65534:65534 "$WORK/user"
        check up 0 "$VERDICT" 'The lab is up \(loopback\)' -- "${me[@]}" up
        check status 0 'pcscf +running' -- "${me[@]}" status
        check exec 0 001010000000002 -- "${me[@]}" exec hss hss subscriber show 001010000000002
        check netns 1 'runs as' -- env QUINTET_LAB_MODE=netns "${me[@]}" up
        check down 0 'is down' -- "${me[@]}" down
        check netns_needs_root 1 'need root' 'loopback' -- env QUINTET_LAB_MODE=netns "${me[@]}" up
        check others_lab 1 "cannot write in the lab's directory" 'QUINTET_LAB_DIR' -- "${me[@]/QUINTET_LAB_DIR=*/QUINTET_LAB_DIR=/proc/1/lab}" up
        chmod a-w "$WORK/tree"
        check build 1 'cannot write in .*/tree/build' 'QUINTET_BIN' -- "${me[@]/QUINTET_BIN=*/QUINTET_BIN=}" up
        chmod u+w "$WORK/tree"
        # without dpkg's knowledge of a package, and without sudo: what to type
        mkdir -p "$WORK/nothing"
        printf '#!/bin/sh\nexit 1\n' >"$WORK/nothing/dpkg-query"
        chmod -R go+rX,a+x "$WORK/nothing"
        check packages 1 'type this( as root)?: .*apt-get update && apt-get install --no-install-recommends .*libuv1-dev' -- \
                "${me[@]/PATH=*/PATH=$WORK/nothing:/usr/bin:/bin}" up
}

all_tests() {
        MODE_NAME=$1
        export QUINTET_LAB_MODE=$1
        test_typing_errors
        test_up_and_down
        test_crash
        test_port_in_use
        test_killed_lab
        test_interrupted
        test_files
        test_two_labs
}

# Sanitizers look at how nodes start, serve, fail to start and end; that the rest of it works does not depend on them.
if with_sanitizers; then
        if [ $AS_ROOT = 1 ]; then MODE_NAME=netns; else MODE_NAME=loopback; fi
        export QUINTET_LAB_MODE=$MODE_NAME
        test_up_and_down
        test_crash
        test_port_in_use
        test_files
        exit
fi
[ $AS_ROOT = 0 ] || all_tests netns
all_tests loopback
unset QUINTET_LAB_MODE
test_user

#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# SIPp's own scenarios judge the SIP stack by itself (build target sip_peer), over UDP and TCP: calls to the
# stack (SIPp's uac), calls from the stack (SIPp's uas), OPTIONS. No call may fail and none be repeated.
set -u

HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/../../../scripts/lib/wait.sh"
PEER=${QUINTET_BUILD:-$HERE/../../../build/release}/tests/sip_peer
CALLS=200
WORK=$(mktemp -d)
FAILED=0
pids=()

finish() {
        for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null; done
        rm -rf "$WORK"
        exit $FAILED
}
trap finish EXIT
trap 'exit 1' INT TERM

pass() { echo "PASS interop.sip_stack.$1"; }
fail() {
        echo "FAIL interop.sip_stack.$1: $2"
        tail -25 "$WORK/sipp.out"
        FAILED=1
}

listens() { grep -qi "0100007F:$(printf %04X "$1") " "/proc/net/$2"; }

# start_peer: sets peer_pid and address.
start_peer() {
        rm -f "$WORK/peer.out"
        "$PEER" uas >"$WORK/peer.out" 2>"$WORK/peer.err" &
        peer_pid=$!
        pids+=("$peer_pid")
        wait_until 10 test -s "$WORK/peer.out"
        address=$(head -n 1 "$WORK/peer.out")
}

# stop_peer: its exit code; a sanitizer reports through it.
stop_peer() {
        kill "$peer_pid"
        wait "$peer_pid"
}

# Calls to the stack. to_stack NAME TRANSPORT SCENARIO...
to_stack() {
        local name=$1 mode=${2:0:1}1
        shift 2
        start_peer
        rm -f "$WORK/sipp.err"
        if ! (cd "$WORK" && sipp "$@" "$address" -i 127.0.0.1 -t "$mode" -m $CALLS -r 200 -l 20 -d 10 -nostdin \
                -timeout 40 -trace_stat -stf "$WORK/stat.csv" -trace_err -error_file "$WORK/sipp.err" >"$WORK/sipp.out" 2>&1 </dev/null); then
                fail "$name" "SIPp counts failed calls: $(head -3 "$WORK/sipp.err" 2>/dev/null | paste -sd' ')"
        elif ! retransmissions_none; then
                fail "$name" "messages were repeated"
        elif ! stop_peer; then
                fail "$name" "the peer did not end well: $(tail -3 "$WORK/peer.err")"
        else
                pass "$name"
        fi
}

# Last line of SIPp's statistics: no retransmission.
retransmissions_none() {
        awk -F';' 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "Retransmissions(C)") col = i }
                   END { exit !(col && $col == 0) }' "$WORK/stat.csv"
}

# Calls from the stack to SIPp, which must be told a port: one that was free a moment ago.
from_stack() {
        local name=$1 transport=$2 port
        start_peer
        port=${address##*:}
        stop_peer
        (cd "$WORK" && exec sipp -sn uas -i 127.0.0.1 -p "$port" -t "${transport:0:1}1" -nostdin -timeout 40 \
                >"$WORK/sipp.out" 2>&1 </dev/null) &
        pids+=($!)
        if ! wait_until 10 listens "$port" "$transport"; then
                fail "$name" "SIPp does not listen"
        elif ! "$PEER" uac "$transport" "127.0.0.1:$port" $CALLS >"$WORK/peer.out" 2>"$WORK/peer.err"; then
                fail "$name" "$(tail -1 "$WORK/peer.out") $(tail -3 "$WORK/peer.err")"
        else
                pass "$name"
        fi
}

command -v sipp >/dev/null || { echo "SKIP interop.sip_stack: no sipp"; exit 0; }
for transport in udp tcp; do
        to_stack "call_to.$transport" $transport -sn uac
        to_stack "options.$transport" $transport -sf "$HERE/options.xml"
        from_stack "call_from.$transport" $transport
done

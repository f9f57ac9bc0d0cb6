# SPDX-License-Identifier: BSD-3-Clause
# A lab of its own for an interop test: real nodes, other names and addresses than the user's lab, captured
# by tshark from the first packet to the last. Sourced by tests/interop/*/run.sh.
#
# QUINTET_BIN names the programs (the sanitizer build too); results are lines PASS NAME [IDS] / FAIL NAME: why.

ROOT=${QUINTET_ROOT:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)}
. "$ROOT/scripts/lib/wait.sh"
export QUINTET_BIN=${QUINTET_BIN:-$ROOT/build/release/bin}
WORK=$(mktemp -d "${TMPDIR:-/tmp}/quintet-interop.XXXXXX")
export QUINTET_LAB_DIR=$WORK/lab QUINTET_LAB_NAME=q$(( $$ % 100000 )) QUINTET_LAB_NET=$(( 100 + $$ % 100 ))
# what is tried here is not IPsec, and SIPp has none
export QUINTET_LAB_IPSEC=off
TEST=interop.$(basename "$(dirname "$0")")
FAILED=0
CAPTURE_PID=""

pass() { echo "PASS $TEST.$1${2:+ $2}"; }
fail() { echo "FAIL $TEST.$1: ${*:2}"; FAILED=1; }

lab() { "$ROOT/scripts/lab" "$@"; }

# with_sanitizers: this run looks into the nodes; what is of the scripts and tools alone was proved by the other one.
with_sanitizers() { case ${QUINTET_BUILD:-} in *asan) return 0 ;; *) return 1 ;; esac; }

# rate N: registrations per second from one address that nodes with sanitizers bear, too. They are several times
# slower, and a P-CSCF gives who is answered slowly a smaller share (docs/pcscf.md, 9).
rate() { if with_sanitizers; then echo $(($1 * 2 / 5)); else echo "$1"; fi; }

finish() {
        [ -n "$CAPTURE_PID" ] && kill "$CAPTURE_PID" 2>/dev/null
        lab down --clean >/dev/null 2>&1
        if [ $FAILED = 0 ]; then rm -rf "$WORK"; else echo "kept: $WORK"; fi
        exit $FAILED
}
trap finish EXIT
trap 'exit 1' INT TERM

captures_or_ended() { grep -qs "Capturing on" "$WORK/capture.log" || ! kill -0 $CAPTURE_PID 2>/dev/null; }

# lab_begin: brings the nodes up without the demo registration, and starts the capture.
lab_begin() {
        lab start >"$WORK/up.log" 2>&1 || { fail lab_up "$(tail -3 "$WORK/up.log" | paste -sd' ')"; exit 1; }
        if [ "$(cat "$QUINTET_LAB_DIR/run/mode")" = netns ]; then
                CAPTURE=("$ROOT/scripts/lab" exec lab tshark -i br0)
        else
                CAPTURE=(tshark -i lo -f "net 127.0.$QUINTET_LAB_NET.0/24")
        fi
        "${CAPTURE[@]}" -B 64 -w "$WORK/all.pcapng" >"$WORK/capture.log" 2>&1 &
        CAPTURE_PID=$!
        wait_until 30 captures_or_ended
        grep -q "Capturing on" "$WORK/capture.log" && return
        CAPTURE_PID=""
        # all but the judgement of tshark works without the right to capture
        [ "$(id -u)" != 0 ] || { fail capture "tshark does not start: $(tail -1 "$WORK/capture.log")"; exit 1; }
}

# Ends the capture and lets tshark judge every SIP and Diameter message of the run.
judge_capture() {
        [ -n "$CAPTURE_PID" ] || { echo "SKIP $TEST.tshark: capturing needs root"; return; }
        sleep 0.5
        kill -INT "$CAPTURE_PID" 2>/dev/null
        wait "$CAPTURE_PID" 2>/dev/null
        CAPTURE_PID=""
        judge_file "$WORK/all.pcapng"
}

# judge_file CAPTURE: the same of a capture that has ended.
judge_file() {
        # shellcheck disable=SC2046
        tshark -r "$1" -Y 'sip || diameter' -T fields $(printf ' -e %s' "${JUDGED[@]}") >"$1.judged" 2>/dev/null
        judge_fields "$1.judged"
}

# judge_fields FILE: what tshark says about the messages, in a line each.
JUDGED=(_ws.col.Protocol frame.number _ws.malformed _ws.expert.severity)
judge_fields() {
        local bad counts
        counts=$(cut -f1 "$1" | sort | uniq -c | awk '{printf "%s %s, ", $1, $2}')
        # 0x800000 is an error
        bad=$(awk -F'\t' '$3 != "" || $4 ~ /(^|,)8388608(,|$)/ { print "frame " $2 ": " $1 " " $3 }' "$1" | head -5)
        if [ -z "$counts" ] && [ "$(id -u)" != 0 ] && grep -qi permission "$WORK/capture.log"; then
                echo "SKIP $TEST.tshark: capturing needs root"
        elif [ -z "$counts" ]; then fail tshark "nothing was captured"
        elif [ -n "$bad" ]; then fail tshark "malformed or expert errors: $bad"
        else echo "captured $counts none malformed"; pass tshark; fi
}

# Nodes must be alive at the end and end with code 0 (a sanitizer report makes it another).
lab_end() {
        local n code
        lab status >"$WORK/status.log" 2>&1 || fail alive "$(grep -v running "$WORK/status.log" | tail -4 | paste -sd' ')"
        cp -r "$QUINTET_LAB_DIR" "$WORK/lab.kept" 2>/dev/null
        lab down >"$WORK/down.log" 2>&1
        for n in hss icscf scscf pcscf; do
                code=$(cat "$QUINTET_LAB_DIR/run/$n.exit" 2>/dev/null || echo none)
                [ "$code" = 0 ] || fail "exit.$n" "ended with $code: $(tail -3 "$QUINTET_LAB_DIR/log/$n.log" | paste -sd' ')"
        done
        grep -l 'ERROR: .*Sanitizer\|runtime error:' "$QUINTET_LAB_DIR"/log/*.log 2>/dev/null && fail sanitizer "see the log"
        return 0
}

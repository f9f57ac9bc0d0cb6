#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The lab inside User-Mode Linux, as somebody without rights has it: every command of the front door goes through to it.
# shellcheck disable=SC1091,SC2016
. "$(dirname "$0")/../lib/lab.sh"
. "$ROOT/scripts/lib/uml.sh"
OUT=$WORK/out
DIR="$WORK/a user/lab" # with a space
export QUINTET_LAB_DIR=$DIR QUINTET_LAB_KEYLOG="$WORK/a user/esp_sa"
unset QUINTET_LAB_IPSEC
SIM=(--impi 001010000000001@ims.mnc001.mcc001.3gppnetwork.org --k 465b5ce8b199b49faa5f0a2ee238a6bc --opc cd63cb71954a9f4e48a5994e37a02baf)
ME=()

why=$(uml_missing)
[ -z "$why" ] || { echo "SKIP $TEST: $why"; exit 0; }
if ldd "$QUINTET_BIN/pcscf" | grep -q libasan; then
        echo "SKIP $TEST: AddressSanitizer has no room in User-Mode Linux"
        exit 0
fi
chmod 711 "$WORK"
mkdir -p "$WORK/a user" "$WORK/tree"
cp -r "$ROOT/scripts" "$WORK/tree/"
cp -rL "$QUINTET_BIN" "$WORK/tree/bin"
chmod -R go+rX "$WORK/tree"
export QUINTET_BIN=$WORK/tree/bin
if [ "$(id -u)" = 0 ]; then
        chown 65534:65534 "$WORK/a user"
        ME=(setpriv --reuid=65534 --regid=65534 --clear-groups)
fi

lab() { "${ME[@]}" env HOME=/nonexistent "$WORK/tree/scripts/lab" "$@"; }

# check NAME CODE PATTERN... -- ARGS...: scripts/lab ARGS ends with CODE and says every pattern.
check() {
        local name=$1 want=$2 code=0 patterns=() p
        shift 2
        while [ "$1" != -- ]; do patterns+=("$1"); shift; done
        shift
        lab "$@" >"$OUT" 2>&1 <"${INPUT:-/dev/null}" || code=$?
        [ $code = "$want" ] || { fail "$name" "ended with $code, not $want: $(tail -4 "$OUT" | paste -sd' ')"; return; }
        for p in "${patterns[@]}"; do
                grep -qE -- "$p" "$OUT" || { fail "$name" "no '$p': $(tail -4 "$OUT" | paste -sd' ')"; return; }
        done
        pass "$name"
}

# confirm NAME WHY CMD...
confirm() {
        local name=$1 why=$2
        shift 2
        if "$@"; then pass "$name"; else fail "$name" "$why"; fi
}

machine() { cut -d' ' -f1 "$DIR/run/uml"; }

VERDICT='S-CSCF: (registration|refresh) ok'
t0=$SECONDS
check up 0 'MAA SUCCESS' "$VERDICT" '^registered: sip:001010000000001@' 'The lab is up \(uml\).*IPsec required' -- up --uml
echo "up took $((SECONDS - t0)) s"
check status 0 'hss +running' 'icscf +running' 'scscf +running' 'pcscf +running' -- status
check ladder 0 "$VERDICT" -- ladder --last
check logs 0 '^hss: .*ready' '^scscf: .*registration ok' -- logs
check address 0 "^10\.$QUINTET_LAB_NET\.0\.5$" -- address pcscf

# commands inside: words as they are, exit code, both outputs, input
check exec.words 0 '^<a  b><\$x><>$' -- exec ue printf '<%s>' 'a  b' "\$x" ''
check exec.code 7 '^on stderr$' -- exec ue sh -c 'echo on stderr >&2; exit 7'
check exec.associations 0 'proto esp spi' -- exec pcscf ip xfrm state
printf 'imsi,msisdn,k,opc\n001010000000051,15550051,00112233445566778899aabbccddeeff,0f0e0d0c0b0a09080706050403020100\n' >"$WORK/import"
INPUT=$WORK/import check exec.input 0 '^1 subscribers? imported' -- exec hss hss subscriber import -
head -c 1000000 /dev/urandom >"$WORK/octets"
lab exec ue cat <"$WORK/octets" >"$WORK/back" 2>"$OUT"
confirm exec.octets "a million octets do not come back as they went" cmp -s "$WORK/octets" "$WORK/back"
confirm exec.reader_gone "a program whose output nobody reads goes on" timeout 20 bash -c '"$@" | head -1 >/dev/null' _ \
        "${ME[@]}" "$WORK/tree/scripts/lab" exec ue yes

# a phone that holds its registration hears the signal, and says so while it runs
lab exec ue ue register "${SIM[@]}" --hold >"$WORK/hold" 2>&1 &
phone=$!
confirm exec.streams "no output while it runs" wait_until 20 grep -q '^registered:' "$WORK/hold"
kill -TERM "$(pgrep -f "$WORK/tree/scripts/lab exec ue ue register" | head -1)"
wait $phone
confirm exec.signal "exit code $?, $(tail -1 "$WORK/hold")" grep -q '^de-registered' "$WORK/hold"

# a capture inside is a file outside
lab exec lab tcpdump -i br0 -U --immediate-mode -w "$WORK/a user/all.pcap" >"$WORK/capture.log" 2>&1 &
capture=$!
wait_until 20 grep -q 'listening on' "$WORK/capture.log"
check demo 0 "$VERDICT" -- demo
kill -INT "$(pgrep -f "$WORK/tree/scripts/lab exec lab tcpdump" | head -1)"
wait $capture
judge_file "$WORK/a user/all.pcap"
# SIP between the phone and the P-CSCF is in clear until the challenge, and can be read with the keys after it
PHONE=$(lab address ue)
sip_of_phone() { tshark -r "$WORK/a user/all.pcap" "$@" -Y "sip && ip.addr == $PHONE" -T fields -e sip.Method -e sip.Status-Code 2>/dev/null | paste -sd' ' | tr -s ' \t' ' '; }
keys=(-o esp.enable_encryption_decode:TRUE)
while read -r line; do [[ $line != \"* ]] || keys+=(-o "uat:esp_sa:$line"); done < <("${ME[@]}" cat "$WORK/a user/esp_sa")
confirm clear "in clear: $(sip_of_phone)" test "$(sip_of_phone)" = "REGISTER 401"
confirm decrypted "with the keys: $(sip_of_phone "${keys[@]}")" test "$(sip_of_phone "${keys[@]}")" = "REGISTER 401 REGISTER 200"

# a machine that was killed is missed, and made anew
pid=$(machine)
kill -KILL -- "-$pid"
wait_until 5 process_gone "$pid"
check killed.status 3 'pcscf +down' -- status
check killed.exec 1 'not up' -- exec hss true
# with TLS between the nodes this time, and IPsec on Gm as before
export QUINTET_LAB_TLS_KEYLOG="$WORK/a user/tls keys"
check killed.up 0 "$VERDICT" 'The lab is up \(uml\).*IPsec required, Mw and Cx over TLS' -- up --uml --core-tls
check core_tls.status 0 'pcscf +running' '^Mw and Cx over TLS' -- status
check core_tls.listens 0 '10\..*:5062' -- exec scscf ss -Hltn
check core_tls.again 0 'up already' "$VERDICT" -- up
confirm core_tls.keys "no TLS keys" "${ME[@]}" grep -q ^SERVER_HANDSHAKE "$QUINTET_LAB_TLS_KEYLOG"
pid=$(machine) scratch=$(cut -d' ' -f5- "$DIR/run/uml")
check killed.kept 0 001010000000051 -- exec hss hss subscriber list
check down 0 'is down and forgotten' -- down --clean
confirm machine_ends "the machine still runs" process_gone "$pid"
confirm nothing_left "the scratch directory or the lab is still there" sh -c '[ ! -e "$1" ] && [ ! -e "$2" ]' sh "$scratch" "$DIR"

#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# scripts/lab up --core-tls: all works as without it, nothing of Mw and Cx crosses in clear, and a CSCF that has no
# certificate of the lab takes part in nothing. tshark reads what crossed, without keys and with them.
# shellcheck disable=SC1091
. "$(dirname "$0")/../lib/lab.sh"
OUT=$WORK/out
DOMAIN=ims.mnc001.mcc001.3gppnetwork.org
CONF=$QUINTET_LAB_DIR/conf
DIGEST=(ue register --impi "alice@$DOMAIN" --password secret)
VERDICT='S-CSCF: (registration|refresh) ok'
export QUINTET_LAB_TLS_KEYLOG=$WORK/tls.keys

# check NAME IDS CODE PATTERN... -- ARGS...: scripts/lab ARGS ends with CODE and says every pattern.
check() {
        local name=$1 ids=$2 want=$3 code=0 patterns=() p
        shift 3
        while [ "$1" != -- ]; do patterns+=("$1"); shift; done
        shift
        timeout 60 "$ROOT/scripts/lab" "$@" >"$OUT" 2>&1 </dev/null || code=$?
        [ $code = "$want" ] || { fail "$name" "ended with $code, not $want: $(tail -4 "$OUT" | paste -sd' ')"; return; }
        for p in "${patterns[@]}"; do
                grep -qE -- "$p" "$OUT" || { fail "$name" "no '$p': $(tail -4 "$OUT" | paste -sd' ')"; return; }
        done
        pass "$name" "$ids"
}

# confirm NAME IDS WHY CMD...: CMD succeeds.
confirm() {
        local name=$1 ids=$2 why=$3
        shift 3
        if "$@"; then pass "$name" "$ids"; else fail "$name" "$why"; fi
}

# node_end NODE: it has ended, and how is written down.
node_end() {
        kill "$(cat "$QUINTET_LAB_DIR/run/$1.pid")"
        wait_until 5 test -s "$QUINTET_LAB_DIR/run/$1.exit" || fail "$1.ends" "it still runs"
}

# ports NODE: where it listens.
ports() { lab exec "$1" ss -Hltun "src $(lab address "$1")" | awk '{ sub(/.*:/, "", $5); print $1 ":" $5 }' | sort -u | paste -sd' '; }

listens() { confirm "listens.$1" "NDS-001" "at $(ports "$1")" test "$(ports "$1")" = "$2"; }

# networks: how many are protected by what, in all configurations.
networks() { grep -ho 'protected_by: [a-z]*' "$CONF"/*.yaml | sed 's/.* //' | sort | uniq -c | sed 's/^ *//' | paste -sd' '; }

# A P-CSCF with a certificate for its own name by another authority, which it trusts beside that of the lab.
make_stranger() {
        local dir=$WORK/stranger
        exec 2>"$dir.log"
        mkdir -p "$dir"
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/ca.key" -out "$dir/ca.pem" -days 30 \
                -subj "/CN=Another root" &&
                openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/pcscf.key" -out "$dir/pcscf.csr" \
                        -subj "/CN=pcscf.$DOMAIN" &&
                openssl x509 -req -in "$dir/pcscf.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -set_serial 7 -days 30 \
                        -extfile <(echo "subjectAltName=DNS:pcscf.$DOMAIN") -out "$dir/pcscf.pem" &&
                cat "$QUINTET_LAB_DIR/tls/ca.pem" >>"$dir/ca.pem" &&
                sed -i "s#$QUINTET_LAB_DIR/tls/\(pcscf\.[a-z]*\|ca\.pem\)#$dir/\1#" "$CONF/pcscf.yaml" &&
                grep -q "$dir/pcscf.pem" "$CONF/pcscf.yaml"
}

# --- as a user has it ---

check up "NDS-002" 0 'MAA SUCCESS' "$VERDICT" '^registered: sip:001010000000001@' 'The lab is up .*Mw and Cx over TLS' -- up --core-tls
lab_begin
for node in icscf scscf; do listens $node tcp:5062; done
listens hss "tcp:5868 tcp:8443"
listens pcscf "tcp:5060 tcp:5061 tcp:5062 udp:5060"
confirm networks "NDS-001" "$(networks)" test "$(networks)" = "16 tls"
check status "" 0 'hss +running' 'pcscf +running' '^Mw and Cx over TLS' -- status
QUINTET_LAB_CORE=clear check other_choice "" 1 'Mw and Cx over TLS.*: scripts/lab down first' -- up
check subscriber "" 0 -- exec hss hss subscriber add --impi "alice@$DOMAIN" --password secret
check digest "NDS-002" 0 '^registered: sip:alice@' -- exec ue "${DIGEST[@]}"
check ladder "" 0 'REGISTER, expires' 'UAR, REGISTRATION' 'UAA ' 'MAA SUCCESS' 'SAA SUCCESS' '401 Unauthorized' '200 OK' "$VERDICT" -- ladder --last
check renew "" 0 'icscf\.pem: CN=icscf\.' -- certificates --renew
for node in hss icscf; do node_end $node; done
check restarted "" 0 'up already' "$VERDICT" -- up
check demo "NDS-002" 0 'UAR, REGISTRATION' "$VERDICT" -- demo

# --- who has no certificate of the lab ---

node_end pcscf
(make_stranger) || fail stranger "$(tail -1 "$WORK/stranger.log")"
check stranger.starts "" 0 'pcscf.yaml was changed by hand' -- start
check stranger.cx "NDS-003" 1 'alert unknown ca' -- exec icscf openssl s_client -tls1_2 -connect "$(lab address hss):5868" \
        -bind "$(lab address icscf)" -cert "$WORK/stranger/pcscf.pem" -key "$WORK/stranger/pcscf.key"
check stranger.serves_nobody "NDS-003" 1 'the network refused \(50' -- exec ue "${DIGEST[@]}"
check stranger.cx_told "NDS-003" 0 'peer_refused.*chain_to_root' -- logs hss
check stranger.mw_told "NDS-003" 0 "TLS with $(lab address pcscf):[0-9]+ failed: .*chain_to_root" -- logs icscf
node_end pcscf
rm "$CONF/pcscf.yaml"
check stranger.gone "" 0 "$VERDICT" -- up

# --- what crossed ---

judge_capture
if [ -s "$WORK/all.pcapng" ]; then
        phone=$(lab address ue)
        tshark -r "$WORK/all.pcapng" -Y 'frame contains "SIP/2.0" || diameter' -T fields -e ip.src -e ip.dst >"$WORK/clear" 2>/dev/null
        confirm wire.gm "" "nothing was captured in clear, not even SIP of the phone" grep -q "$phone" "$WORK/clear"
        confirm wire.core "NDS-002" "in clear: $(grep -v "$phone" "$WORK/clear" | sort | uniq -c | paste -sd' ')" \
                test "$(grep -cv "$phone" "$WORK/clear")" = 0
        tshark -r "$WORK/all.pcapng" -o "tls.keylog_file:$QUINTET_LAB_TLS_KEYLOG" -d tls.port==5062,sip \
                -d tls.port==5868,diameter -Y "(sip || diameter) && !(ip.addr == $phone)" \
                -T fields -e tcp.port -e sip.Method -e diameter.cmd.code -e _ws.malformed >"$WORK/keys" 2>/dev/null
        confirm wire.mw "NDS-002" "no REGISTER with the keys" grep -q '5062.*REGISTER' "$WORK/keys"
        confirm wire.cx "NDS-002" "no UAR with the keys" grep -qP '5868.*\t300' "$WORK/keys"
        confirm wire.sound "" "$(grep -i malformed "$WORK/keys" | head -1)" test "$(grep -ci malformed "$WORK/keys")" = 0
fi

# --- in clear again, with the same subscribers ---

check down "" 0 'is down' -- down
echo '# mine' >>"$CONF/pcscf.yaml"
check hand_changed "" 0 'pcscf.yaml was changed by hand' 'warning: .*not made for Mw and Cx in clear' -- start
check hand_changed.down "" 0 'is down' -- down
rm "$CONF/pcscf.yaml"
check clear "" 0 "$VERDICT" 'The lab is up .*Mw and Cx in clear' -- up
confirm clear.networks "" "$(networks)" test "$(networks)" = "16 closed"
lab_end

#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A stock freeDiameterd with our dictionary between the CSCFs and the HSS of a lab, as the peer they connect to,
# as the peer that connects to them, and beside a direct path. HSS and relay die and come back; tshark judges
# every message. Root only: libfdcore drops loopback addresses, so the lab needs a network of its own.
. "$(dirname "$0")/../lib/lab.sh"
. "$(dirname "$0")/../lib/sipp.sh"
HERE=$(cd "$(dirname "$0")" && pwd)
EXTENSION=${QUINTET_BUILD:-$(cd "$QUINTET_BIN/.." && pwd)}/freediameter/dict_cx.fdx
N=${QUINTET_SIPP_UES:-100}
RATE=${QUINTET_SIPP_RATE:-$(rate 100)}
STARTING="" DISSECTING=()
export RELAY_DIR=$WORK/relay RELAY_ADDRESS=10.$QUINTET_LAB_NET.0.20
export QUINTET_LAB_HOOK=$HERE/hook.sh QUINTET_LAB_MODE=netns
HSS=10.$QUINTET_LAB_NET.0.2 HSS2=10.$QUINTET_LAB_NET.0.21 ICSCF=10.$QUINTET_LAB_NET.0.3 SCSCF=10.$QUINTET_LAB_NET.0.4

certificates() {
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=relay.$DOMAIN" -keyout "$RELAY_DIR/key.pem" \
                -out "$RELAY_DIR/cert.pem" 2>/dev/null
        openssl genpkey -genparam -algorithm DH -pkeyopt group:ffdhe2048 -out "$RELAY_DIR/dh.pem" 2>/dev/null
}

# relay_conf PEER=ADDRESS...: whom the relay connects to; all others of the domain may connect to it. A request
# that names a realm only must go to the HSS, though the CSCFs are of the same realm.
relay_conf() {
        local p
        {
                cat <<C
Identity = "relay.$DOMAIN";
Realm = "$DOMAIN";
Port = 3868;
SecPort = 0;
No_SCTP;
No_IPv6;
ListenOn = "$RELAY_ADDRESS";
TcTimer = 1;
TwTimer = 6;
TLS_Cred = "$RELAY_DIR/cert.pem", "$RELAY_DIR/key.pem";
TLS_CA = "$RELAY_DIR/cert.pem";
TLS_DH_File = "$RELAY_DIR/dh.pem";
LoadExtension = "acl_wl.fdx" : "$RELAY_DIR/acl.conf";
LoadExtension = "rt_default.fdx" : "$RELAY_DIR/routes.conf";
LoadExtension = "$EXTENSION";
C
                for p in "$@"; do
                        echo "ConnectPeer = \"${p%=*}.$DOMAIN\" { ConnectTo = \"${p#*=}\"; No_TLS; Port = 3868; TcTimer = 1; };"
                done
        } >"$RELAY_DIR/relay.conf"
        echo "${*%=*}" >"$RELAY_DIR/first"
        echo "ALLOW_IPSEC *.$DOMAIN" >"$RELAY_DIR/acl.conf"
        printf '*: "%s.%s" += NO_DELIVERY ;\n' icscf "$DOMAIN" scscf "$DOMAIN" >"$RELAY_DIR/routes.conf"
}

# node_cx NODE LISTEN PEER-LINES...: what stands under diameter: in NODE's file.
node_cx() {
        local node=$1 listen=$2 p
        shift 2
        {
                echo "  identity: $node.$DOMAIN"
                echo "  realm: $DOMAIN"
                echo "  tc: 200"
                [ -z "$listen" ] || echo "  listen: [\"$listen:3868\"]"
                echo "  peers:"
                for p in "$@"; do echo "    - $p"; done
        } >"$RELAY_DIR/$node.diameter"
}

# peer NAME [ADDRESS [MORE]]: one entry of diameter.peers; without an address it connects to us.
peer() { echo "{identity: $1.$DOMAIN${2:+, address: \"$2:3868\"}${3:+, $3}}"; }

# lab_up NAME: starts the lab with what was configured; the tests of a lab are called NAME.*.
lab_up() {
        PART=$1
        lab start >"$WORK/$PART.up.log" 2>&1 || { fail "$PART.lab_up" "$(tail -3 "$WORK/$PART.up.log" | paste -sd' ')"; exit 1; }
        if relay_has hss && relay_has icscf && relay_has scscf; then
                pass "$PART.connected"
        else
                fail "$PART.connected" "$(grep STATE_ "$RELAY_DIR/relay.log" | tail -3 | paste -sd' ')"
        fi
}

# relay_has NODE: until the relay calls it open.
relay_has() { wait_until 10 is_open "$1"; }
is_open() { grep -s "'$1\.$DOMAIN'" "$RELAY_DIR/relay.log" | grep -o "> .STATE_[A-Z]*" | tail -1 | grep -q STATE_OPEN; }

# dissect PART: what judge wants to know of the part's capture, and judge_fields behind that.
dissect() {
        # shellcheck disable=SC2046
        tshark -r "$WORK/$1.pcapng" -Y 'sip || diameter' -T fields -E aggregator=, -e ip.src -e ip.dst -e diameter.cmd.code \
                -e diameter.flags.request -e diameter.avp.code -e diameter.flags.error -e diameter.Result-Code \
                $(printf ' -e %s' "${JUDGED[@]}") >"$WORK/$1.fields" 2>/dev/null
}

# judge PART [direct]: every Cx message of one lab by the rules of judge.awk, and 3002 for what the relay could
# not deliver.
judge() {
        local line
        while read -r line; do
                case $line in
                PASS*) pass "${line#PASS }" ;;
                *) line=${line#FAIL } && fail "${line%%: *}" "${line#*: }" ;;
                esac
        done < <(awk -v name="$1" -v relay="$RELAY_ADDRESS" -v direct="${2:+1}" -f "$HERE/judge.awk" "$WORK/$1.fields")
        [ -z "${2:-}" ] || return 0
        if awk -F'\t' -v relay="$RELAY_ADDRESS" '$1 == relay && $6 ~ /1|True/ && $7 ~ /(^|,)3002(,|$)/ { n++ } END { exit !n }' \
                "$WORK/$1.fields"; then pass "$1.unable_to_deliver"
        else fail "$1.unable_to_deliver" "no 3002 of the relay"; fi
}

# lab_away: ends the lab, the relay and the capture in good order; the capture is dissected beside what comes next.
lab_away() {
        [ -z "$STARTING" ] || wait "$STARTING" || fail "$PART.hss_start" "$(tail -3 "$WORK/$PART.again.log" | paste -sd' ')"
        STARTING=""
        lab_end
        mv "$RELAY_DIR/capture.pcapng" "$WORK/$PART.pcapng"
        cp "$RELAY_DIR/relay.log" "$WORK/$PART.relay.log"
        rm -f "$RELAY_DIR"/*.pid
        dissect "$PART" &
        DISSECTING+=($!)
}

# phone CASE [CAUSE NODE]: a case of phone.lua, and the verdict NODE must have given about it.
phone() {
        local name=$PART.${4:-$1} out mark=0 trace=$QUINTET_LAB_DIR/trace/${3:-icscf}.jsonl
        mark=$(stat -c %s "$trace")
        if ! out=$(lab exec ue ue run "$HERE/phone.lua" "$1" 2>&1); then
                fail "$name" "$(grep -m1 'phone.lua:[0-9]*: ' <<<"$out" || head -1 <<<"$out")"
        elif [ -n "${2:-}" ] && ! tail -c "+$((mark + 1))" "$trace" | grep -q "\"cause\":\"$2\""; then
                fail "$name" "the $3 gave no verdict $2: $(tail -c "+$((mark + 1))" "$trace" | grep -o '"cause":"[a-z_]*"' | sort -u | paste -sd' ')"
        else
                pass "$name"
        fi
}

# wait_crowd N: until N of the crowd are through with everything.
wait_crowd() { wait_until 20 are_through "$1" || fail "$PART.crowd" "it does not get along"; }
are_through() { [ "$(grep -c '"cause":"deregistered"' "$QUINTET_LAB_DIR/trace/scscf.jsonl")" -ge "$1" ]; }

kill_node() { kill -9 "$(cat "$QUINTET_LAB_DIR/run/$1.pid")"; }

kill_relay() {
        local pid
        pid=$(cat "$RELAY_DIR/relay.pid")
        kill -9 "$pid"
        wait_until 10 process_gone "$pid"
}

# hss_dies_and_returns: verdicts while it is away, and service afterwards without anybody's help. scripts/lab
# then still waits in vain for the CSCFs to lose and find their peer; STARTING is its process.
hss_dies_and_returns() {
        kill_node hss
        phone no_hss hss_unreachable icscf hss_dead
        lab start >"$WORK/$PART.again.log" 2>&1 &
        STARTING=$!
        phone works_again "" "" hss_back
}

# everything: what the phones of this domain do.
everything() {
        phone registers
        phone called
        phone wrong_res res_mismatch scscf
        phone unknown_user user_unknown icscf
}

# The CSCFs connect to the relay, the relay connects to the HSS.
test_we_connect() {
        relay_conf hss="$HSS"
        node_cx hss "$HSS" "$(peer relay "" "relay: yes")"
        node_cx icscf "" "$(peer relay "$RELAY_ADDRESS" "relay: yes")"
        node_cx scscf "" "$(peer relay "$RELAY_ADDRESS" "relay: yes")"
        lab_up we_connect
        provision
        everything
        hss_dies_and_returns
        sipp_run we_connect.sipp "" "$N" "$RATE" -t u1
        nobody_left we_connect.nobody_left
        lab_away
}

# The relay connects to the CSCFs, the HSS connects to the relay.
test_it_connects() {
        relay_conf icscf="$ICSCF" scscf="$SCSCF"
        node_cx hss "" "$(peer relay "$RELAY_ADDRESS" "relay: yes")"
        node_cx icscf "$ICSCF" "$(peer relay "" "relay: yes")"
        node_cx scscf "$SCSCF" "$(peer relay "" "relay: yes")"
        lab_up it_connects
        everything
        hss_dies_and_returns
        sipp_run it_connects.sipp "" "$N" "$RATE" -t u1
        kill_relay
        phone no_hss hss_unreachable icscf relay_dead
        "$QUINTET_LAB_HOOK" || fail it_connects.relay_start "the hook failed"
        phone works_again "" "" relay_back
        lab_away
}

# The HSS is a peer too, of worse priority: it serves when the relay is killed in the middle of the crowd.
test_second_path() {
        local crowd before
        relay_conf hss="$HSS"
        node_cx hss "$HSS" "$(peer relay)" "$(peer icscf)" "$(peer scscf)"
        node_cx icscf "" "$(peer relay "$RELAY_ADDRESS" "relay: yes, priority: 1")" "$(peer hss "$HSS" "priority: 2")"
        node_cx scscf "" "$(peer relay "$RELAY_ADDRESS" "relay: yes, priority: 1")" "$(peer hss "$HSS" "priority: 2")"
        lab_up second_path
        phone registers
        before=$(grep -c '"cause":"deregistered"' "$QUINTET_LAB_DIR/trace/scscf.jsonl")
        (sipp_run second_path.sipp_goes_on "" "$N" 30 -t u1; exit $FAILED) &
        crowd=$!
        wait_crowd "$((before + N / 3))"
        kill_relay
        wait $crowd || FAILED=1
        phone registers "" "" registers_directly
        nobody_left second_path.nobody_left
        lab_away
}

# hss2_start: a second front end of the same database, beside the relay.
hss2_start() {
        local dir=$QUINTET_LAB_DIR/conf
        sed "s/identity: hss\\./identity: hss2./; s/\"$HSS:/\"$HSS2:/; s/hss\\.jsonl/hss2.jsonl/; s/hss\\.sock/hss2.sock/" "$dir/hss.yaml" >"$dir/hss2.yaml"
        ip -n "$QUINTET_LAB_NAME-lab" addr replace "$HSS2/24" dev br0
        (cd "$dir" && exec ip netns exec "$QUINTET_LAB_NAME-lab" "$QUINTET_BIN/hss" -c "$dir/hss2.yaml") >"$WORK/hss2.log" 2>&1 &
        HSS2_PID=$!
}

# Two HSSs behind the relay. The one that the S-CSCF names dies between two REGISTERs of a phone: the relay cannot
# deliver to it, and the other one serves.
test_two_hss() {
        local code
        relay_conf hss="$HSS" hss2="$HSS2"
        echo hss >"$RELAY_DIR/first"
        node_cx hss "$HSS" "$(peer relay "" "relay: yes")"
        node_cx icscf "" "$(peer relay "$RELAY_ADDRESS" "relay: yes")"
        node_cx scscf "" "$(peer relay "$RELAY_ADDRESS" "relay: yes")"
        lab_up two_hss
        mkdir "$WORK/word"
        phone called
        lab exec ue ue run "$HERE/phone.lua" moves "$WORK/word" >"$WORK/moves.log" 2>&1 &
        MOVES=$!
        wait_until 10 test -e "$WORK/word/registered" || fail two_hss.registered "$(head -1 "$WORK/moves.log")"
        hss2_start
        relay_has hss2 || fail two_hss.hss2 "$(tail -1 "$WORK/hss2.log")"
        kill_node hss
        : >"$WORK/word/go"
        if wait $MOVES; then pass two_hss.moves; else fail two_hss.moves "$(grep -m1 'phone.lua:[0-9]*: ' "$WORK/moves.log")"; fi
        lab start >"$WORK/$PART.again.log" 2>&1 &
        STARTING=$!
        phone works_again
        kill -TERM $HSS2_PID
        wait $HSS2_PID
        code=$?
        if [ $code = 0 ]; then pass two_hss.hss2_ends; else fail two_hss.hss2_ends "code $code: $(tail -1 "$WORK/hss2.log")"; fi
        lab_away
}

provision() {
        {
                lab exec hss hss subscriber add --imsi 001010000000001 --msisdn 15550001 \
                        --k 465b5ce8b199b49faa5f0a2ee238a6bc --opc cd63cb71954a9f4e48a5994e37a02baf &&
                        lab exec hss hss subscriber add --imsi 001010000000002 --msisdn 15550002 \
                                --k fec86ba6eb707ed08905757b1bb44b8f --opc 1006020f0a478bf6b699f15c062e42b3
        } >"$WORK/provision.log" 2>&1 || { fail provision "$(tail -2 "$WORK/provision.log" | paste -sd' ')"; exit 1; }
        sipp_import
}

[ "$(id -u)" = 0 ] || { echo "SKIP $TEST.needs_root: the relay needs a network namespace"; exit 0; }
for program in freeDiameterd dumpcap tshark sipp openssl ip; do
        command -v $program >/dev/null || { fail setup "$program is not installed"; exit 1; }
done
[ -f "$EXTENSION" ] || { fail setup "$EXTENSION is not built"; exit 1; }
mkdir -p "$RELAY_DIR"
certificates
sipp_subscribers "$N"
test_we_connect
test_it_connects
test_second_path
test_two_hss
wait "${DISSECTING[@]}"
judge we_connect
judge it_connects
judge second_path direct
judge two_hss
cat "$WORK"/{we_connect,it_connects,second_path,two_hss}.fields | cut -f8- >"$WORK/all.judged"
judge_fields "$WORK/all.judged"

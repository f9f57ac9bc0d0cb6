#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The certificates of the lab, judged by openssl: chains, names, usage, files, the listener of Gm; and what renewal does.
export QUINTET_LAB_MODE=loopback
. "$(dirname "$0")/../lib/lab.sh"
DOMAIN=ims.mnc001.mcc001.3gppnetwork.org
TLS=$QUINTET_LAB_DIR/tls
PCSCF=127.0.$QUINTET_LAB_NET.5

# judge NAME IDS CMD...: CMD succeeds.
judge() {
        local name=$1 ids=$2 out
        shift 2
        if out=$("$@" 2>&1); then pass "$name" "$ids"; else fail "$name" "$(tail -2 <<<"$out" | paste -sd' ')"; fi
}

chain_verifies() { # NODE PURPOSE
        openssl verify -x509_strict -CAfile "$TLS/ca.pem" -untrusted "$TLS/$1.pem" -purpose "$2" \
                -verify_hostname "$1.$DOMAIN" "$TLS/$1.pem"
}

# The node's certificate alone ends nowhere: the one between comes with it, and the root does not.
chain_is_needed() {
        ! openssl verify -CAfile "$TLS/ca.pem" "$TLS/$1.pem" && [ "$(grep -c BEGIN "$TLS/$1.pem")" = 2 ]
}

names_are() {
        openssl x509 -in "$TLS/$1.pem" -noout -subject -nameopt RFC2253 | grep -qx "subject=CN=$1.$DOMAIN" &&
                openssl x509 -in "$TLS/$1.pem" -noout -ext subjectAltName | grep -q "DNS:$1.$DOMAIN"
}

private() { [ -z "$(find "$TLS" \( -name '*.key' -o -type d \) -perm /077)" ]; }

device_verifies() {
        openssl verify -x509_strict -CAfile "$TLS/device-ca.pem" -purpose sslclient "$TLS/device.pem" &&
                ! openssl verify -CAfile "$TLS/ca.pem" "$TLS/device.pem"
}

# served [OPTION...]: the handshake on Gm as openssl sees it, in $WORK/served.
served() {
        openssl s_client -connect "$PCSCF:5061" -CAfile "$TLS/ca.pem" -verify_return_error \
                -verify_hostname "pcscf.$DOMAIN" "$@" </dev/null >"$WORK/served" 2>&1 &&
                grep -q 'Verify return code: 0 (ok)' "$WORK/served" && grep -q 'No client certificate CA names sent' "$WORK/served"
}

serial() { openssl x509 -noout -serial; }

# replaced_by COMMAND...: scripts/lab COMMAND gives the P-CSCF another certificate, which it serves.
replaced_by() {
        local old new
        old=$(serial <"$TLS/pcscf.pem")
        lab "$@" >/dev/null && new=$(serial <"$TLS/pcscf.pem") && [ "$old" != "$new" ] || return
        wait_until 5 serves "$new" # the signal is on its way
}

# serves SERIAL: the certificate of the P-CSCF that is seen from outside.
serves() { served && [ "$(serial <"$WORK/served")" = "$1" ]; }

# What ends within days is made anew by the next start, also while the node runs.
ends_soon() {
        openssl req -new -key "$TLS/pcscf.key" -subj "/CN=pcscf.$DOMAIN" |
                openssl x509 -req -CA "$TLS/servers.pem" -CAkey "$TLS/servers.key" -set_serial 77 -days 5 -out "$TLS/pcscf.pem" &&
                replaced_by start
}

# Without the key of the authority nothing is made, and what is there stays.
authority_lost() {
        local before code=1
        before=$(cat "$TLS"/*.pem | sha256sum)
        mv "$TLS/servers.key" "$WORK/servers.key"
        ! lab certificates --renew >"$WORK/lost" 2>&1 && grep -q 'servers.key cannot be read: put it back' "$WORK/lost" &&
                [ "$before" = "$(cat "$TLS"/*.pem | sha256sum)" ] && code=0
        mv "$WORK/servers.key" "$TLS/servers.key"
        return $code
}

# Requests for the home domain enter at the I-CSCF (RFC 5922 7.1).
icscf_is_home() { openssl verify -CAfile "$TLS/ca.pem" -untrusted "$TLS/icscf.pem" -verify_hostname "$DOMAIN" "$TLS/icscf.pem"; }

kept() {
        local before
        before=$(cat "$TLS"/*.pem | sha256sum)
        lab down >/dev/null && lab start >/dev/null && [ "$before" = "$(cat "$TLS"/*.pem | sha256sum)" ]
}

lab start >"$WORK/up.log" 2>&1 || { fail lab_up "$(tail -3 "$WORK/up.log" | paste -sd' ')"; exit 1; }
for node in hss icscf scscf pcscf; do
        judge "$node.server" "" chain_verifies $node sslserver
        judge "$node.client" "" chain_verifies $node sslclient
        judge "$node.chain" "" chain_is_needed $node
        judge "$node.names" "" names_are $node
        judge "$node.check_config" "" lab exec $node $node --check-config
done
judge private "" private
judge device "" device_verifies
judge gm_1_3 "TRUST-007" served -tls1_3
judge gm_1_2 "" served -tls1_2
judge icscf.home_domain "" icscf_is_home
judge renewal "" replaced_by certificates --renew
judge ends_soon "" ends_soon
judge authority_lost "" authority_lost
judge kept "" kept
lab_end

# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# The lab's certificates: an authority of its own (a root and the one below it that certifies servers), a certificate
# for each node, and an authority of devices with one device, for bootstrapping. All in $LAB_DIR/tls, for the owner
# alone; made once.
#
#   ca.pem, ca.key                the root that peers trust (TS 33.203 O.5.2)
#   servers.pem, servers.key      the authority below it
#   NODE.pem, NODE.key            NODE.HOME_DOMAIN and its addresses; NODE.pem begins with the node's and ends below the root.
#                                 That of the I-CSCF names HOME_DOMAIN too: requests for it enter there (RFC 5922 7.1)
#   device-ca.pem, device-ca.key  the authority of devices
#   device.pem, device.key        a device (PacketCable 6.1.1.3)

CA_DAYS=3650
CERTIFICATE_DAYS=397
CERTIFICATE_RENEW_S=$((14 * 86400)) # nodes warn of what ends sooner

# The DNS name of a node's certificate.
certificate_name() { echo "$1.$HOME_DOMAIN"; }

certificate_alt_names() {
        local list
        list="DNS:$(certificate_name "$1"),IP:$(addr_of "$1")"
        [ "$1" != icscf ] || list="$list,DNS:$HOME_DOMAIN"
        [ "$MODE" = loopback ] || list="$list,IP:$(addr6_of "$1")"
        echo "$list"
}

ca_openssl() {
        local out
        out=$(openssl "$@" 2>&1 </dev/null) || die "openssl $1 failed: $out"
}

ca_key() { ca_openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }

# ca_root FILE CN: FILE.pem signed by itself, and its key.
ca_root() {
        ca_key "$1.key"
        ca_openssl req -x509 -new -key "$1.key" -sha256 -days $CA_DAYS -subj "/O=Quintet lab $LAB_NAME/CN=$2" \
                -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign -out "$1.pem"
}

# ca_sign FILE SUBJECT CA DAYS EXTENSION...: FILE.pem for FILE.key, certified by CA.pem.
ca_sign() {
        local file=$1 subject=$2 ca=$3 days=$4
        shift 4
        ca_openssl req -new -key "$file.key" -subj "$subject" -out "$file.csr"
        printf '%s\n' "$@" subjectKeyIdentifier=hash authorityKeyIdentifier=keyid:always >"$file.ext"
        ca_openssl x509 -req -in "$file.csr" -CA "$ca.pem" -CAkey "$ca.key" -set_serial "0x$(openssl rand -hex 16)" \
                -sha256 -days "$days" -extfile "$file.ext" -out "$file.pem"
        rm -f "$file.csr" "$file.ext"
}

# Whole or not at all: an interrupt leaves no authority whose certificates do not fit it.
ca_make() {
        local tls=$LAB_DIR/tls new=$LAB_DIR/tls.new
        rm -rf "$new" && mkdir -p "$new" || die "cannot write in $LAB_DIR"
        ca_root "$new/ca" "Lab root"
        ca_key "$new/servers.key"
        ca_sign "$new/servers" "/O=Quintet lab $LAB_NAME/CN=Lab servers" "$new/ca" $CA_DAYS \
                basicConstraints=critical,CA:TRUE,pathlen:0 keyUsage=critical,keyCertSign,cRLSign
        ca_root "$new/device-ca" "Lab devices"
        ca_key "$new/device.key"
        ca_sign "$new/device" "/O=Quintet lab $LAB_NAME/CN=00:10:18:00:00:01" "$new/device-ca" $CA_DAYS \
                basicConstraints=critical,CA:FALSE keyUsage=critical,digitalSignature extendedKeyUsage=clientAuth
        { rm -rf "$tls" && mv "$new" "$tls"; } || die "cannot write in $tls"
}

# certificate_make NODE: a new key and certificate; both files are replaced as a whole, the key first.
certificate_make() {
        local tls=$LAB_DIR/tls new=$LAB_DIR/tls/$1.new
        ca_key "$new.key"
        ca_sign "$new" "/CN=$(certificate_name "$1")" "$tls/servers" $CERTIFICATE_DAYS basicConstraints=critical,CA:FALSE \
                keyUsage=critical,digitalSignature extendedKeyUsage=serverAuth,clientAuth \
                "subjectAltName=$(certificate_alt_names "$1")"
        cat "$tls/servers.pem" >>"$new.pem"
        certificate_alt_names "$1" >"$tls/$1.names"
        mv "$new.key" "$tls/$1.key" && mv "$new.pem" "$tls/$1.pem"
}

# The certificates that are there are ours, and with the authority that makes more.
ca_usable() {
        local tls=$LAB_DIR/tls f
        [ -e "$tls" ] || return 0
        [ -r "$tls" ] && [ -w "$tls" ] && [ -x "$tls" ] ||
                die "the certificates in $tls belong to $(stat -c %U "$tls"): give them to $(id -un), or remove them and get new ones"
        [ -f "$tls/ca.pem" ] || return 0
        for f in servers.pem servers.key; do
                [ -r "$tls/$f" ] || die "$tls/$f cannot be read: put it back, or remove all of $tls and get new certificates"
        done
}

# certificate_fits NODE: it is there, has the node's addresses, and lives on for a while.
certificate_fits() {
        local tls=$LAB_DIR/tls
        [ -f "$tls/$1.pem" ] && [ -f "$tls/$1.key" ] && [ "$(cat "$tls/$1.names" 2>/dev/null)" = "$(certificate_alt_names "$1")" ] &&
                openssl x509 -in "$tls/$1.pem" -noout -checkend $CERTIFICATE_RENEW_S >/dev/null 2>&1
}

# lab_certificates [renew]: makes what is missing or too old; with renew the nodes' certificates anew. Nodes that run
# read theirs again.
lab_certificates() {
        local n made=0
        # made outside, where it takes no time
        ! lab_uml_inside || [ ! -f "$LAB_DIR/tls/ca.pem" ] || [ "${1:-}" = renew ] || return 0
        command -v openssl >/dev/null || die "the lab's certificates need the program openssl (Debian package openssl)"
        umask 077
        ca_usable
        [ -f "$LAB_DIR/tls/ca.pem" ] || ca_make
        for n in $NODES; do
                [ "${1:-}" != renew ] && certificate_fits "$n" && continue
                certificate_make "$n"
                made=1
        done
        [ $made = 0 ] || certificates_tell
}

# Nodes that run read their certificate again; connections stay (docs/tls.md).
certificates_tell() {
        local n pid
        for n in $NODES; do
                ! pid=$(node_pid "$n") || kill -HUP "$pid"
        done
}

cmd_certificates() {
        local n file
        if [ "${1:-}" = --renew ]; then
                (lab_certificates renew) || exit
        fi
        [ -f "$LAB_DIR/tls/ca.pem" ] || die "there are no certificates yet: scripts/lab up makes them"
        for n in ca servers $NODES device-ca device; do
                file=$LAB_DIR/tls/$n.pem
                say "$file: $(openssl x509 -in "$file" -noout -subject -nameopt RFC2253 | sed 's/^subject=//'), until $(
                        openssl x509 -in "$file" -noout -enddate | sed 's/^notAfter=//')"
        done
}

# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# The configuration files of the lab's nodes.

# security.ipsec of the P-CSCF; lab_ipsec_choose sets it.
LAB_IPSEC=off
LAB_ACCESS=other
# gm.listen has TLS, with the certificates of lab_ca.sh
LAB_TLS=yes
# Mw and Cx: clear, or tls with the same certificates; lab_select.sh sets it.
LAB_CORE=clear
# Mw over TLS; 5061 is Gm's, at the P-CSCF. Cx over TLS (RFC 6733 2.1).
MW_TLS_PORT=5062 CX_TLS_PORT=5868

HOME_DOMAIN=ims.mnc001.mcc001.3gppnetwork.org

# How Mw and Cx are, in words.
core_name() { if [ "$LAB_CORE" = tls ]; then echo "over TLS"; else echo "in clear"; fi; }

# sip_listen ADDR [ADDR6]: the listen list of a node.
sip_listen() {
        local a list=""
        for a in "$@"; do
                case $a in *:*) a="[$a]" ;; esac
                list="$list, \"udp:$a:5060\", \"tcp:$a:5060\""
        done
        echo "[${list#, }]"
}

# gm_listen ADDR...: the same, and TLS at the port of sips.
gm_listen() {
        local a list
        list=$(sip_listen "$@")
        [ "$LAB_TLS" = yes ] || { echo "$list"; return; }
        for a in "$@"; do
                case $a in *:*) a="[$a]" ;; esac
                list="${list%]}, \"tls:$a:5061\"]"
        done
        echo "$list"
}

# lab_tls NODE: the keys of TLS under gm, sip or diameter of a node.
lab_tls() {
        cat <<C
  tls:
    certificate: $(yaml_text "$LAB_DIR/tls/$1.pem")
    key: $(yaml_text "$LAB_DIR/tls/$1.key")
    ca: $(yaml_text "$LAB_DIR/tls/ca.pem")
C
        [ -z "${QUINTET_LAB_TLS_KEYLOG:-}" ] || echo "    keylog: $(yaml_text "$QUINTET_LAB_TLS_KEYLOG")"
}

# lab_sip NODE: what stands under sip of a CSCF. In clear the Gm listeners of the P-CSCF serve Mw too.
lab_sip() {
        echo "sip:"
        echo "  name: $1.$HOME_DOMAIN"
        if [ "$LAB_CORE" = tls ]; then
                echo "  listen: [\"tls:$(addr_of "$1"):$MW_TLS_PORT\"]"
                lab_tls "$1"
        elif [ "$1" != pcscf ]; then
                echo "  listen: $(sip_listen "$(addr_of "$1")")"
        fi
}

# Where devices with a certificate get their credentials.
lab_bootstrap() {
        [ "$LAB_TLS" = yes ] || return 0
        cat <<C
bootstrap:
  listen: ["$(addr_of hss):8443"]
  certificate: $(yaml_text "$LAB_DIR/tls/hss.pem")
  key: $(yaml_text "$LAB_DIR/tls/hss.key")
  device_ca: $(yaml_text "$LAB_DIR/tls/device-ca.pem")
  pcscf: $(addr_of pcscf)
C
}

# Where core nodes meet: a network of the lab's own, which nobody else reaches, or where TLS alone is spoken
# (TS 33.203 5.1.4).
lab_network_domain() {
        local n
        echo "network_domain:"
        for n in $NODES; do echo "  - {network: $(addr_of "$n"), protected_by: ${LAB_CORE/clear/closed}}"; done
}

# Whom a core node takes SIP from: the CSCFs, never a UE (TS 33.203 Annex J).
lab_trusted() { echo "[$(addr_of pcscf), $(addr_of icscf), $(addr_of scscf)]"; }

# The names of the lab, for nodes without DNS. They tell port and transport: URIs of nodes have neither, so that
# what the HSS keeps (the S-CSCF of a user) holds for a lab that is started again with another LAB_CORE.
lab_hosts() {
        local n at=5060
        [ "$LAB_CORE" = clear ] || at=$MW_TLS_PORT/tls
        for n in pcscf icscf scscf; do echo "    - $n.$HOME_DOMAIN=$(addr_of $n):$at"; done
        # requests for the home domain enter at the I-CSCF
        echo "    - $HOME_DOMAIN=$(addr_of icscf):$at"
}

# lab_cx_server: the listener of the HSS. lab_cx_required: what its peers, and it, demand of a connection.
lab_cx_server() {
        if [ "$LAB_CORE" = tls ]; then
                lab_tls hss
                echo "    listen: [\"$(addr_of hss):$CX_TLS_PORT\"]"
        else
                echo "  listen: [\"$(addr_of hss):3868\"]"
        fi
}

lab_cx_required() { [ "$LAB_CORE" = clear ] || echo "      tls: required"; }

lab_cx_client() {
        local port=3868
        [ "$LAB_CORE" = clear ] || port=$CX_TLS_PORT
        cat <<C
diameter:
  identity: $1.$HOME_DOMAIN
  realm: $HOME_DOMAIN
  local: $(addr_of "$1")
  peers:
    - identity: hss.$HOME_DOMAIN
      address: "$(addr_of hss):$port"
C
        lab_cx_required
        [ "$LAB_CORE" = clear ] || lab_tls "$1"
}

# yaml_text TEXT: a path may hold what means something in YAML.
yaml_text() { printf "'%s'" "${1//\'/\'\'}"; }

lab_trace() {
        cat <<C
trace:
  file: $(yaml_text "$LAB_DIR/trace/$1.jsonl")
C
}

# conf_core FILE: the LAB_CORE of a configuration.
conf_core() { if grep -q 'protected_by: tls' "$1"; then echo tls; else echo clear; fi; }

# lab_conf_put NODE: the configuration on standard input becomes the node's, unless somebody changed the file
# since the lab wrote it. An interrupt leaves every file whole: .NODE.yaml is what the lab wrote last,
# .NODE.yaml.new what it was about to write.
lab_conf_put() {
        local conf=$LAB_DIR/conf/$1.yaml made=$LAB_DIR/conf/.$1.yaml changed=0 text
        text=$(cat)
        # as it was: nothing is written
        [ ! -f "$conf" ] || [ ! -f "$made" ] || [ -e "$made.new" ] || [ "$text" != "$(<"$made")" ] || [ "$text" != "$(<"$conf")" ] || return 0
        [ -f "$conf" ] && [ -f "$made" ] && ! cmp -s "$conf" "$made" && ! cmp -s "$conf" "$made.new" && changed=1
        printf '%s\n' "$text" >"$made.part" && mv "$made.part" "$made.new"
        if [ $changed = 0 ]; then
                cp "$made.new" "$conf.part" && mv "$conf.part" "$conf"
        elif ! cmp -s "$conf" "$made.new"; then
                say "$conf was changed by hand and is used as it is; without it the lab writes its own again"
                [ "$(conf_core "$conf")" = "$(conf_core "$made.new")" ] ||
                        say "warning: it was not made for Mw and Cx $(core_name), which the other nodes have"
        fi
        mv "$made.new" "$made"
}

# network_can_esp: true when the kernel takes an ESP SA in the lab's namespaces.
network_can_esp() {
        local sa=(src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x100)
        ip -n "$LAB_NAME-lab" xfrm state add "${sa[@]}" reqid 1 mode transport \
                auth-trunc 'hmac(sha1)' 0x000102030405060708090a0b0c0d0e0f10111213 96 \
                enc 'cbc(aes)' 0x000102030405060708090a0b0c0d0e0f >/dev/null 2>&1 || return
        ip -n "$LAB_NAME-lab" xfrm state delete "${sa[@]}"
}

# lab_ipsec_choose: IPsec on Gm where the kernel offers it, unless QUINTET_LAB_IPSEC says otherwise. When the network is up.
lab_ipsec_choose() {
        LAB_IPSEC=${QUINTET_LAB_IPSEC:-}
        if [ "$MODE" = loopback ]; then
                # the kernel leaves packets of the loopback interface alone
                case $LAB_IPSEC in
                offered | required) die "QUINTET_LAB_IPSEC=$LAB_IPSEC: there is no IPsec between loopback addresses; as root, or with --uml" ;;
                esac
                LAB_IPSEC=off
        elif [ -z "$LAB_IPSEC" ]; then
                if network_can_esp; then LAB_IPSEC=required; else LAB_IPSEC=off; fi
        fi
}

# What the P-CSCF says of IPsec; nothing when there is none.
lab_security() {
        [ "$LAB_IPSEC" != off ] || return 0
        cat <<C
security:
  ipsec: $LAB_IPSEC
C
        [ -z "${QUINTET_LAB_KEYLOG:-}" ] || echo "  keylog: $(yaml_text "$QUINTET_LAB_KEYLOG")"
}

# lab_control NODE: where pcscf status and scscf status ask, and hss subscriber set tells; the kernel takes no longer names.
lab_control() {
        local socket=$LAB_DIR/run/$1.sock
        [ ${#socket} -gt 100 ] || printf 'control:\n  socket: %s\n' "$(yaml_text "$socket")"
}

# Phones reach the lab over a network that is not 3GPP's (LAB_ACCESS), where SIP Digest may be used, also without TLS.
lab_access() {
        [ "$LAB_ACCESS" = other ] || return 0
        cat <<C
access:
  type: other
digest:
  without_tls: accept
  no_spoofing: yes
C
}

# A UE whose REGISTER is not protected can answer no challenge where IPsec is required.
lab_unprotected() {
        [ "$LAB_IPSEC" = required ] || cat <<C
registration:
  # Gm is not always protected in this lab (docs/decisions.md)
  unprotected_response: accept
C
}

lab_write_config() {
        local pcscf=("$(addr_of pcscf)") trusted networks hosts
        trusted=$(lab_trusted) networks=$(lab_network_domain) hosts=$(lab_hosts)
        [ "$MODE" = loopback ] || pcscf+=("$(addr6_of pcscf)")
        {
                cat <<C
diameter:
  identity: hss.$HOME_DOMAIN
  realm: $HOME_DOMAIN
$(lab_cx_server)
  peers:
    - identity: icscf.$HOME_DOMAIN
      from: [$(addr_of icscf)]
$(lab_cx_required)
    - identity: scscf.$HOME_DOMAIN
      from: [$(addr_of scscf)]
$(lab_cx_required)
$networks
store:
  file: $(yaml_text "$LAB_DIR/hss.db")
  key_file: $(yaml_text "$LAB_DIR/hss.key")
$(lab_bootstrap)
C
                lab_control hss
                lab_trace hss
        } | lab_conf_put hss
        {
                cat <<C
home_domain: [$HOME_DOMAIN]
trusted: $trusted
$networks
$(lab_sip icscf)
resolver:
  hosts:
$hosts
scscf:
  pool:
    - uri: "sip:scscf.$HOME_DOMAIN"
C
                lab_cx_client icscf
                lab_trace icscf
        } | lab_conf_put icscf
        {
                cat <<C
scscf:
  name: "sip:scscf.$HOME_DOMAIN"
home_domain: [$HOME_DOMAIN]
trusted: $trusted
$networks
icscf: "sip:icscf.$HOME_DOMAIN"
$(lab_unprotected)
$(lab_sip scscf)
resolver:
  hosts:
$hosts
C
                lab_cx_client scscf
                lab_control scscf
                lab_trace scscf
        } | lab_conf_put scscf
        {
                cat <<C
gm:
  listen: $(gm_listen "${pcscf[@]}")
$([ "$LAB_TLS" = no ] || lab_tls pcscf)
$networks
home:
  icscf: "sip:icscf.$HOME_DOMAIN"
trusted: [$(addr_of icscf), $(addr_of scscf)]
visited_network: $HOME_DOMAIN
$(lab_access)
$(lab_sip pcscf)
resolver:
  hosts:
$hosts
C
                lab_control pcscf
                lab_security
                lab_trace pcscf
        } | lab_conf_put pcscf
}

# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# The configuration files of the lab's nodes.

# security.ipsec of the P-CSCF; lab_ipsec_choose sets it.
LAB_IPSEC=off

HOME_DOMAIN=ims.mnc001.mcc001.3gppnetwork.org

# sip_listen ADDR [ADDR6]: the listen list of a node.
sip_listen() {
        local a list=""
        for a in "$@"; do
                case $a in *:*) a="[$a]" ;; esac
                list="$list, \"udp:$a:5060\", \"tcp:$a:5060\""
        done
        echo "[${list#, }]"
}

# Whom a core node takes SIP from: the CSCFs, never a UE (TS 33.203 Annex J).
lab_trusted() { echo "[$(addr_of pcscf), $(addr_of icscf), $(addr_of scscf)]"; }

# The names of the lab, for nodes without DNS.
lab_hosts() {
        local n
        for n in pcscf icscf scscf; do echo "    - $n.$HOME_DOMAIN=$(addr_of $n):5060"; done
        # requests for the home domain enter at the I-CSCF
        echo "    - $HOME_DOMAIN=$(addr_of icscf):5060"
}

lab_cx_client() {
        cat <<C
diameter:
  identity: $1.$HOME_DOMAIN
  realm: $HOME_DOMAIN
  local: $(addr_of "$1")
  peers:
    - identity: hss.$HOME_DOMAIN
      address: "$(addr_of hss):3868"
C
}

# yaml_text TEXT: a path may hold what means something in YAML.
yaml_text() { printf "'%s'" "${1//\'/\'\'}"; }

lab_trace() {
        cat <<C
trace:
  file: $(yaml_text "$LAB_DIR/trace/$1.jsonl")
C
}

# lab_conf_put NODE: the configuration on standard input becomes the node's, unless somebody changed the file
# since the lab wrote it. An interrupt leaves every file whole: .NODE.yaml is what the lab wrote last,
# .NODE.yaml.new what it was about to write.
lab_conf_put() {
        local conf=$LAB_DIR/conf/$1.yaml made=$LAB_DIR/conf/.$1.yaml changed=0
        [ -f "$conf" ] && [ -f "$made" ] && ! cmp -s "$conf" "$made" && ! cmp -s "$conf" "$made.new" && changed=1
        cat >"$made.part" && mv "$made.part" "$made.new"
        if [ $changed = 0 ]; then
                cp "$made.new" "$conf.part" && mv "$conf.part" "$conf"
        elif ! cmp -s "$conf" "$made.new"; then
                say "$conf was changed by hand and is used as it is; without it the lab writes its own again"
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

# Where pcscf status asks; the kernel takes no longer names.
lab_control() {
        local socket=$LAB_DIR/run/pcscf.sock
        [ ${#socket} -gt 100 ] || printf 'control:\n  socket: %s\n' "$(yaml_text "$socket")"
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
        local pcscf=("$(addr_of pcscf)")
        [ "$MODE" = loopback ] || pcscf+=("$(addr6_of pcscf)")
        {
                cat <<C
diameter:
  identity: hss.$HOME_DOMAIN
  realm: $HOME_DOMAIN
  listen: ["$(addr_of hss):3868"]
  peers:
    - identity: icscf.$HOME_DOMAIN
      from: [$(addr_of icscf)]
    - identity: scscf.$HOME_DOMAIN
      from: [$(addr_of scscf)]
store:
  file: $(yaml_text "$LAB_DIR/hss.db")
  key_file: $(yaml_text "$LAB_DIR/hss.key")
C
                lab_trace hss
        } | lab_conf_put hss
        {
                cat <<C
home_domain: [$HOME_DOMAIN]
trusted: $(lab_trusted)
sip:
  listen: $(sip_listen "$(addr_of icscf)")
  name: icscf.$HOME_DOMAIN
resolver:
  hosts:
$(lab_hosts)
scscf:
  pool:
    - uri: "sip:scscf.$HOME_DOMAIN:5060"
C
                lab_cx_client icscf
                lab_trace icscf
        } | lab_conf_put icscf
        {
                cat <<C
scscf:
  name: "sip:scscf.$HOME_DOMAIN:5060"
home_domain: [$HOME_DOMAIN]
trusted: $(lab_trusted)
icscf: "sip:icscf.$HOME_DOMAIN:5060"
$(lab_unprotected)
sip:
  listen: $(sip_listen "$(addr_of scscf)")
  name: scscf.$HOME_DOMAIN
resolver:
  hosts:
$(lab_hosts)
C
                lab_cx_client scscf
                lab_trace scscf
        } | lab_conf_put scscf
        {
                cat <<C
gm:
  listen: $(sip_listen "${pcscf[@]}")
home:
  icscf: "sip:icscf.$HOME_DOMAIN:5060"
trusted: [$(addr_of icscf), $(addr_of scscf)]
visited_network: $HOME_DOMAIN
sip:
  name: pcscf.$HOME_DOMAIN
resolver:
  hosts:
$(lab_hosts)
C
                lab_control
                lab_security
                lab_trace pcscf
        } | lab_conf_put pcscf
}

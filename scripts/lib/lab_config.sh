# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# The configuration files of the lab's nodes.

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
registration:
  # until IPsec protects Gm in this lab (docs/decisions.md)
  unprotected_response: accept
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
                lab_trace pcscf
        } | lab_conf_put pcscf
}

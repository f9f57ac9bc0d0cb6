# SPDX-License-Identifier: BSD-3-Clause
# The configuration files of the lab's nodes.

HOME_DOMAIN=ims.mnc001.mcc001.3gppnetwork.org

# sip_listen ADDR [ADDR6]: the listen list of a node.
sip_listen() {
        local a
        printf '['
        for a in "$@"; do
                case $a in *:*) a="[$a]" ;; esac
                printf '"udp:%s:5060", "tcp:%s:5060", ' "$a" "$a"
        done
        printf ']\n' | sed 's/, ]/]/'
}

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
  peers:
    - identity: hss.$HOME_DOMAIN
      address: "$(addr_of hss):3868"
C
}

lab_trace() {
        cat <<C
trace:
  file: $LAB_DIR/trace/$1.jsonl
C
}

lab_write_config() {
        local pcscf6=""
        [ "$MODE" = netns ] && pcscf6=$(addr6_of pcscf)
        umask 077
        {
                cat <<C
diameter:
  identity: hss.$HOME_DOMAIN
  realm: $HOME_DOMAIN
  listen: ["$(addr_of hss):3868"]
  peers:
    - identity: icscf.$HOME_DOMAIN
    - identity: scscf.$HOME_DOMAIN
store:
  file: $LAB_DIR/hss.db
  key_file: $LAB_DIR/hss.key
C
                lab_trace hss
        } >"$LAB_DIR/conf/hss.yaml"
        {
                cat <<C
home_domain: [$HOME_DOMAIN]
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
        } >"$LAB_DIR/conf/icscf.yaml"
        {
                cat <<C
scscf:
  name: "sip:scscf.$HOME_DOMAIN:5060"
home_domain: [$HOME_DOMAIN]
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
        } >"$LAB_DIR/conf/scscf.yaml"
        {
                cat <<C
gm:
  listen: $(sip_listen "$(addr_of pcscf)" $pcscf6)
home:
  icscf: "sip:icscf.$HOME_DOMAIN:5060"
visited_network: $HOME_DOMAIN
sip:
  name: pcscf.$HOME_DOMAIN
resolver:
  hosts:
$(lab_hosts)
C
                lab_trace pcscf
        } >"$LAB_DIR/conf/pcscf.yaml"
}

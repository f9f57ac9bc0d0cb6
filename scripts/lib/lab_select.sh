# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Which lab is meant, how its nodes are separated, and how they speak with one another.

LAB_DIR=$ROOT/build/lab
[ "$LAB_NAME" = quintet ] || LAB_DIR=$LAB_DIR-$LAB_NAME
LAB_DIR=${QUINTET_LAB_DIR:-$LAB_DIR}
[[ $LAB_DIR = /* ]] || LAB_DIR=$PWD/$LAB_DIR
LOCK=""

# The name and the network number become names of namespaces and parts of addresses.
lab_names_valid() {
        [[ $LAB_NAME =~ ^[a-z][a-z0-9-]{0,15}$ ]] ||
                die "QUINTET_LAB_NAME is up to 16 of a-z, 0-9 and '-', a letter first, not '$LAB_NAME'"
        [[ $LAB_NET =~ ^[0-9]{1,3}$ ]] && [ "$LAB_NET" -ge 1 ] && [ "$LAB_NET" -le 254 ] ||
                die "QUINTET_LAB_NET is a number from 1 to 254, not '$LAB_NET'"
        case ${QUINTET_LAB_MODE:-netns} in
        netns | loopback | uml) ;;
        *) die "QUINTET_LAB_MODE is netns, loopback or uml, not '$QUINTET_LAB_MODE'" ;;
        esac
        case ${QUINTET_LAB_CORE:-clear} in
        clear | tls) ;;
        *) die "QUINTET_LAB_CORE is clear or tls, not '$QUINTET_LAB_CORE'" ;;
        esac
        case ${QUINTET_LAB_IPSEC:-off} in
        off | offered | required) ;;
        *) die "QUINTET_LAB_IPSEC is off, offered or required, not '$QUINTET_LAB_IPSEC'" ;;
        esac
        [[ ${QUINTET_LAB_KEYLOG:-/} = /* ]] || QUINTET_LAB_KEYLOG=$PWD/$QUINTET_LAB_KEYLOG
        [[ ${QUINTET_LAB_TLS_KEYLOG:-/} = /* ]] || QUINTET_LAB_TLS_KEYLOG=$PWD/$QUINTET_LAB_TLS_KEYLOG
}

# The mode, name and network of a lab that was started and not stopped; false when there is none.
lab_saved() {
        lab_uml_saved && return
        { read -r MODE <"$LAB_DIR/run/mode" && read -r LAB_NAME LAB_NET <"$LAB_DIR/run/name"; } 2>/dev/null
}

# How its nodes speak with one another: that holds until it is stopped, also when all of them have ended.
lab_core_saved() { { read -r LAB_CORE <"$LAB_DIR/run/core"; } 2>/dev/null || LAB_CORE=clear; }

lab_mode_new() {
        MODE=${QUINTET_LAB_MODE:-}
        [ -n "$MODE" ] || { if network_can_netns; then MODE=netns; else MODE=loopback; fi; }
}

# For all commands but up and start.
lab_select() {
        lab_names_valid
        [ ! -d "$LAB_DIR" ] || [ -x "$LAB_DIR" ] || die "the lab in $LAB_DIR belongs to $(stat -c %U "$LAB_DIR");" \
                "QUINTET_LAB_DIR names a directory for one of your own"
        lab_core_saved
        lab_saved || lab_mode_new
        [ "$MODE" != netns ] || [ "$(id -u)" = 0 ] || lab_uml_inside || die "this lab uses network namespaces: only root can work with it"
}

# For up and start: the lab that runs is taken as it is; a new one is made as told, after what is left of the old.
lab_select_start() {
        local name=$LAB_NAME net=$LAB_NET
        lab_names_valid
        { mkdir -p "$LAB_DIR"/{conf,log,trace,run,ue} && chmod 700 "$LAB_DIR" && [ -w "$LAB_DIR/run" ]; } 2>/dev/null ||
                die "cannot write in the lab's directory $LAB_DIR as $(id -un); QUINTET_LAB_DIR names another"
        lab_lock
        lab_core_saved
        if lab_saved; then
                if lab_running; then
                        [ "${QUINTET_LAB_MODE:-$MODE} ${QUINTET_LAB_NAME:-$LAB_NAME} ${QUINTET_LAB_NET:-$LAB_NET} ${QUINTET_LAB_CORE:-$LAB_CORE}" = \
                                "$MODE $LAB_NAME $LAB_NET $LAB_CORE" ] ||
                                die "the lab in $LAB_DIR runs as $LAB_NAME, net $LAB_NET ($MODE), Mw and Cx $(core_name): scripts/lab down first"
                        return 0
                fi
                [ "$MODE" != netns ] || network_clear
                LAB_NAME=$name LAB_NET=$net
        fi
        LAB_CORE=${QUINTET_LAB_CORE:-$LAB_CORE}
        lab_mode_new
        if [ "$MODE" = netns ] && ! network_can_netns; then
                die "network namespaces need root and the program ip; QUINTET_LAB_MODE=loopback works without"
        fi
}

# lab_lock: one command that changes the lab at a time.
lab_lock() {
        [ -d "$LAB_DIR" ] || return 0
        exec {LOCK}<"$LAB_DIR" || die "cannot read $LAB_DIR"
        flock -n "$LOCK" && return 0
        say "waiting for another scripts/lab to end"
        flock -w 120 "$LOCK" || die "another scripts/lab still works on $LAB_DIR"
}

# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# The first process of a User-Mode Linux. Above this line stand SCRATCH, ROOT, MODULES, CWD, KEEP, COVER_TMP, USER_IDS, PATH, COMMAND and the
# environment (scripts/lib/uml.sh puts them there).

# show DIR: a directory of the machine outside, also below a place that is covered in here.
show() {
        case $1 in /tmp/?*) [ "$COVER_TMP" = 1 ] || return 0 ;; esac
        case $1 in /tmp/?* | /run/?* | /dev/shm/?*) ;; *) return 0 ;; esac
        mkdir -p "$1" && mount --bind "/run/.host$1" "$1"
}

# Nothing of this machine's own reaches the files outside: what is written by the way goes to memory.
mounts() {
        local d
        mount -t proc proc /proc && mount -t sysfs sys /sys || return
        mountpoint -q /dev || mount -t devtmpfs dev /dev || return
        ln -sfn /proc/self/fd /dev/fd && ln -sf fd/0 /dev/stdin && ln -sf fd/1 /dev/stdout && ln -sf fd/2 /dev/stderr || return
        mount -t tmpfs -o mode=755 tmpfs /run && mkdir /run/.host && mount --bind / /run/.host || return
        [ "$COVER_TMP" = 0 ] || mount -t tmpfs -o mode=1777 tmpfs /tmp || return
        mkdir -p /dev/pts /dev/shm || return
        mount -t devpts -o ptmxmode=666 devpts /dev/pts && mount -t tmpfs -o mode=1777 tmpfs /dev/shm || return
        while read -r d; do
                [ -z "$d" ] || show "$d" || return
        done <<<"$ROOT"$'\n'"$SCRATCH"$'\n'"$CWD"$'\n'"$KEEP"
}

# The kernel loads modules itself, too, from where they are.
modules() {
        local version
        version=$(uname -r)
        mkdir -p /run/modules/lib/modules && ln -s "$MODULES/$version" "/run/modules/lib/modules/$version" || return
        printf '#!/bin/sh\nexec %q -d /run/modules "$@"\n' "$(command -v modprobe)" >/run/modprobe
        chmod 755 /run/modprobe && echo /run/modprobe >/proc/sys/kernel/modprobe
        /run/modprobe -a esp4 esp6 xfrm_user gcm ghash seqiv echainiv cbc aes sha1 hmac md5 des3_ede authenc veth tun sctp \
                iptable_nat xt_MASQUERADE nf_conntrack_netlink
}

finish() {
        echo "$1" >"$SCRATCH/exit.new" && mv "$SCRATCH/exit.new" "$SCRATCH/exit"
        sync
        echo o >/proc/sysrq-trigger
        sleep 10
}

export PATH SCRATCH
if ! mounts || ! modules; then
        echo "User-Mode Linux: the machine cannot be set up" >/dev/console
        finish 125
fi
hostname quintet
ip link set lo up
cd "$CWD" || finish 125
stty raw -echo </dev/tty1
AS=()
[ -z "$USER_IDS" ] || AS=(setpriv --reuid "${USER_IDS%:*}" --regid "${USER_IDS#*:}" --clear-groups --inh-caps=+all --ambient-caps=+all)
setsid -c "${AS[@]}" "${COMMAND[@]}" </dev/tty1 >/dev/tty1 2>&1
finish $?

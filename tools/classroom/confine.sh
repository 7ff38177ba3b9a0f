#!/bin/bash
# The places of a learner: ready.py starts it as root, in namespaces of the learner's own. All that
# is mounted here is seen there alone. Source: namespaces(7), mount(8), tmpfs(5).
#   confine.sh MEMORY PLACE...
# Each PLACE is hide:PATH, an empty folder instead of what is there; tmp:PATH, the same to write to;
# see:PATH, what is there, read-only, also within what is hidden; own:PATH, the same to write to.
set -eu
memory=$1
places=("${@:2}")

mount --make-rprivate /
mount -t proc proc /proc
mount -t tmpfs -o mode=1777,size="$memory" tmpfs /dev/shm
for n in "${!places[@]}"; do # kept at hand while their own places are hidden
    case ${places[n]} in see:* | own:*)
        mkdir "/dev/shm/$n"
        mount --rbind "${places[n]#*:}" "/dev/shm/$n" ;;
    esac
done
for n in "${!places[@]}"; do
    path=${places[n]#*:}
    mkdir -p "$path" # what is around it may be hidden
    case ${places[n]} in
    hide:*) mount -t tmpfs -o mode=0755 tmpfs "$path" ;;
    tmp:*) mount -t tmpfs -o mode=1777,size="$memory" tmpfs "$path" ;;
    *) mount --move "/dev/shm/$n" "$path" && rmdir "/dev/shm/$n" ;;
    esac
    case ${places[n]} in see:*) mount -o remount,bind,ro "$path" ;; esac
done
# What /sys says of networks is said of the one that it was mounted in.
mount -t sysfs -o ro sysfs /sys
ip link set lo up

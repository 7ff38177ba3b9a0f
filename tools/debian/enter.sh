#!/usr/bin/env bash
# Run a command in another Debian. This is the first process of a mount and a process namespace,
# with which all that it mounts and starts ends; tools/debian/roots.py makes them.
#   enter.sh FOLDER LAYER LOWER COURSE FILES LOCAL COMMAND...
# FOLDER: has the root file systems; LAYER: the folder in it for what is written, "memory": kept
# nowhere; LOWER: the folders below that, as overlayfs takes them; COURSE: where the course is;
# FILES: the descriptor of an archive to unpack; LOCAL: paths of this machine to show, one a line.
set -eu
umask 022 # a stricter one of the starter would hide what is made here from the tests' other users
cd -- "$1"
layer=$2 lower=$3 course=$4 files=$5 local=$6
shift 6
[ "$layer" != memory ] || mount -t tmpfs -o mode=755 memory memory
mkdir -p "$layer/upper" "$layer/work" "$layer/root"
mount -t overlay -o "volatile,lowerdir=$lower,upperdir=$layer/upper,workdir=$layer/work" overlay "$layer/root"
cd "$layer/root"

# The checkout as it is now, with the environment that an earlier set-up has made.
mkdir -p ".$course"
find ".$course" -mindepth 1 -maxdepth 1 ! -name '.venv*' ! -name '*.egg-info' -exec rm -rf {} +
tar -x --no-same-owner <&"$files"
exec {files}<&- # it is none of the command's

mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t devtmpfs devtmpfs dev
mkdir -p dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mkdir -p handed-over
mount -t tmpfs -o mode=755 tmpfs handed-over # what is made to mount on is not kept
printf '%s\n' "$local" | while read -r path; do
    if [ -z "$path" ] || [ -e "handed-over$path" ]; then
        continue # one may lie in another, which is sorted before it
    elif [ -d "$path" ]; then
        mkdir -p "handed-over$path"
    else
        mkdir -p "handed-over${path%/*}" && : >"handed-over$path"
    fi
    mount --bind "$path" "handed-over$path"
    mount -o remount,bind,ro "handed-over$path"
done

# In a chroot no user namespace can be made, and the course needs one: become the root.
pivot_root . mnt
# shellcheck disable=SC2016
exec chroot . /bin/sh -c '
set -e; umount -l /mnt
cd "$1"; shift; git init -q; git add -A # as a clone with a commit; some tests ask git
git -c user.name=course -c user.email= commit -qm "The course as it lies here"
set +e; "$@"
exit $? # no exec above: the first process has to take in orphans
' sh "$course" "$@"

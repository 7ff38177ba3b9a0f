#!/bin/sh
# Install packages of Debian or Ubuntu, as root. Laboratory equipment.
#   install_packages.sh PACKAGE...
# Standard output: those that were not there before, one a line, with "asked" or "along". They are
# written before anything is installed, so that a kill loses none. What apt says goes to standard
# error. tools/packages.py keeps the list, for ./course uninstall. Source: apt-get(8).
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
{ dpkg --configure -a; apt-get update; } >&2
# "Inst NAME (...)" is new; "Inst NAME [OLD VERSION] (...)" was there.
apt-get -s install -y --no-install-recommends "$@" | awk -v asked=" $* " \
    '$1 == "Inst" && $3 !~ /^\[/ { print $2, index(asked, " " $2 " ") ? "asked" : "along" }'
exec apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=600 "$@" >&2

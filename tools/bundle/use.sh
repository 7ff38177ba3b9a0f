#!/usr/bin/env bash
# ./course lab --from BUNDLE [jupyter options]: check it, unpack it, and set up from it alone.
# A bare Debian has no Python yet, so this is bash, tar and sha256sum.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
bundle=${1:-} folder=$here/build/bundle
fail() { printf 'course: %s\n' "$*" >&2; exit 1; }
[[ -f $bundle && -r $bundle ]] ||
    fail "there is no bundle at '$bundle': name the file that ./course bundle wrote, lab --from FILE."
shift
sums=$(tar -xOf "$bundle" SHA256SUMS 2>/dev/null) || fail "$bundle is no bundle of ./course's."
if [ "$sums" != "$(cat "$folder/SHA256SUMS" 2>/dev/null)" ]; then
    echo "Unpacking the bundle ..." >&2
    rm -rf "$folder" "$folder.unfinished" && mkdir -p "$folder.unfinished"
    tar -xf "$bundle" -C "$folder.unfinished" --no-same-owner ||
        fail "the bundle cannot be unpacked: is the file whole, and the disk not full?"
    (cd "$folder.unfinished" && sha256sum --quiet --strict -c SHA256SUMS >&2) || {
        rm -rf "$folder.unfinished"
        fail "the bundle is damaged: copy it again."
    }
    mv "$folder.unfinished" "$folder"
fi
# shellcheck disable=SC1091
release=$(. /etc/os-release && echo "${VERSION_ID:-}") machine=$(dpkg --print-architecture)
grep -q "\"architecture\": \"$machine\"" "$folder/contents.json" ||
    fail "the bundle is for another kind of processor than this machine's, $machine."
[ -d "$folder/debian/$release" ] ||
    fail "the bundle has nothing for this release ($release), but for Debian $(cd "$folder/debian" && echo *)."
place=file://${folder// /%20}
cat >"$folder/apt.conf" <<END
Dir::Etc::SourceList "$folder/sources.list";
Dir::Etc::SourceParts "-";
Dir::State::Lists "$folder/lists";
Acquire::Languages "none";
APT::Sandbox::User "root";
END
mkdir -p "$folder/lists/partial"
echo "deb [trusted=yes] $place/debian/$release ./" >"$folder/sources.list"
export APT_CONFIG=$folder/apt.conf PIP_NO_INDEX=1 PIP_FIND_LINKS=$place/wheels
unset UV_FIND_LINKS UV_INDEX_URL UV_DEFAULT_INDEX UV_INDEX UV_EXTRA_INDEX_URL PIP_INDEX_URL PIP_EXTRA_INDEX_URL
exec "$here/course" lab "$@"

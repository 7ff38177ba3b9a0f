#!/usr/bin/env bash
# npm 11.19.1: `npm ci --prefix PATH` refuses a project that is in order if a folder in PATH is a
# symbolic link: "Missing: NAME@ from lock file", where NAME is the project's own folder, which no
# lock file lists. With the real path of the same folder, or from within it by way of the same
# link, the same project is installed. `npm install --prefix PATH` takes the link, too.
#
# Seen (npm 11.19.1, Node.js 20.20, ms 2.1.3, Linux 6.18):
#   by the link:             npm error code EUSAGE ... Missing: project@ from lock file
#   by the real path:        added 1 package
#   within the link:         added 1 package
#   npm install by the link: up to date
#
# Needs: node with npm, the npm registry. Exits with 1 if the behaviour has changed.
set -euo pipefail

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
npm install --silent --prefix "$place/tool" npm@11.19.1
npm=$place/tool/node_modules/.bin/npm

mkdir -p real/project
ln -s real link
echo '{"name": "of-its-own", "private": true, "dependencies": {"ms": "2.1.3"}}' >real/project/package.json
(cd real/project && "$npm" install --silent --package-lock-only)

ci() { # ci FOLDER_TO_BE_IN [OPTION ...]: what npm ci says
    (cd "$1" && shift && "$npm" ci --no-audit --no-fund "$@" 2>&1) || true
}
by_link=$(ci "$place" --prefix "$place/link/project")
by_real=$(ci "$place" --prefix "$place/real/project")
within=$(ci "$place/link/project")
by_install=$("$npm" install --no-audit --no-fund --prefix "$place/link/project" 2>&1)
printf 'by the link:\n%s\n\nby the real path:%s\n\nwithin the link:%s\n\nnpm install by the link:%s\n' \
    "$(head -n 6 <<<"$by_link")" "$by_real" "$within" "$by_install"

grep -q 'Missing: project@ from lock file' <<<"$by_link" || exit 1
grep -q 'added 1 package' <<<"$by_real" || exit 1
grep -q 'added 1 package' <<<"$within" || exit 1
! grep -q 'npm error' <<<"$by_install" || exit 1

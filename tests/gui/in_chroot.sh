#!/bin/bash
# in_chroot.sh FOLDER COMMAND...: run COMMAND in the Debian system that lies in FOLDER, with this system's files at the same
# paths. Needs root; the mounts end with the command.
set -euo pipefail
repository=$(cd "$(dirname "$0")/../.." && pwd)
exec unshare --mount bash -euc '
    repository=$1 folder=$2; shift 2
    for place in /proc /sys /dev /tmp "$HOME" "$repository"; do
        mkdir -p "$folder$place"; mount --bind "$place" "$folder$place"
    done
    exec chroot "$folder" "$@"' - "$repository" "$@"

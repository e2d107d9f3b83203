#!/usr/bin/env bash
# The gateway as a file system: rclone mount and davfs2.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

SEED="${SEED:-115}"
need rclone fusermount3 mount.davfs
if [[ ! -c /dev/fuse ]]; then die "there is no /dev/fuse, so nothing can be mounted"; fi
if [[ $EUID -ne 0 ]]; then die "only root can mount with davfs2; run this as root"; fi
build
cd "$WORK_DIR"

# The content of all files, and ranges of the largest, from the simulator itself.
fetch_expected() {
    local id size path
    mkdir -p own
    while IFS=$'\t' read -r id size path; do
        if ((size < 100 << 20)); then
            mkdir -p "own/$(dirname "$path")"
            curl -sS -o "own/$path" "$SIM_URL/__sim/content?id=$id"
        else
            FILM="$path" FILM_SIZE="$size"
            python3 "$E2E_DIR/ranges.py" pick "$SEED" 30 "$size" >picked
            curl -sS "$SIM_URL/__sim/content?id=$id" | python3 "$E2E_DIR/ranges.py" stream picked >expected.ranges
        fi
    done < <(tree ids)
    (cd own && find . -type f -printf '%P\n' | sort) >own.list
}

# compare_all PLACE: every small file, byte for byte; says which differ.
# shellcheck disable=SC2317 # Called by check.
compare_all() {
    local path status=0
    while IFS= read -r path; do
        cmp "own/$path" "$1/$path" || status=1
    done <own.list
    return "$status"
}

# find_all PLACE [TEST...]: paths, as `tree list` has them.
find_all() {
    local place=$1
    shift
    find "$place" -mindepth 1 "$@" \( -type d -printf '%P/\n' -o -printf '%P\n' \) | sort
}

# stat_all PLACE: sizes by path, as `tree sizes` has them.
stat_all() {
    local size path
    while IFS=$'\t' read -r _ path; do
        size="$(stat -c %s "$1/$path")"
        printf '%s\t%s\n' "$size" "$path"
    done <expected.sizes
}

seek_about() {
    python3 "$E2E_DIR/ranges.py" file picked "$2/$FILM" >got.ranges
    check_same "$1: $(wc -l <picked) ranges of $FILM_SIZE bytes, seed $SEED" expected.ranges got.ranges
}

# rclone_mount PLACE [OPTION...]
rclone_mount() {
    local place=$1
    shift
    mkdir -p "$place"
    MOUNTS+=("$place")
    run_in_background "$WORK_DIR/rclone-mount.log" rclone mount --read-only "$@" "$RCLONE_REMOTE" "$place"
    wait_until 20 is_mounted "$place" || die "rclone mount does not mount" "$WORK_DIR/rclone-mount.log.err"
}

with_rclone() {
    local place="$WORK_DIR/by rclone $1"
    start_gateway "$1" </dev/null
    use_rclone other
    say "rclone mount with download = \"$1\""
    rclone_mount "$place"
    find_all "$place" >shown
    check_same "$1: find lists all $(wc -l <expected) names" expected shown
    stat_all "$place" >shown.sizes
    check_same "$1: sizes" expected.sizes shown.sizes
    check "$1: cmp of all $(wc -l <own.list) small files" compare_all "$place"
    seek_about "$1" "$place"
    check_not "$1: nothing can be written" touch "$place/new"
    df -B1 --output=size,used,avail "$place" | sed 's/^/        /'
    check "$1: it unmounts" fusermount3 -u "$place"
}

with_davfs() {
    local place="$WORK_DIR/by davfs2"
    start_gateway "$1" </dev/null
    say "davfs2 with download = \"$1\""
    mkdir -p "$place"
    MOUNTS+=("$place")
    # On newer kernels, davfs2 lists no folder ("Invalid argument") with the buffer it has by default.
    printf 'use_locks 0\nbuf_size 64\n' >davfs2.conf
    check "$1: it mounts" mount -t davfs -o "ro,username=$E2E_USER,conf=$WORK_DIR/davfs2.conf" "$GATEWAY_URL/" "$place" \
        <<<"$E2E_PASSWORD"
    is_mounted "$place" || die "$1: davfs2 is not mounted"
    # It shows one folder more, lost+found, for what it could not upload.
    sed -nE 's:^([^/]+)/?$:\1:p' expected | sort >expected.top
    # shellcheck disable=SC2012 # ls is what is tried.
    { ls -A "$place" || true; } | sed '/^lost+found$/d' | sort >shown
    check_same "$1: ls lists the $(wc -l <expected.top) names at the top" expected.top shown
    find_all "$place" ! -path "$place/lost+found" >shown || true
    check_same "$1: find lists all $(wc -l <expected) names" expected shown
    # The film is left out, because davfs2 fetches a whole file when it is opened.
    stat_all "$place" >shown.sizes
    check_same "$1: sizes" expected.sizes shown.sizes
    check "$1: cmp of all $(wc -l <own.list) small files" compare_all "$place"
    check_not "$1: a missing file is missing" stat "$place/no such file"
    check "$1: it unmounts" umount "$place"
    check_text "$1: the gateway answered nothing with 5xx" 0 "$(gateway_log | grep -cE 'status=5' || true)"
}

start_sim demo
tree list >expected
tree sizes >expected.sizes
fetch_expected
with_rclone redirect
with_rclone proxy
with_davfs redirect

say "rclone mount of nasty"
start_sim nasty
start_gateway redirect </dev/null
use_rclone other
tree list >expected
rclone_mount "$WORK_DIR/nasty"
find_all "$WORK_DIR/nasty" >shown
check_same "nasty: find lists all $(wc -l <expected) names" expected shown
tree sha1 | grep -v "long names/" >expected
(cd nasty && find . -type f ! -path './long names/*' ! -name violating.mp4 -printf '%P\0' | xargs -0 sha1sum) |
    sort -k 2 >shown
check_same "nasty: SHA-1 of all $(wc -l <expected) files a file system can name" expected shown
finish

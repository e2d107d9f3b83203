#!/usr/bin/env bash
# Clients that write: litmus, cadaver, davfs2, rclone mount with git and gcc in it, rclone sync, and the calls it all costs.
#
# Runs all parts, or those named: litmus cadaver davfs mount sync names calls.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

N_NAMES=2000
# rclone takes the two Unicode forms of a name for one unless told otherwise, and leaves out one of two such files.
RCLONE=(rclone --no-unicode-normalization --transfers 8 --checkers 8)
need litmus cadaver rclone fusermount3 mount.davfs git gcc make
if [[ ! -c /dev/fuse ]]; then die "there is no /dev/fuse, so nothing can be mounted"; fi
if [[ $EUID -ne 0 ]]; then die "only root can mount with davfs2; run this as root"; fi
build
cd "$WORK_DIR"

names() {
    python3 "$E2E_DIR/names.py" "$@"
}

# start TREE: both programs, for a part of its own.
start() {
    start_sim "$1"
    start_gateway redirect </dev/null
}

# stop_gateway NAME: what it still holds goes to 115 before it ends. It must have had no failure.
stop_gateway() {
    stop "$GATEWAY_PID"
    gateway_log | grep -E ' (WARN|ERROR) |status=5' >gateway.trouble || true
    check_text "$1: the gateway warned of nothing and answered nothing with 5xx" "" "$(head -n 5 gateway.trouble)"
}

# agrees NAME PLACE [quoted]: the simulator holds what is at PLACE, name by name and byte by byte.
agrees() {
    local name=$1
    shift
    names list "$@" >expected
    tree list >shown
    check_same "$name: the simulator holds the same $(wc -l <expected) names" expected shown
    names sha1 "$@" >expected
    tree sha1 >shown
    check_same "$name: and the same content of all $(wc -l <expected) files" expected shown
}

# Number of calls by endpoint, one a line, since the last `forget_calls`.
calls() {
    curl -sS "$SIM_URL/__sim/ledger/counts" | jq -r 'to_entries[] | select(.value > 0) | "\(.key) \(.value)"' | sort
}

forget_calls() {
    curl -sS -X DELETE "$SIM_URL/__sim/ledger" >/dev/null
}

n_calls() {
    calls | awk '{ n += $2 } END { print n + 0 }'
}

# dav_status PATH ARGUMENT...: the status alone; the text goes to the file `answer`.
dav_status() {
    local path=$1
    shift
    curl -sS --max-time 60 -u "$E2E_USER:$E2E_PASSWORD" -o answer -w '%{http_code}' "$@" "$GATEWAY_URL$path"
}

with_litmus() {
    local suite log
    start empty
    for suite in basic copymove props locks http; do
        say "litmus: $suite"
        log="litmus.$suite"
        TESTS="$suite" litmus --keep-going "$GATEWAY_URL/" "$E2E_USER" "$E2E_PASSWORD" 2>&1 | tr '\r' '\n' >"$log" || true
        grep -E 'FAIL|WARNING' "$log" >trouble || true
        check "$suite: $(sed -nE "s/^<- summary for .*: (of.*)/\1/p" "$log")" grep -E '^<- summary .* 0 failed' "$log"
        # The library that speaks HTTP drops the fragment of a request's address, so the gateway never hears of it.
        grep -vF 'DELETE removed collection resource with Request-URI including fragment; unsafe' trouble >trouble.ours || true
        check_text "$suite: nothing failed, and no warning is ours" "" "$(cat trouble.ours)"
    done
    stop_gateway litmus
    check_text "litmus: it left nothing behind but its own folder" "litmus/" "$(tree list)"
}

with_cadaver() {
    say "cadaver"
    start empty
    mkdir -p "$HOME"
    printf 'machine 127.0.0.1\nlogin %s\npassword "%s"\n' "$E2E_USER" "$E2E_PASSWORD" >"$HOME/.netrc"
    chmod 600 "$HOME/.netrc"
    mkdir -p "cadaver/资料 1/kept"
    head -c 300000 /dev/urandom >"cadaver/资料 1/first.bin"
    printf 'short\n' >"cadaver/资料 1/kept/moved 电影.txt"
    cp "cadaver/资料 1/first.bin" "cadaver/资料 1/kept/copy.bin"
    cp "cadaver/资料 1/kept/moved 电影.txt" short.txt
    cat >cadaver.commands <<END
mkcol "资料 1"
cd "资料 1"
mkcol kept
mkcol gone
put "cadaver/资料 1/first.bin" first.bin
put short.txt short.txt
lock first.bin
put "cadaver/资料 1/first.bin" first.bin
unlock first.bin
copy first.bin kept/copy.bin
move short.txt "kept/moved 电影.txt"
put short.txt gone/there.txt
put short.txt not-for-long.txt
delete not-for-long.txt
rmcol gone
get first.bin cadaver.got
ls
quit
END
    cadaver "$GATEWAY_URL/" <cadaver.commands >cadaver.log 2>&1 || fail "cadaver ends well" cadaver.log
    grep -inE 'fail|error|could not|cannot|denied|refused' cadaver.log >trouble || true
    check_text "cadaver: no command failed" "" "$(cat trouble)"
    check_text "cadaver: each of its changes succeeded" 16 "$(grep -c 'succeeded' cadaver.log)"
    check_same "cadaver: what it got is what it had put" "cadaver/资料 1/first.bin" cadaver.got
    stop_gateway cadaver
    agrees cadaver cadaver
}

davfs_mount() {
    mkdir -p "$WORK_DIR/davfs"
    MOUNTS+=("$WORK_DIR/davfs")
    # On newer kernels, davfs2 lists no folder ("Invalid argument") with the buffer it has by default.
    printf 'buf_size 64\n' >davfs2.conf
    check "davfs2: it mounts" mount -t davfs -o "username=$E2E_USER,conf=$WORK_DIR/davfs2.conf" "$GATEWAY_URL/" \
        "$WORK_DIR/davfs" <<<"$E2E_PASSWORD"
    is_mounted "$WORK_DIR/davfs" || die "davfs2 is not mounted"
}

# change_1 PLACE: works on a file system, the same on any.
# shellcheck disable=SC2317 # Called by check.
change_1() {
    mkdir -p "$1/文件夹/deep/er" "$1/gone" &&
        printf 'one\n' >"$1/文件夹/log.txt" &&
        printf 'two\n' >>"$1/文件夹/log.txt" &&
        cp numbers "$1/numbers.bin" &&
        cp numbers "$1/gone/numbers.bin" &&
        cp numbers "$1/文件夹/deep/er/renamed later" &&
        mv "$1/文件夹/deep/er/renamed later" "$1/文件夹/deep/named.dat" &&
        printf 'gone\n' >"$1/removed.txt" &&
        printf 'safe\n' >"$1/quoted \"so\" & 100%.txt" &&
        : >"$1/empty.txt"
}

# shellcheck disable=SC2317 # Called by check.
change_2() {
    printf 'three\n' >>"$1/文件夹/log.txt" &&
        printf 'EDITED' | dd of="$1/numbers.bin" bs=1 seek=70000 conv=notrunc status=none &&
        mv "$1/文件夹/deep" "$1/deep moved" &&
        mv "$1/deep moved/named.dat" "$1/deep moved/named.other" &&
        rm "$1/removed.txt" &&
        rm -r "$1/gone" &&
        printf 'replaced\n' >"$1/quoted \"so\" & 100%.txt" &&
        rmdir "$1/deep moved/er"
}

with_davfs() {
    local round
    say "davfs2"
    start empty
    seq 40000 >numbers
    mkdir own.davfs
    for round in 1 2; do
        davfs_mount
        check "davfs2: round $round of changes" "change_$round" "$WORK_DIR/davfs"
        # It uploads what it has when it is unmounted.
        check "davfs2: it unmounts" umount "$WORK_DIR/davfs"
        "change_$round" own.davfs
    done
    davfs_mount
    (cd davfs && find . -type f ! -path './lost+found/*' -printf '%P\0' | xargs -0 sha1sum | sed 's/^\\//; s/\\\\/\\/g') | sort -k 2 >shown
    (cd own.davfs && find . -type f -printf '%P\0' | xargs -0 sha1sum | sed 's/^\\//; s/\\\\/\\/g') | sort -k 2 >expected
    check_same "davfs2: it reads what it wrote" expected shown
    check_text "davfs2: it kept nothing that it could not upload" "" "$(ls -A davfs/lost+found)"
    check "davfs2: it unmounts" umount "$WORK_DIR/davfs"
    stop_gateway davfs2
    agrees davfs2 own.davfs
}

# shellcheck disable=SC2016 # What looks like variables is for make.
make_project() {
    mkdir -p "$1/src" "$1/include"
    printf 'int twice(int);\nint square(int);\n' >"$1/include/sums.h"
    printf '#include "sums.h"\nint twice(int n) { return n + n; }\n' >"$1/src/twice.c"
    printf '#include "sums.h"\nint square(int n) { return n * n; }\n' >"$1/src/square.c"
    printf '#include <stdio.h>\n#include "sums.h"\nint main(void) { printf("%%d\\n", twice(square(4)) + 10); return 0; }\n' \
        >"$1/src/main.c"
    printf 'CFLAGS = -O1 -Iinclude\nOBJECTS = src/main.o src/square.o src/twice.o\n' >"$1/Makefile"
    printf 'answer: $(OBJECTS)\n\t$(CC) -o $@ $^\nclean:\n\trm -f answer $(OBJECTS)\n' >>"$1/Makefile"
}

# build_project PLACE: builds, changes, builds again. What is built is run elsewhere, for WebDAV knows no permissions.
# shellcheck disable=SC2317 # Called by check.
build_project() {
    make -C "$1" && runs "$1/answer" && make -C "$1" clean && [[ ! -e "$1/answer" ]] &&
        printf '/* again */\n' >>"$1/src/main.c" && make -C "$1" && runs "$1/answer"
}

# shellcheck disable=SC2317 # Called by build_project.
runs() {
    rm -f answer && cp "$1" answer && chmod +x answer && [[ "$(./answer)" == 42 ]]
}

# The commits get the same ids wherever they are made.
git_here() {
    git -C "$1" -c user.name=Tester -c user.email=tester@example.org "${@:2}"
}

make_repository() {
    local n
    git -c init.defaultBranch=main init -q "$1"
    for n in 1 2 3 4 5; do
        printf 'line %s\n' "$n" >>"$1/文件 $n.txt"
        seq "$((n * 100))" >"$1/numbers.txt"
        git_here "$1" add -A
        git_here "$1" commit -q -m "Commit $n" --date "2026-01-0$n 00:00:00 +0000"
    done
}

# uploads_are_done: rclone has nothing in its cache that is not uploaded.
# shellcheck disable=SC2317 # Called by wait_until.
uploads_are_done() {
    local state
    state="$(rclone rc --rc-addr "127.0.0.1:$RC_PORT" vfs/stats)" &&
        jq -e '.diskCache | .uploadsInProgress + .uploadsQueued == 0' <<<"$state"
}

with_mount() {
    local place="$WORK_DIR/mounted"
    say "rclone mount"
    start empty
    use_rclone owncloud
    RC_PORT="$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
    mkdir -p "$place" own.mount
    MOUNTS+=("$place")
    run_in_background "$WORK_DIR/rclone-mount.log" rclone mount --vfs-cache-mode writes \
        --rc --rc-no-auth --rc-addr "127.0.0.1:$RC_PORT" "$RCLONE_REMOTE" "$place"
    wait_until 20 is_mounted "$place" || die "rclone mount does not mount" "$WORK_DIR/rclone-mount.log.err"

    names make tree 300
    check "mount: cp -r" cp -r tree "$place/"
    check "mount: mv of a folder" mv "$place/tree/电影" "$place/tree/films"
    check "mount: mv of a file" mv "$place/tree/case/Same.txt" "$place/moved.other"
    check "mount: rm -r" rm -r "$place/tree/long names"
    cp -r tree own.mount/
    mv own.mount/tree/电影 own.mount/tree/films
    mv own.mount/tree/case/Same.txt own.mount/moved.other
    rm -r "own.mount/tree/long names"

    make_repository repository
    check "mount: git clone into it" git clone -q repository "$place/clone"
    check "mount: git status is clean" test -z "$(git -C "$place/clone" status --porcelain)"
    printf 'more\n' >>"$place/clone/numbers.txt"
    check "mount: git commit" git_here "$place/clone" commit -q -a -m "In the mount"
    check "mount: git gc" git_here "$place/clone" gc -q
    check "mount: git fsck" git -C "$place/clone" fsck --strict
    check "mount: git clone out of it" git clone -q "$place/clone" out
    check_text "mount: both clones are at the same commit" "$(git -C "$place/clone" rev-parse HEAD)" "$(git -C out rev-parse HEAD)"
    check_text "mount: with the whole history" 6 "$(git -C out log --oneline | wc -l)"

    make_project "$place/project"
    check "mount: a project is built in it, twice" build_project "$place/project"

    check "mount: all is uploaded" wait_until 120 uploads_are_done
    # What git and gcc wrote, as it is in the mount.
    cp -rT "$place/clone" own.mount/clone
    cp -rT "$place/project" own.mount/project
    check "mount: it unmounts" fusermount3 -u "$place"
    grep -E 'ERROR|CRITICAL' "$WORK_DIR/rclone-mount.log.err" >trouble || true
    check_text "mount: rclone reports no error" "" "$(head -n 5 trouble)"
    stop_gateway mount
    agrees mount own.mount
    check "mount: git fsck of what was copied out of it" git -C own.mount/clone fsck --strict
}

# sync_and_check NAME VENDOR [OPTION...]: `local` to the gateway, and then whether all is the same.
sync_and_check() {
    local name=$1 vendor=$2 began=$SECONDS
    shift 2
    use_rclone "$vendor"
    check "$name: rclone sync" "${RCLONE[@]}" sync "$@" local "$RCLONE_REMOTE"
    # For ownCloud rclone would compare by MD5, which 115 does not have.
    use_rclone nextcloud
    check "$name: rclone check by SHA-1" "${RCLONE[@]}" check local "$RCLONE_REMOTE"
    echo "        took $((SECONDS - began)) s and $(n_calls) calls: $(calls | paste -s -d ' ')"
    forget_calls
}

with_sync() {
    say "rclone sync of $N_NAMES files with nasty names"
    start empty
    names make local "$N_NAMES"
    sync_and_check sync owncloud
    names rename local
    sync_and_check "half of them renamed" owncloud
    names rename local
    sync_and_check "and again, with --track-renames" nextcloud --track-renames
    names halve local
    sync_and_check "half of them deleted" owncloud
    stop_gateway sync
    agrees sync local quoted
}

# refused NAME REASON PATH: a name that 115 does not take, and the reason that is given.
refused() {
    check_text "names: $1 is refused" 403 "$(dav_status "$3" -T short.txt)"
    check "names: and it is said why" grep -F "$2" answer
    check_text "names: for a folder as well" 403 "$(dav_status "$3" -X MKCOL)"
    check_text "names: and for a new name" 403 "$(dav_status /good.txt -X MOVE -H "Destination: $GATEWAY_URL$3")"
}

with_names() {
    local long quotes above level
    say "names that 115 does not take"
    start empty
    printf 'short\n' >short.txt
    check_text "names: a file with a good name" 201 "$(dav_status /good.txt -T short.txt)"
    forget_calls
    long="$(printf '%%E9%%95%%BF%.0s' {1..256})"
    refused "one of 256 characters" "no more than 255" "/$long"
    # Each is written as two characters.
    quotes="$(printf '%%22%.0s' {1..128})"
    refused "one of 128 quotation marks" "no more than 255" "/$quotes"
    refused "a lone ‛, which would be taken for another name," "leave it out of the name" "/a%E2%80%9Bb"
    check_text "names: 115 was not asked for any of this" "" "$(calls)"
    above=""
    for level in {1..25}; do
        above="$above/$level"
        dav_curl "$above" -X MKCOL >/dev/null
    done
    check_text "names: a folder inside 25 others is refused" 403 "$(dav_status "$above/26" -X MKCOL)"
    check "names: and it is said why" grep -F "no more than 25 folders" answer
    check_text "names: one of 255 characters is taken" 201 "$(dav_status "/${long%%%E9%95%BF}" -T short.txt)"
    check_text "names: and one of 127 quotation marks" 201 "$(dav_status "/${quotes%%%22}" -T short.txt)"
    stop_gateway names
    printf '%s\n' "$(printf '"%.0s' {1..127})" 1/ good.txt "$(printf '长%.0s' {1..255})" | sort >expected
    tree list | grep -v / >shown
    tree list | grep -x 1/ >>shown
    sort -o shown shown
    check_same "names: what was taken is there, what was refused is not" expected shown
}

# costs NAME EXPECTED: the calls since the last `forget_calls`, by endpoint.
costs() {
    check_text "calls: $1" "$2" "$(calls | paste -s -d ,)"
    forget_calls
}

with_calls() {
    say "calls to 115"
    start flat:10000
    printf 'something new\n' >new.txt
    dav_curl / -X PROPFIND -H 'Depth: 1' >folder.xml
    folder="$(tree list | sed -n '1s:/$::p')"
    forget_calls
    check "calls: a new file is stored" dav_curl /new.txt -T new.txt
    check "calls: for that at most 5, the first one of the gateway ($(calls | paste -s -d ,))" test "$(n_calls)" -le 5
    check "calls: of which one announced it" grep -qx 'initupload 1' <(calls)
    forget_calls
    printf 'something else\n' >new.txt
    check "calls: a second one is stored" dav_curl /second.txt -T new.txt
    costs "for a second file those that announce and send it" "initupload 1,oss_put 1"
    check "calls: it is renamed" dav_curl /second.txt -X MOVE -H "Destination: $GATEWAY_URL/renamed.txt"
    costs "for that one" "batch_rename 1"
    check "calls: a folder of 10,000 files is deleted" dav_curl "/$(jq -rR @uri <<<"$folder")" -X DELETE
    dav_curl / -X PROPFIND -H 'Depth: 1' >folder.xml
    check_not "calls: and shown no more" grep -F "$folder" folder.xml
    costs "for that one, and nothing else" "rb_delete 1"
    stop_gateway calls
    printf 'new.txt\nrenamed.txt\n' >expected
    tree list >shown
    check_same "calls: the simulator holds what is left" expected shown
}

if (($# == 0)); then set -- litmus cadaver davfs mount sync names calls; fi
for part in "$@"; do
    case $part in
        litmus) with_litmus ;;
        cadaver) with_cadaver ;;
        davfs) with_davfs ;;
        mount) with_mount ;;
        sync) with_sync ;;
        names) with_names ;;
        calls) with_calls ;;
        *) fail "there is no part $part" ;;
    esac
done
finish

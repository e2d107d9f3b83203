#!/usr/bin/env bash
# Files on their way up: what 115 knows takes next to nothing of the client, what it does not know goes through without
# lying about in the gateway, and whatever breaks off leaves the old file, the new one, or nothing - never half of one.
# shellcheck disable=SC2317 # Functions are called by check.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need rclone sha1sum
build
cd "$WORK_DIR"

MIB=$((1 << 20))
GIB=$((1 << 30))
PART=$((10 * MIB))
SPOOL="$WORK_DIR/spool"

# behave JSON: switches of the simulator.
behave() {
    curl -sS --fail "$SIM_URL/__sim/behaviours" -X PATCH -d "$1" >/dev/null
}

# strike JSON: faults of the simulator.
strike() {
    curl -sS --fail "$SIM_URL/__sim/faults" -d "$1" >/dev/null
}

# calm: the simulator as it comes, with an empty ledger.
calm() {
    local what
    for what in behaviours faults ledger; do
        curl -sS --fail -X DELETE "$SIM_URL/__sim/$what" >/dev/null
    done
}

# content SEED SIZE FILE: the bytes that the simulator makes of a seed.
content() {
    curl -sS --fail "$SIM_URL/__sim/content?seed=$1&size=$2" -o "$3"
}

# held PATH: size and SHA-1 of every file of that path at the simulator, one a line.
held() {
    curl -sS "$SIM_URL/__sim/tree?format=paths" | awk -F '\t' -v path="/$1" '$1 == "file" && $6 == path { print $2, tolower($3) }'
}

# is FILE: size and SHA-1 of a file here.
is() {
    printf '%s %s\n' "$(stat -c %s "$1")" "$(sha1_of "$1")"
}

sha1_of() {
    local sum
    sum="$(sha1sum "$1")"
    printf '%s' "${sum%% *}"
}

# stored: bytes of bodies that the object storage has read since the ledger was emptied.
stored() {
    curl -sS "$SIM_URL/__sim/ledger" | jq '[.entries[] | select(.endpoint | startswith("oss_")).received] | add // 0'
}

# calls LABEL [STATUS]: calls of this kind, all or those answered so.
calls() {
    curl -sS "$SIM_URL/__sim/ledger" |
        jq --arg endpoint "$1" --arg status "${2:-}" \
            '[.entries[] | select(.endpoint == $endpoint and ($status == "" or .status == ($status | tonumber)))] | length'
}

has_calls() {
    (($(calls "$1" 200) >= $2))
}

unfinished() {
    curl -sS "$SIM_URL/__sim/uploads" | jq .unfinished
}

has_none_unfinished() {
    [[ "$(unfinished)" == 0 ]]
}

# announced FILE: the header by which rclone, ownCloud and Nextcloud tell the hash of a body.
announced() {
    printf 'OC-Checksum: SHA1:%s' "$(sha1_of "$1")"
}

# put FILE PATH [ARGUMENT...]: prints the status of the answer, which is in the file answer.
put() {
    local file=$1 path=$2
    shift 2
    curl -sS --max-time 240 -o answer -w '%{http_code}' -u "$E2E_USER:$E2E_PASSWORD" -T "$file" "$@" "$GATEWAY_URL/$path" || true
}

spool_used() {
    python3 "$E2E_DIR/spool_watch.py" "$GATEWAY_PID" "$SPOOL"
}

spool_is_empty() {
    [[ "$(spool_used)" == 0 && -z "$(ls -A "$SPOOL" 2>/dev/null)" ]]
}

spool_is_used() {
    (($(spool_used) > 0))
}

# nothing_is_left NAME PATH: neither a file nor what was on its way to be one.
nothing_is_left() {
    check_text "$1: there is no file" "" "$(held "$2")"
    check "$1: no unfinished upload" wait_until 15 has_none_unfinished
    check "$1: nothing in the spool" wait_until 15 spool_is_empty
}

# kill_client: ends what was started last, in the middle of its work.
kill_client() {
    pkill -KILL -P "$PID" || true
    kill -KILL "$PID" 2>/dev/null || true
}

holds_sessions_only() {
    ls -lA "$SPOOL"
    [[ -n "$(ls "$SPOOL")" && -z "$(find "$SPOOL" -mindepth 1 ! -name '*.upload')" ]]
}

# high_water: the most memory the gateway has had, in KiB.
high_water() {
    awk '/^VmHWM/ { print $2 }' "/proc/$GATEWAY_PID/status"
}

stays_below() {
    echo "$1 of at most $2"
    (($1 <= $2))
}

# copy_up FILE PATH: by rclone, once and without patience for failures.
copy_up() {
    rclone copyto --retries 1 --low-level-retries 1 --timeout 5m "$1" "$RCLONE_REMOTE$2"
}

# count_from_here: RCLONE_REMOTE leads through a proxy that counts what clients send.
count_from_here() {
    rm -f proxy.port counted
    run_in_background proxy.port python3 "$E2E_DIR/counting_proxy.py" "${GATEWAY_URL#http://}" counted
    wait_until 10 has_lines proxy.port 1 || die "the counting proxy does not start" proxy.port.err
    PROXY_PID=$PID
    RCLONE_WEBDAV_URL="http://127.0.0.1:$(cat proxy.port)/"
}

sent() {
    echo $((10#$(cat counted)))
}

# goes_up_known NAME FILE PATH BYTES: 115 knows FILE, and no more than BYTES of it leave the client.
goes_up_known() {
    local name=$1 file=$2 path=$3 bytes=$4
    count_from_here
    check "$name: rclone ends well" copy_up "$file" "$path"
    check_text "$name: size and SHA-1 at 115" "$(is "$file")" "$(held "$path")"
    check "$name: $(sent) bytes have left the client, of $(stat -c %s "$file")" stays_below "$(sent)" "$bytes"
    check_text "$name: nothing went to the storage" 0 "$(stored)"
    check "$name: nothing is left in the spool" wait_until 15 spool_is_empty
    stop "$PROXY_PID"
}

start_sim empty --known "$GIB:7" --known "$((64 * MIB)):9" --known "1000000:10"
start_gateway redirect </dev/null
use_rclone owncloud
content 7 "$GIB" film.mkv
content 8 "$GIB" other.mkv
content 9 "$((64 * MIB))" known64.bin
content 10 1000000 small.bin
content 11 "$((105 * MIB))" new105.bin

say "content that 115 knows"
# Where 115 has been seen to ask: the first bytes are long past, and the file has hardly begun.
behave '{"upload": {"range_check_at": 2392148}}'
goes_up_known "1 GiB" film.mkv film.mkv $((GIB / 100))
behave '{"upload": {"range_check_rounds": 2}}'
goes_up_known "1 GiB, two questions" film.mkv "two questions.mkv" $((GIB / 100))
calm
# Of so short a file the buffers of the connections hold a good part before anybody has read a byte of it.
goes_up_known "no question" small.bin small.bin 500000
behave '{"upload": {"range_check_at": 4611686018427387904}}'
goes_up_known "a question about the very end" known64.bin end.bin $((65 * MIB))
calm
use_rclone owncloud

say "content that is not what was announced"
content 12 "$((64 * MIB))" liar.bin
for failure in status8:403 status6:403 again:503; do
    behave "{\"upload\": {\"range_check_at\": 2392148, \"range_failure\": \"${failure%:*}\"}}"
    name="known at 115, but not here (${failure%:*})"
    check_text "$name: refused" "${failure#*:}" "$(put liar.bin liar.bin -H "$(announced known64.bin)")"
    nothing_is_left "$name" liar.bin
    check "$name: 115 is asked $(calls initupload) times" stays_below "$(calls initupload)" 8
    calm
done
# A refusal that has nothing to do with the bytes: rclone tries again by itself.
for refusal in '8, "code": 702' '6, "code": 700'; do
    behave '{"upload": {"range_check_at": 2392148}}'
    strike "{\"endpoint\": \"initupload\", \"nth\": 2, \"fault\": {\"init\": {\"status\": $refusal, \"message\": \"\"}}}"
    name="a proof that 115 does not take once (status ${refusal%%,*})"
    check "$name: rclone ends well" rclone copyto film.mkv "${RCLONE_REMOTE}once.mkv"
    check_text "$name: the file is right" "$(is film.mkv)" "$(held once.mkv)"
    check_text "$name: nothing went to the storage" 0 "$(stored)"
    check "$name: it can be removed" dav_curl /once.mkv -X DELETE -o /dev/null
    calm
done
behave '{"upload": {"range_check_unknown": false}}'
wrong="OC-Checksum: SHA1:$(printf 'something else' | sha1sum | cut -d ' ' -f 1)"
for file in small.bin new105.bin; do
    check_text "$file under another hash: refused" 400 "$(put "$file" "wrong-$file" -H "$wrong")"
    nothing_is_left "$file under another hash" "wrong-$file"
done
calm

say "content that 115 does not know, streamed"
stop "$GATEWAY_PID"
start_gateway redirect </dev/null
use_rclone owncloud
behave '{"upload": {"range_check_unknown": false}}'
run_in_background watch.log python3 "$E2E_DIR/spool_watch.py" "$GATEWAY_PID" "$SPOOL" most
watch=$PID
check "1 GiB, announced: rclone ends well" copy_up other.mkv other.mkv
check_text "1 GiB, announced: size and SHA-1 at 115" "$(is other.mkv)" "$(held other.mkv)"
check_text "1 GiB, announced: every byte went up once" "$GIB" "$(curl -sS "$SIM_URL/__sim/ledger" | jq '[.entries[] | select(.endpoint == "oss_part").received] | add')"
check_text "1 GiB, announced: bytes that were ever in the spool" 0 "$(cat most)"
check "1 GiB, announced: the gateway had $(($(high_water) / 1024)) MiB at most" stays_below "$(high_water)" $((64 * 1024))
stop "$watch"
rm other.mkv
calm

say "content that is not announced"
stop "$GATEWAY_PID"
start_gateway redirect </dev/null
use_rclone other
content 13 "$((256 * MIB))" new256.bin
run_in_background watch.log python3 "$E2E_DIR/spool_watch.py" "$GATEWAY_PID" "$SPOOL" most
watch=$PID
check "256 MiB: rclone ends well" copy_up new256.bin new256.bin
check_text "256 MiB: size and SHA-1 at 115" "$(is new256.bin)" "$(held new256.bin)"
check "256 MiB: the spool has held all of it" stays_below $((256 * MIB)) "$(cat most)"
check "256 MiB: the gateway had $(($(high_water) / 1024)) MiB at most" stays_below "$(high_water)" $((64 * 1024))
check "256 MiB: nothing is left in the spool" wait_until 15 spool_is_empty
stop "$watch"
rm new256.bin
calm

say "a bad way to the storage"
for vendor in owncloud other; do
    use_rclone "$vendor"
    # What has gone up once is known, and would not have to go up again.
    behave '{"upload": {"range_check_unknown": false, "rapid": false}}'
    strike '[{"endpoint": "oss_part", "nth": 2, "fault": {"cut_upload": 3000000}},
        {"endpoint": "oss_part", "nth": 5, "fault": {"cut_upload": 1}},
        {"endpoint": "oss_part", "nth": 6, "fault": {"cut_upload": 10000000}},
        {"endpoint": "oss_part", "nth": 9, "fault": "unanswered"},
        {"endpoint": "oss_part", "nth": 11, "fault": "reset"},
        {"endpoint": "oss_part", "nth": 13, "fault": {"oss": {"status": 503, "code": "ServiceUnavailable"}}},
        {"endpoint": "oss_initiate", "nth": 1, "fault": "reset"},
        {"endpoint": "oss_complete", "nth": 1, "fault": "unanswered"}]'
    check "cut off seven times, vendor $vendor: rclone ends well" copy_up new105.bin "cut-$vendor.bin"
    check_text "cut off seven times, vendor $vendor: size and SHA-1 at 115" "$(is new105.bin)" "$(held "cut-$vendor.bin")"
    check "cut off seven times, vendor $vendor: no unfinished upload" has_none_unfinished
    check "cut off seven times, vendor $vendor: nothing is left in the spool" wait_until 15 spool_is_empty
    calm

    behave '{"upload": {"range_check_unknown": false, "rapid": false, "oss_bytes_per_sec": 50000000}}'
    run_in_background copy.log copy_up new105.bin "expired-$vendor.bin"
    copying=$PID
    for parts in 2 5 8; do
        wait_until 60 has_calls oss_part "$parts"
        curl -sS "$SIM_URL/__sim/uploads" -d '{"action": "expire_tokens"}' >/dev/null
    done
    status=0
    wait "$copying" || status=$?
    check_text "keys that end three times, vendor $vendor: rclone ends well" 0 "$status"
    check_text "keys that end three times, vendor $vendor: size and SHA-1 at 115" "$(is new105.bin)" "$(held "expired-$vendor.bin")"
    check "keys that end three times, vendor $vendor: the keys were asked for again" stays_below 3 "$(calls gettoken)"
    calm
done

say "clients that do not come to their end"
behave '{"upload": {"range_check_unknown": false, "rapid": false}}'
run_in_background curl.log put new105.bin gone-announced.bin -H "$(announced new105.bin)" --limit-rate 40M
wait_until 60 has_calls oss_part 3 || die "the upload does not begin" curl.log.err
kill_client
nothing_is_left "gone while it is streamed" gone-announced.bin
run_in_background curl.log put new105.bin gone-spooled.bin --limit-rate 40M
wait_until 60 spool_is_used || die "the upload does not begin" curl.log.err
kill_client
nothing_is_left "gone while it is spooled" gone-spooled.bin
for announcing in 0 1; do
    headers=()
    if ((announcing)); then headers=("$(announced new105.bin)"); fi
    head -c "$((25 * MIB))" new105.bin >begin.bin
    short="$(python3 "$E2E_DIR/broken_put.py" "$GATEWAY_URL/short.bin" "$E2E_USER:$E2E_PASSWORD" "$(stat -c %s new105.bin)" begin.bin "${headers[@]}")"
    check "a body that is too short (announced: $announcing) is no good request, or gets no answer" grep -qxE '0|400' <<<"$short"
    nothing_is_left "a body that is too short (announced: $announcing)" short.bin
done
calm

say "killed in the middle, and begun again"
stop "$GATEWAY_PID"
write_config resume.toml redirect </dev/null
serve resume.toml
behave '{"upload": {"rapid": false, "oss_bytes_per_sec": 50000000}}'
run_in_background curl.log put new105.bin resumed.bin
wait_until 60 has_calls oss_part 4 || die "the upload does not begin" curl.log.err
kill -KILL "$GATEWAY_PID"
wait_until 10 is_gone "$GATEWAY_PID"
before=$(calls oss_part 200)
check_text "before the end there is no file" "" "$(held resumed.bin)"
check "all that the spool holds is where to go on" holds_sessions_only
curl -sS --fail -X DELETE "$SIM_URL/__sim/ledger" >/dev/null
serve resume.toml
check_text "the file is sent again" 201 "$(put new105.bin resumed.bin)"
check_text "size and SHA-1 at 115" "$(is new105.bin)" "$(held resumed.bin)"
check_text "after $before parts of 10 MiB, only the others went up" $((105 * MIB - before * PART)) \
    "$(curl -sS "$SIM_URL/__sim/ledger" | jq '[.entries[] | select(.endpoint == "oss_part").received] | add')"
check "nothing is left in the spool" wait_until 15 spool_is_empty
check "no unfinished upload" has_none_unfinished
calm

say "no room in the spool"
stop "$GATEWAY_PID"
head -c "$((20 * MIB))" new105.bin >new20.bin
head -c "$((4 * MIB))" new105.bin >new4.bin
# refuses NAME: more than there is room for is refused, what there is room for is not.
refuses() {
    local name=$1
    check_text "$name: 20 MiB get 507" 507 "$(put new20.bin "$name-20.bin")"
    check "$name: it says why" grep -q 'upload.spool_' answer
    check_text "$name: 20 MiB of unknown length get 507" 507 "$(put - "$name-20.bin" -H 'Transfer-Encoding: chunked' <new20.bin)"
    check_text "$name: nothing came of them" "" "$(held "$name-20.bin")"
    check_text "$name: 4 MiB go up" 201 "$(put new4.bin "$name-4.bin")"
    check_text "$name: 4 MiB are right" "$(is new4.bin)" "$(held "$name-4.bin")"
    check_text "$name: 4 MiB more go up" 201 "$(put new4.bin "$name-more.bin")"
}
write_config limit.toml redirect <<<'spool_limit = "8MiB"'
serve limit.toml
refuses limit
run_in_background curl.log put new4.bin slow.bin --limit-rate 1M -H "X-Expected-Entity-Length: $((4 * MIB))"
wait_until 30 spool_is_used
head -c "$((5 * MIB))" new105.bin >new5.bin
check_text "two that are too much together: the second gets 507" 507 "$(put new5.bin second.bin)"
wait "$PID" || true
check_text "two that are too much together: the first goes up" "$(is new4.bin)" "$(held slow.bin)"
stop "$GATEWAY_PID"

mkdir full
mount -t tmpfs -o size=8m tmpfs full
MOUNTS+=("$WORK_DIR/full")
write_config full.toml redirect </dev/null
sed -i "s|^spool_dir = .*|spool_dir = \"$WORK_DIR/full\"|" full.toml
serve full.toml
SPOOL="$WORK_DIR/full" refuses full
stop "$GATEWAY_PID"

say "killed at many points of a change"
calm
write_config crash.toml redirect </dev/null
drills=0
while IFS=$'\t' read -r verdict name; do
    case $verdict in
        ok) pass "$name" && drills=$((drills + 1)) ;;
        left) printf '        left: %s\n' "$name" ;;
        *) fail "$name" ;;
    esac
done < <(python3 "$E2E_DIR/crash.py" "$DAV115" crash.toml "$SIM_URL" "$WORK_DIR/spool" "$E2E_USER:$E2E_PASSWORD" || printf 'FAILED\tthe drill did not come to its end\n')
check "the gateway was killed $drills times" stays_below 60 "$drills"
finish

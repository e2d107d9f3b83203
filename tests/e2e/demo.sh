#!/usr/bin/env bash
# What `cargo run --release -- demo` prints works when it is pasted into another terminal.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need cargo rclone fusermount3 mount.davfs
build
cd "$REPO_DIR"

# Where the demo listens if nothing else does.
arguments=()
if (: <>/dev/tcp/127.0.0.1/8115) 2>/dev/null; then arguments=(--listen 127.0.0.1:0); fi

say "cargo run --release -- demo ${arguments[*]}"
HOME="$CALLER_HOME" run_in_background "$WORK_DIR/demo" cargo run --quiet --release -- demo "${arguments[@]}"
demo=$PID
# shellcheck disable=SC2317 # Called by wait_until.
has_welcome() {
    grep -q '^mkdir' "$WORK_DIR/demo"
}
wait_until 60 has_welcome || die "the demo prints no welcome" "$WORK_DIR/demo.err"
sed 's/^/        | /' "$WORK_DIR/demo"
address="$(sed -nE 's/^Address: +//p' "$WORK_DIR/demo")"
user="$(sed -nE 's/^User: +//p' "$WORK_DIR/demo")"
password="$(sed -nE 's/^Password: +//p' "$WORK_DIR/demo")"
check "it prints the address, the user and the password" test -n "$address" -a -n "$user" -a -n "$password"
check "they open the drive" curl -sSf -o /dev/null -u "$user:$password" "$address"
check_not "nothing else does" curl -sSf -o /dev/null -u "$user:guess" "$address"

# What stands at the root of the demo tree, so that a command that prints something else is caught.
start_sim demo
tree list >"$WORK_DIR/expected"

# as_printed COMMAND: exactly as a person would paste it, apart from the quiet.
as_printed() {
    bash -c "$1" </dev/null >"$WORK_DIR/output" 2>"$WORK_DIR/output.err"
}

# run_line NAME TEXT: the printed line that holds TEXT.
run_line() {
    local line
    line="$(grep -E -- "$2" "$WORK_DIR/demo" | sed -n 1p)"
    if [[ -z $line ]]; then
        fail "$1: no such line is printed"
    elif as_printed "$line"; then
        pass "$1: $line"
    else
        fail "$1: $line" "$WORK_DIR/output.err"
    fi
}

say "the commands as printed"
run_line "curl" '^curl -u [^ ]+ http[^ ]+$'
check "curl shows the page of the root" grep -q '>hello.txt</a>' "$WORK_DIR/output"
run_line "curl PROPFIND" '^curl .*PROPFIND'
check "PROPFIND shows the root and its entries" \
    test "$(grep -o '<D:href>' "$WORK_DIR/output" | wc -l)" = "$(($(grep -cE '^[^/]+/?$' "$WORK_DIR/expected") + 1))"
run_line "rclone" '^rclone '
sort "$WORK_DIR/output" >"$WORK_DIR/shown"
check_same "rclone lists the whole tree" "$WORK_DIR/expected" "$WORK_DIR/shown"

line="$(grep -E 'mount -t davfs' "$WORK_DIR/demo" || true)"
place="${line##* }"
if [[ $place != /* ]]; then die "no line mounts anything"; fi
if is_mounted "$place"; then die "something is mounted at $place already; unmount it first"; fi
had_place=no
if [[ -d $place ]]; then had_place=yes; fi
MOUNTS+=("$place")
run_line "davfs2" 'mount -t davfs'
check "it is mounted at $place" is_mounted "$place"
curl -sS -o "$WORK_DIR/hello.txt" "$SIM_URL/__sim/content?path=/hello.txt"
check "ls shows the root there" test "$(find "$place" -mindepth 1 -maxdepth 1 ! -name "lost+found" | wc -l)" = "$(grep -cE "^[^/]+/?$" "$WORK_DIR/expected")"
check "a file reads the same there" cmp "$place/hello.txt" "$WORK_DIR/hello.txt"
echo written >"$WORK_DIR/new.txt"
check "a file can be written there" cp "$WORK_DIR/new.txt" "$place/new.txt"
unmount "$place"
check_text "and is there for others" written "$(curl -sSL -u "$user:$password" "${address}new.txt")"
if [[ $had_place == no ]]; then rmdir "$place"; fi
conf="$(sed -nE 's/.*conf=([^ ,]+).*/\1/p' <<<"$line")"
if [[ -n $conf ]]; then rm -f "$conf"; fi

n_lines="$(grep -cE '^(curl|rclone|mkdir|mount) ' "$WORK_DIR/demo")"
check_text "each of the $n_lines commands printed was run" 4 "$n_lines"
kill -TERM "$demo"
check "a stop signal ends it" wait_until 12 is_gone "$demo"
finish

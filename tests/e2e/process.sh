#!/usr/bin/env bash
# The program as a process: its commands, its exit statuses, its log, and how it stops.
# shellcheck disable=SC2317 # Functions are called by check.
# shellcheck disable=SC2016 # The dollars are part of a hash.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# More than the kernel keeps as buffers of a connection by itself, so that a download is surely still running.
SLOW_BYTES=$((40 << 20))
PROXY_TOKEN='a-token-nobody-may-see'
need ps bash
build
cd "$WORK_DIR"

# run EXPECTED-STATUS COMMAND...: standard output goes to `out`, standard error to `err`.
run() {
    local expected=$1 status=0
    shift
    "$@" >out 2>err </dev/null || status=$?
    if [[ $status -ne $expected ]]; then
        echo "status $status instead of $expected"
        cat out err
        return 1
    fi
}

# says FILE TEXT...: each text stands in the file.
says() {
    local file=$1 text
    shift
    for text in "$@"; do
        grep -qF -- "$text" "$file" || {
            echo "no <$text> in:"
            cat "$file"
            return 1
        }
    done
}

# check_secrets NAME FILE...: none of the secrets in use stands in the files.
check_secrets() {
    local name=$1 secret found=''
    shift
    for secret in "$SIM_COOKIE" "$(grep -oP 'SEID=\K[^;]+' <<<"$SIM_COOKIE")" "$E2E_PASSWORD" "$PROXY_TOKEN" \
        "$(printf '%s:%s' "$E2E_USER" "$E2E_PASSWORD" | base64)" '$argon2' 'Basic ' '&k=' '?k=' 'sign='; do
        # Upper and lower case of an escape are the same.
        if grep -qiF -- "$secret" "$@"; then found+="<${secret:0:6}…> "; fi
    done
    check_text "$name" "" "$found"
}

say "commands that need no server"
check "--version" run 0 "$DAV115" --version
check_text "--version names the version of Cargo.toml" \
    "dav115 $(sed -nE '0,/^version/s/^version = "(.*)"/\1/p' "$REPO_DIR/Cargo.toml")" "$(cat out)"
check "--help" run 0 "$DAV115" --help
check "--help names every command" says out serve demo login check hash-password healthcheck completions Examples:
for command in serve demo login check hash-password healthcheck completions; do
    check "$command --help" run 0 "$DAV115" "$command" --help
done
check "an unknown command is a usage error" run 2 "$DAV115" srve
check "completions bash" run 0 "$DAV115" completions bash
check "bash reads them and completes with them" bash -c '. ./out && complete -p dav115'
check "completions zsh" run 0 "$DAV115" completions zsh
check "they begin as zsh wants them" test "$(sed -n 1p out)" = '#compdef dav115'
check "completions fish" run 0 "$DAV115" completions fish
check "they are for fish" says out 'complete -c dav115'
check_not "hash-password wants a password" "$DAV115" hash-password </dev/null
printf '%s\n' "$E2E_PASSWORD" | "$DAV115" hash-password >a.hash
check "hash-password from a pipe prints one argon2 hash" grep -qE '^\$argon2id\$[^ ]+$' a.hash

say "check"
start_sim demo
write_config good.toml proxy </dev/null
check "check finds all well" run 0 "$DAV115" check --config good.toml
check "it says that the account is signed in" says out '# account main: signed in'
check_secrets "it shows no secret" out err
curl -sS -d '{"action": "expire"}' -o answer "$SIM_URL/__sim/cookie"
check "check exits with 1 when the cookie is dead" run 1 "$DAV115" check --config good.toml
check "it says so, and what to do" says out '# account main: ' 'cookie'
sed -n 's/^# account/        # account/p' out
check_secrets "it still shows no secret" out err

say "a cookie of somebody else"
start_sim demo
write_config foreign.toml proxy <<END
[[accounts]]
name = "other"
same_as = "main"
cookie = "${SIM_COOKIE/UID=1/UID=9}"
END
check "check exits with 1" run 1 "$DAV115" check --config foreign.toml
check "it says whose cookie is of another user" says out '# account other: its cookie is of another 115 user than that of main'

say "configurations that are refused"
start_sim demo
write_config good.toml proxy </dev/null
sed 's/^listen = .*/listn = "127.0.0.1:0"/' good.toml >unknown.toml
check "an unknown key" run 1 "$DAV115" serve --config unknown.toml
check "the nearest known key is suggested" says err listn listen unknown.toml
sed -n 's/^/        /p' err
sed '/^\[\[users/,/^\[\[accounts/{/accounts/!d}; s/^listen = .*/listen = "0.0.0.0:0"/' good.toml >open.toml
check "no users on an address others can reach" run 1 "$DAV115" serve --config open.toml
check "what to do about it" says err '[[users]]' 127.0.0.1
check "a missing file" run 1 "$DAV115" serve --config nowhere.toml
check "the file is named" says err nowhere.toml
sed 's/^password_hash = .*/password_hash = "hunter2-secret"/' good.toml >plain.toml
check "a password where a hash should be" run 1 "$DAV115" serve --config plain.toml
check_not "it is not repeated" grep hunter2 err out

# log_of FORMAT: serves with it, makes requests of all kinds, and looks at what was written.
check_log() {
    local format=$1
    write_config "$format.toml" "$2" <<END
[download]
proxy_url = "http://127.0.0.1:9/"
proxy_token = "$PROXY_TOKEN"
END
    serve "$format.toml" --log-format "$format" --log-level info,dav115=debug
    dav_curl / -o page
    dav_curl / -o page -X PROPFIND -H 'Depth: 1'
    dav_curl /hello.txt -o page -L
    dav_curl /Music/ -o page
    curl -s -o page -u "$E2E_USER:wrong-$E2E_PASSWORD" "$GATEWAY_URL/" || true
    curl -s -o page "$GATEWAY_URL/?sign=abc&k=def" || true
    curl -s -o page -u "$E2E_USER:$E2E_PASSWORD" "$GATEWAY_URL/missing.txt?cookie=x" || true
    curl -s -o page -H "Authorization: $PROXY_TOKEN" -d '{"path": "/hello.txt"}' "$GATEWAY_URL/api/fs/link" || true
    sleep 0.3
    gateway_log >log
    if [[ $format == json ]]; then
        check "json: every line is JSON" jq -e . log
        jq -r 'select(.target == "dav115::server::request_log") | "\(.method) \(.path) \(.status)"' log >lines
    else
        sed -nE 's/.*request_log: .* method=([A-Z]+) path="([^"]*)" .* status=([0-9]+).*/\1 \2 \3/p' log >lines
    fi
    sort lines >shown
    printf '%s\n' 'GET / 200' 'GET / 401' 'GET / 401' "GET /hello.txt $3" 'GET /missing.txt 404' 'GET /Music/ 200' \
        'POST /api/fs/link 200' 'PROPFIND / 207' | sort >expected
    check_same "$format: one line for each request" expected shown
    check_secrets "$format: no secret in the log, even at debug" log
    stop "$GATEWAY_PID"
}

say "the log"
check_log text redirect 302
check_log json proxy 200

say "serving with the hash from the pipe"
sed "s|^password_hash = .*|password_hash_file = \"$WORK_DIR/a.hash\"|" good.toml >hashed.toml
serve hashed.toml
check "the password opens the door" dav_curl / -o page
check "healthcheck of a live gateway" run 0 "$DAV115" healthcheck --url "$GATEWAY_URL/healthz"
sed "s|^listen = .*|listen = \"${GATEWAY_URL#http://}\"|" good.toml >port.toml
check "healthcheck finds it by the configuration" run 0 "$DAV115" healthcheck --config port.toml
check "healthcheck of readiness" run 0 "$DAV115" healthcheck --url "$GATEWAY_URL/readyz"
check "a taken port is an error that says so" run 1 "$DAV115" serve --config port.toml
check "with the address in it" says err "${GATEWAY_URL#http://}"
curl -sS -d '{"action": "expire"}' -o answer "$SIM_URL/__sim/cookie"
wait_until 5 curl -s -o page -u "$E2E_USER:$E2E_PASSWORD" "$GATEWAY_URL/deep/"
check "healthcheck of readiness without a good cookie" run 1 "$DAV115" healthcheck --url "$GATEWAY_URL/readyz"
check "the gateway itself stays healthy" run 0 "$DAV115" healthcheck --url "$GATEWAY_URL/healthz"
printf '        at rest it holds %s KiB of memory\n' "$(ps -o rss= -p "$GATEWAY_PID" | tr -d ' ')"
stop "$GATEWAY_PID"
check "healthcheck of a dead gateway" run 1 "$DAV115" healthcheck --url "$GATEWAY_URL/healthz"

say "another configuration without a new start"
start_sim demo
write_config changing.toml proxy </dev/null
serve changing.toml
check "the mount is at the top" dav_curl /hello.txt -L -o page
sed -i 's|^path = "/"|path = "/moved"|' changing.toml
kill -HUP "$GATEWAY_PID"
check "after SIGHUP it is where the file says" wait_until 5 dav_curl /moved/hello.txt -L -o page
echo 'nonsense = 1' >>changing.toml
kill -HUP "$GATEWAY_PID"
refused() { gateway_log | grep -F 'the configuration is refused' | grep -qF nonsense; }
check "a bad one is refused, with the key in the log" wait_until 5 refused
check "and what was in force stays so" dav_curl /moved/hello.txt -L -o page
stop "$GATEWAY_PID"

# check_stop NAME GRACE MOST-SECONDS: a stop signal while a slow download runs. Sets DOWNLOAD_STATUS.
check_stop() {
    local began status=0 download
    sed "s/^listen = .*/&\nshutdown_grace = \"$2\"/" good.toml >stop.toml
    serve stop.toml
    rm -f got
    (trap - ERR && dav_curl "/slow.bin" -o got) 2>curl.err &
    download=$!
    wait_until 10 test -s got || die "$1: the download does not begin"
    began=$SECONDS
    kill -TERM "$GATEWAY_PID"
    sleep 0.5
    check_not "$1: no new connection is taken" curl -s -o page "$GATEWAY_URL/healthz"
    wait "$GATEWAY_PID" || status=$?
    check_text "$1: it exits with" 0 "$status"
    check "$1: it took $((SECONDS - began)) s, at most $3" test $((SECONDS - began)) -le "$3"
    DOWNLOAD_STATUS=0
    wait "$download" || DOWNLOAD_STATUS=$?
}

say "stopping while a download runs"
start_sim demo
write_config good.toml proxy </dev/null
curl -sS -o answer -d "{\"op\": \"add_file\", \"parent\": \"/\", \"name\": \"slow.bin\", \"size\": $SLOW_BYTES}" "$SIM_URL/__sim/tree"
curl -sS -o answer -X PATCH -d "{\"cdn_bytes_per_sec\": $((SLOW_BYTES / 4))}" "$SIM_URL/__sim/behaviours"
check_stop "a download that ends in time" 10s 10
check_text "its client is content" 0 "$DOWNLOAD_STATUS"
check "it got every byte" cmp got <(curl -sS "$SIM_URL/__sim/content?path=/slow.bin")
curl -sS -o answer -X PATCH -d "{\"cdn_bytes_per_sec\": $((SLOW_BYTES / 60))}" "$SIM_URL/__sim/behaviours"
check_stop "a download that would take a minute" 2s 4
check "its client sees that it was cut off" test "$DOWNLOAD_STATUS" -ne 0

say "with standard input closed, and SIGINT"
GATEWAY_LOG="$WORK_DIR/closed"
# A background job of a script ignores SIGINT; Python does not hand that on.
python3 -c '
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.close(0)
os.execv(sys.argv[1], sys.argv[1:])' "$DAV115" serve --config good.toml >"$GATEWAY_LOG" 2>"$GATEWAY_LOG.err" &
GATEWAY_PID=$!
PIDS+=("$GATEWAY_PID")
wait_until 20 listens_or_is_gone
GATEWAY_URL="http://$(listening_address)"
check "it serves" dav_curl /hello.txt -o got
curl -sS -o own "$SIM_URL/__sim/content?path=/hello.txt"
check "the right bytes" cmp got own
kill -INT "$GATEWAY_PID"
status=0
wait "$GATEWAY_PID" || status=$?
check_text "SIGINT ends it with" 0 "$status"
finish

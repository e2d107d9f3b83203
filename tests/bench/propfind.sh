#!/usr/bin/env bash
# PROPFIND (Depth: 1, all properties) of 1,000, 10,000 and 50,000 entries: the gateway with the listing in its cache,
# against Apache's mod_dav on empty files of the same names. Both in turn, several times; the fastest of each counts.
# Goal: 10,000 entries in a tenth of Apache's time.
source "$(dirname "$0")/lib.sh"
sizes=(1000 10000 50000)
rounds=${ROUNDS:-7}
programs
need apache2

start_sim empty
helper fill_sim "$sim" "${sizes[@]}"
start_gateway gateway redirect info

modules=/usr/lib/apache2/modules
mkdir "$tmp/apache"
helper fill_folder "$shm" "${sizes[@]}"
apache_port=$(free_port)
cat >"$tmp/apache/apache.conf" <<CONF
ServerRoot $tmp/apache
ServerName localhost
Listen 127.0.0.1:$apache_port
PidFile $tmp/apache/pid
ErrorLog $tmp/apache.err
LoadModule mpm_event_module $modules/mod_mpm_event.so
LoadModule authz_core_module $modules/mod_authz_core.so
LoadModule mime_module $modules/mod_mime.so
LoadModule dav_module $modules/mod_dav.so
LoadModule dav_fs_module $modules/mod_dav_fs.so
TypesConfig /etc/mime.types
Mutex pthread
ServerLimit 1
StartServers 1
MaxRequestWorkers 25
DAVLockDB $tmp/apache/locks
DocumentRoot $shm
<Directory $shm>
    Dav On
    Require all granted
</Directory>
CONF
if [ "$(id -u)" -eq 0 ]; then
    # Apache refuses to serve as root; as www-data it may read, which is all it has to.
    printf 'User www-data\nGroup www-data\n' >>"$tmp/apache/apache.conf"
    chown -R www-data "$tmp/apache"
fi
[ -e /etc/mime.types ] || sed -i '/^TypesConfig/d' "$tmp/apache/apache.conf"
"${on_server[@]}" apache2 -X -f "$tmp/apache/apache.conf" >"$tmp/apache.start.err" 2>&1 &
apache_pid=$!
pids+=("$apache_pid")
wait_for_port "$apache_port"
apache=http://127.0.0.1:$apache_port
authorization=$(printf '%s:%s' "$user" "$password" | base64)

# once PID URL [AUTHORIZATION]: appends to the arrays seconds, cpus; sets bytes.
once() {
    local before after took
    before=$(cpu "$1")
    took=$(helper propfind "$2" "${3:-}")
    after=$(cpu "$1")
    seconds+=("${took% *}")
    cpus+=("$(((after - before) / 1000))")
    bytes=${took#* }
}

printf '%-8s %-8s %10s %10s %10s %12s\n' entries server "wall ms" "CPU ms" "us/entry" "bytes/entry"
for size in "${sizes[@]}"; do
    once "$gateway_pid" "$gateway/n$size/" "$authorization" # fills the cache
    once "$apache_pid" "$apache/n$size/"
    ours=() our_cpus=() theirs=() their_cpus=()
    for _ in $(seq "$rounds"); do
        seconds=() cpus=()
        once "$gateway_pid" "$gateway/n$size/" "$authorization"
        our_bytes=$bytes
        once "$apache_pid" "$apache/n$size/"
        ours+=("${seconds[0]}") our_cpus+=("${cpus[0]}") theirs+=("${seconds[1]}") their_cpus+=("${cpus[1]}")
    done
    our=$(lowest "${ours[@]}") our_cpu=$(lowest "${our_cpus[@]}")
    their=$(lowest "${theirs[@]}") their_cpu=$(lowest "${their_cpus[@]}")
    row() {
        printf '%-8s %-8s %10s %10s %10s %12s\n' "$size" "$1" "$(calc "$2 * 1000")" "$(calc "$3 / 1000")" \
            "$(calc "$3 / $size")" "$(calc "$4 / $size" %.0f)"
    }
    row dav115 "$our" "$our_cpu" "$our_bytes"
    row apache "$their" "$their_cpu" "$bytes"
    ratios+=("$(calc "$our / $their" %.3f)")
    cpu_ratios+=("$(calc "$our_cpu / $their_cpu" %.3f)")
done
echo
echo "time of the gateway over time of Apache: ${ratios[*]}; CPU: ${cpu_ratios[*]} (${sizes[*]} entries)"
goal "PROPFIND of 10,000 entries, time over Apache's" "${ratios[1]}" at-most 0.1
conclude

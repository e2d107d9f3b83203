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

# once NAME PID URL [AUTHORIZATION]: adds to the files time.NAME (s) and cost.NAME (us); sets bytes[NAME].
declare -A bytes
once() {
    local before after took
    before=$(cpu "$2")
    took=$(helper propfind "$3" "${4:-}")
    after=$(cpu "$2")
    echo "${took% *}" >>"$tmp/time.$1"
    echo "$(((after - before) / 1000))" >>"$tmp/cost.$1"
    bytes[$1]=${took#* }
}

printf '%-8s %-8s %10s %10s %10s %12s\n' entries server "wall ms" "CPU ms" "us/entry" "bytes/entry"
for size in "${sizes[@]}"; do
    for _ in $(seq 0 "$rounds"); do
        once dav115 "$gateway_pid" "$gateway/n$size/" "$authorization"
        once apache "$apache_pid" "$apache/n$size/"
        # The first round fills caches.
        [ -e "$tmp/warm.$size" ] || rm "$tmp"/time.* "$tmp"/cost.*
        touch "$tmp/warm.$size"
    done
    for name in dav115 apache; do
        cost=$(lowest "$tmp/cost.$name")
        printf '%-8s %-8s %10s %10s %10s %12s\n' "$size" "$name" "$(calc "$(lowest "$tmp/time.$name") * 1000")" \
            "$(calc "$cost / 1000")" "$(calc "$cost / $size")" "$(calc "${bytes[$name]} / $size" %.0f)"
    done
    ratios+=("$(calc "$(lowest "$tmp/time.dav115") / $(lowest "$tmp/time.apache")" %.3f)")
    cpu_ratios+=("$(calc "$(lowest "$tmp/cost.dav115") / $(lowest "$tmp/cost.apache")" %.3f)")
    rm "$tmp"/time.* "$tmp"/cost.*
done
echo
echo "time of the gateway over time of Apache: ${ratios[*]}; CPU: ${cpu_ratios[*]} (${sizes[*]} entries)"
goal "PROPFIND of 10,000 entries, time over Apache's" "${ratios[1]}" at-most 0.1
conclude

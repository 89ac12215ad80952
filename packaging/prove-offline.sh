#!/usr/bin/env bash
# Shows that nothing leaves the machine: in a network namespace that has no route a release is unpacked, started for the first time, works on the whole sample, is
# updated, and takes back a release that is not well; every address that any of its processes connects or sends to is recorded, and one that is neither loopback nor a
# Unix socket fails. As root (or where users may make namespaces), with strace and minisign. Ends with "offline: passed" or "offline: FAILED at" and the step.
#   bash packaging/prove-offline.sh lastbuy-VERSION-x86_64.tar.gz
set -euo pipefail
tarball=$(realpath "${1:?the .tar.gz of a release}")
here=$(cd "$(dirname "$0")/.." && pwd)
for tool in strace minisign unshare; do
    command -v $tool >/dev/null || { printf 'offline: FAILED at setup: %s is missing (Debian: apt-get install strace minisign util-linux)\n' "$tool" >&2; exit 1; }
done
folder=$(mktemp -d)
printf 'setup\n' >"$folder/step"
finish() {
    local status=$?
    if [ $status -eq 0 ]; then echo "offline: passed"; else echo "offline: FAILED at $(cat "$folder/step")"; fi
    rm -rf "$folder"
}
trap finish EXIT

cat >"$folder/inside.sh" <<'INSIDE'
set -euo pipefail
folder=$1 here=$2 tarball=$3
cd "$folder"
step() { printf '%s\n' "$*" >"$folder/step"; printf '== %s\n' "$*"; }
# A namespace begins with its loopback switched off.
if command -v ip >/dev/null; then ip link set lo up; else python3 - <<'PYTHON'
import fcntl, socket, struct
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
    fcntl.ioctl(handle, 0x8914, struct.pack("16sh", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: IFF_UP | IFF_RUNNING
PYTHON
fi
! timeout 2 bash -c ': >/dev/tcp/192.0.2.1/80' 2>/dev/null || { echo "this namespace has a route: nothing would be shown" >&2; exit 1; }
count=0
traced() { count=$((count + 1)) && strace -f -qq --seccomp-bpf -e trace=connect,sendto,sendmsg,sendmmsg -o "$folder/trace.$count" "$@"; }

step "install: the .tar.gz is unpacked"
mkdir bin && tar -xzf "$tarball" -C bin --strip-components 1
program=$folder/bin/lastbuy data=$folder/data
lastbuy() { "$program" --data-dir "$data" "$@"; }
lastbuy --version

step "first start and the whole sample"
traced "$program" demo --data-dir "$data" >demo.txt
tail -n 5 demo.txt
[ "$(lastbuy cases list --json | grep -c '"id"')" -gt 0 ]

step "server"
traced "$program" --data-dir "$data" serve --listen 127.0.0.1:8799 2>serve.txt &
server=$!
for attempt in $(seq 600); do
    [ ! -S "$data/admin.sock" ] || break
    kill -0 $server || { cat serve.txt >&2; exit 1; }
    sleep 0.2
done
python3 - <<'PYTHON'
import json, time, urllib.request
for attempt in range(600):
    try:
        print("readyz", json.load(urllib.request.urlopen("http://127.0.0.1:8799/readyz"))["status"])
        break
    except OSError:
        time.sleep(0.2)
else:
    raise SystemExit("the server never became ready")
PYTHON
lastbuy ingest --wait "$here/assets/notices/nordquartz-crystal.txt" | tail -n 1
lastbuy doctor
lastbuy doctor --egress
# No process outside this namespace can be seen here.
pkill -TERM -x lastbuy
wait $server

# A release in whose place another can be put: it says its own version and otherwise is this program.
release() {
    local version=$1 otherwise=$2
    mkdir "release-$version"
    printf '#!/bin/sh\nfor word; do last=$word; done\nif [ "$last" = --version ]; then echo lastbuy %s; exit; fi\n%s\nexec %s "$@"\n' "$version" "$otherwise" "$folder/this" >"release-$version/lastbuy"
    "$folder/this" release bundle "release-$version" --of "$version" --key release.key --password-file password --to "$version.lastbuy"
}
cp "$program" this
printf 'of this run only\n' >password
printf 'of this run only\nof this run only\n' | minisign -G -p release.pub -s release.key >/dev/null 2>&1
events=$(lastbuy events list --json | grep -c '"received_at"')

step "an update that is not well is rolled back, with the store"
release 98.0.0 "[ \"\$last\" = --trial ] && { echo 'lastbuy store 99' >$data/format; rm -rf $data/log; exit 1; }"
if traced "$program" --data-dir "$data" update apply --key release.pub 98.0.0.lastbuy 2>refused.txt; then echo "it was taken" >&2; exit 1; fi
tail -n 1 refused.txt
[ "$(lastbuy --version)" = "$("$folder/this" --version)" ]
[ "$(lastbuy events list --json | grep -c '"received_at"')" = "$events" ]

step "update"
release 99.0.0 ""
traced "$program" --data-dir "$data" update apply --key release.pub 99.0.0.lastbuy
[ "$(lastbuy --version)" = "lastbuy 99.0.0" ]
[ "$(lastbuy events list --json | grep -c '"received_at"')" = "$events" ]
lastbuy doctor --deep | tail -n 1
step "connections"
INSIDE
# Processes of its own, so that nothing outlives this and nothing of this machine is seen.
unshare --net --pid --fork --mount --mount-proc bash "$folder/inside.sh" "$folder" "$here" "$tarball"

cat "$folder"/trace.* | grep -oE 'sa_family=AF_[A-Z0-9]+[^}]*' | sed -E 's/sun_path=@?"[^"]*"/a path/; s/sin6?_port=htons\([0-9]+\)/a port/' | sort | uniq -c
grep -qE 'sa_family=AF_UNIX' "$folder"/trace.* || { echo "nothing was recorded, so nothing is shown" >&2; exit 1; }
if cat "$folder"/trace.* | grep -E 'sa_family=AF_' | grep -vE 'sa_family=AF_UNIX|inet_addr\("127\.|inet_pton\(AF_INET6, "::1"'; then
    echo "something tried to leave the machine" >&2
    exit 1
fi
echo "$(ls "$folder"/trace.* | wc -l) programs with all their children: nothing but loopback and Unix sockets"

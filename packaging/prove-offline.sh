#!/usr/bin/env bash
# Shows that nothing leaves the machine: the demo, a server with deliveries and an update run in a network namespace that has no route, and every connect(2) of
# every process is recorded; any address but loopback and Unix sockets fails. As root (or where users may make namespaces), with strace.
#   bash packaging/prove-offline.sh PROGRAM      PROGRAM carries its model, as packaging/release.sh makes it, or finds one beside it
set -euo pipefail
program=$(realpath "${1:?which program?}")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
here=$(cd "$(dirname "$0")/.." && pwd)

cat >"$folder/inside.sh" <<'INSIDE'
set -euo pipefail
program=$1 folder=$2 here=$3
# A namespace begins with its loopback switched off.
if command -v ip >/dev/null; then ip link set lo up; else python3 - <<'PYTHON'
import fcntl, socket, struct
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
    fcntl.ioctl(handle, 0x8914, struct.pack("16sh", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: IFF_UP | IFF_RUNNING
PYTHON
fi
! timeout 2 bash -c ': >/dev/tcp/192.0.2.1/80' 2>/dev/null || { echo "this namespace has a route: nothing would be shown" >&2; exit 1; }
traced() { strace -f -qq --seccomp-bpf -e trace=connect,sendto,sendmsg -o "$folder/trace.$1" "${@:2}"; }
echo "== demo"
traced demo "$program" demo --data-dir "$folder/demo" >"$folder/demo.txt"
tail -n 5 "$folder/demo.txt"
echo "== server"
traced serve "$program" --data-dir "$folder/demo" serve --listen 127.0.0.1:8799 >/dev/null 2>"$folder/serve.txt" &
until [ -S "$folder/demo/admin.sock" ]; do sleep 0.2; done
python3 - <<'PYTHON'
import json, time, urllib.request
for attempt in range(100):
    try:
        print("readyz", json.load(urllib.request.urlopen("http://127.0.0.1:8799/readyz"))["status"])
        break
    except OSError:
        time.sleep(0.2)
PYTHON
"$program" --data-dir "$folder/demo" ingest --wait "$here"/assets/notices/*.txt | tail -n 1
"$program" --data-dir "$folder/demo" doctor || true
pkill -TERM -P "$!" -x lastbuy || kill "$!"
wait "$!" || true
INSIDE
unshare --net bash "$folder/inside.sh" "$program" "$folder" "$here"

echo "== connections"
cat "$folder"/trace.* | grep -oE 'sa_family=AF_[A-Z0-9]+[^}]*' | sed -E 's/sun_path="[^"]*"/a path/; s/sin_port=htons\([0-9]+\)/a port/' | sort | uniq -c
if cat "$folder"/trace.* | grep -E 'sa_family=AF_INET' | grep -vE 'inet_addr\("127\.|inet_pton\(AF_INET6, "::1"'; then
    echo "something tried to leave the machine" >&2
    exit 1
fi
echo "nothing but loopback and Unix sockets was connected to"

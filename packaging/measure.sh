#!/usr/bin/env bash
# Measures a release as plant IT will meet it and prints each figure beside its goal: what it links, how long a start takes with many events in the store, what it needs
# while nothing happens, how its service is confined. Nothing is kept. Over a goal is said, and fails at the end.
#   bash packaging/measure.sh PROGRAM [EVENTS]        PROGRAM as packaging/release.sh makes it; 100000 events where no number is given
#   IDLE_SECONDS=120                                  how long idleness is watched
set -euo pipefail
program=$(realpath "${1:?which program?}") events=${2:-100000} idle_seconds=${IDLE_SECONDS:-120}
here=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d)
server=""
finish() {
    local status=$?
    [ -z "$server" ] || kill -KILL "$server" 2>/dev/null || true
    rm -rf "$folder"
    if [ $status -eq 0 ]; then echo "measure: within every goal"; else echo "measure: FAILED"; fi
}
trap finish EXIT
over=0
figure() {
    local verdict=within
    awk -v a="$2" -v b="$4" 'BEGIN { exit !(a <= b) }' || { verdict=OVER && over=1; }
    printf '%-58s %8s %-6s goal %s: %s\n' "$1" "$2" "$3" "$4" "$verdict"
}
start() {
    "$program" --data-dir "$@" serve --listen 127.0.0.1:8796 2>"$folder/served" &
    server=$!
}
stop() {
    kill -TERM "$server"
    wait "$server"
    server=""
}

ldd "$program" | awk '{ print "links  " $1 }'
printf 'oldest glibc it runs on: %s\n' "$(objdump -T "$program" | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -n 1)"
if command -v systemd-analyze >/dev/null; then
    figure "systemd-analyze security, exposure" "$(systemd-analyze security --offline=true --no-pager "$here/packaging/systemd/lastbuy.service" 2>/dev/null | sed -n 's/.*exposure level.*: \([0-9.]*\) .*/\1/p')" "" 2.0
fi

cat >"$folder/measure.py" <<'PYTHON'
"""fill N: delivers N structured notices and waits for nothing else. ready SECONDS_BEGUN: prints the seconds from then until /readyz says ready.
   idle PID SECONDS: MiB and per cent of one core of the process, then of its children."""
import concurrent.futures, http.client, json, os, socket, sys, threading, time

ADDRESS = ("127.0.0.1", 8796)


def fill(count):
    """On a few connections that stay open."""
    local = threading.local()

    def one(number):
        body = json.dumps({"manufacturer": "Acme", "notice_id": f"N-{number:06}", "notice_type": "PDN", "issue_date": "2026-10-01",
                           "last_time_buy": "2027-04-30", "affected_parts": [f"AX{number:06}-3"]})
        if not hasattr(local, "connection"):
            local.connection = http.client.HTTPConnection(*ADDRESS, timeout=60)
        while True:
            local.connection.request("POST", "/v1/hooks/generic", body, {"Content-Type": "application/json"})
            answer = local.connection.getresponse()
            answer.read()
            if answer.status == 202:
                return
            assert answer.status in (429, 503), answer.status
            time.sleep(0.5)

    with concurrent.futures.ThreadPoolExecutor(48) as pool:
        for _ in pool.map(one, range(count), chunksize=64):
            pass


def ready(begun):
    while True:
        try:
            connection = http.client.HTTPConnection(*ADDRESS, timeout=60)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                print(f"{time.time() - float(begun):.2f}")
                return
        except OSError:
            pass
        time.sleep(0.02)


def of(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    with open(f"/proc/{pid}/status") as status:
        kilobytes = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), kilobytes / 1024


def idle(pid, seconds):
    children = open(f"/proc/{pid}/task/{pid}/children").read().split()
    for task in os.listdir(f"/proc/{pid}/task"):
        children += open(f"/proc/{pid}/task/{task}/children").read().split()
    pids = [pid, *sorted(set(children))]
    before = [of(one)[0] for one in pids]
    time.sleep(float(seconds))
    after = [of(one) for one in pids]
    used = [100 * (now[0] - then) / float(seconds) for now, then in zip(after, before)]
    print(f"{after[0][1]:.0f} {sum(used):.2f} {sum(one[1] for one in after[1:]):.0f} {len(pids) - 1}")


{"fill": lambda n: fill(int(n)), "ready": ready, "idle": idle}[sys.argv[1]](*sys.argv[2:])
PYTHON
does() { python3 "$folder/measure.py" "$@"; }

# The rate of one sender is no limit where the store is filled.
mkdir "$folder/many" "$folder/few"
printf '[intake]\nper_minute = 0\n' >"$folder/many.toml"
begun=$(date +%s.%N)
start "$folder/few"
printf 'first start, with the models unpacked: %s s\n' "$(does ready "$begun")"
for file in "$here"/assets/notices/*.eml; do "$program" --data-dir "$folder/few" ingest --wait "$file" >/dev/null 2>&1; done
"$program" --data-dir "$folder/few" data import "$here/assets/factory" >/dev/null
# Idle is when no job is left; what is opened for work closes a little later.
while "$program" --data-dir "$folder/few" jobs list --json | grep -qE '"(ready|leased|scheduled)"'; do sleep 1; done
sleep 30
read -r memory cpu children count < <(does idle "$server" "$idle_seconds")
figure "memory of the idle server" "$memory" MiB 120
printf '%-58s %8s MiB in %s children\n' "beside it, the model" "$children" "$count"
figure "processor time of all while idle, of one core" "$cpu" "%" 0.5
stop

start "$folder/many" --config "$folder/many.toml"
does ready "$(date +%s.%N)" >/dev/null
begun=$(date +%s)
does fill "$events"
printf '%s events were taken in %s s\n' "$events" $(($(date +%s) - begun))
stop
# Twice: the first start after so much closes what was left open.
for attempt in 1 2; do
    begun=$(date +%s.%N)
    start "$folder/many"
    seconds=$(does ready "$begun")
    stop
    figure "start to ready with $events events" "$seconds" s 2.0
done
[ $over = 0 ]

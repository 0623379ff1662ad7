#!/usr/bin/env bash
# serve.sh PROGRAM LAUNCHER [FLAG...]: a run over processes is served by process 0 alone, and one whose address cannot be
# had ends in all of them before the first step, with one line.
set -euo pipefail
program=$(realpath "$1")
launcher=("${@:2}")
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
cd "$root"

cat >job.toml <<END
[job]
steps = 3000
[data]
dataset = "graphical_model"
batch = 32
[model]
name = "mlp"
hidden = 16
[optimizer]
name = "sgd"
[workers]
count = 3
[strategy]
name = "fda"
threshold = 0.02
[evaluation]
every = "500 steps"
workers = "never"
[output]
progress = "off"
END

fail() {
  echo "serve.sh: $*" >&2
  cat out err >&2
  exit 1
}

mkfifo said
"${launcher[@]}" -n 3 "$program" run job.toml --serve 0 >said 2>err &
run=$!
while IFS= read -r line; do
  echo "$line"
  port=${line##*:}
  if [[ $line == "watch at http://127.0.0.1:"* ]]; then
    exec 4<>"/dev/tcp/127.0.0.1/${port%/}"
    printf 'GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n' >&4
  fi
done <said >out
wait "$run" || fail "the run ended with $?"
timeout 60 cat <&4 >events || fail "the page's news have no end"
[ "$(grep -c 'watch at' out)" = 1 ] || fail "not one process says where it is served"
grep -q '"step": 3000, "steps": 3000, .*"summary": {.*"end": "steps"' events || fail "the last news hold no end: $(cat events)"

# The address is taken by a run in the simulator, which has no end to speak of.
"$program" run job.toml --serve 0 --set job.steps=100000000 --set job.name=other >said 2>>err &
other=$!
trap 'kill -KILL $other; rm -rf "$root"' EXIT
read -r line <said
port=${line##*:}
code=0
timeout 60 "${launcher[@]}" -n 3 "$program" run job.toml --serve "${port%/}" >out 2>err || code=$?
[ "$code" = 2 ] || fail "an address in use ends with $code"
[ "$(grep -c 'laconic: error:' err)" = 1 ] || fail "not one line says what is wrong"
grep -q "laconic: error: worker 0: --serve 127.0.0.1:${port%/}: .*; give another port" err || fail "the line is another"

#!/usr/bin/env bash
# loss.sh [--all] PROGRAM LAUNCHER [FLAG...]: the program over processes of which one is lost, started with the launcher
# of Open MPI.
#
# A process is stopped, so that it is silent and still there, or killed. Every other one has to say whom it lost and end
# with exit code 3 within network.deadline; the run then goes on from its newest checkpoint and ends, to the bit, as one
# that was never struck, where workers wait for each other. Besides: what is wrong before the first step, and a user
# who asks for the end. By default each strategy is struck twice, over shared memory or TCP, in rank 0 or 2; with
# --all in every combination, which takes some minutes.
#
# A line a case; exit code 1 when a statement does not hold, with what the processes said.
set -uo pipefail

all=no
if [ "${1:-}" = --all ]; then
  all=yes
  shift
fi
program=$(realpath "$1")
launcher=("${@:2}")
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(mktemp -d)
cd "$root" || exit 1

readonly deadline=3   # s, of the job below
readonly limit=4.5    # s, when every survivor has left: the deadline, a second for process 0 to write results, and load
readonly patience=30  # s, for what takes a moment on a machine that is not too busy
failures=0
launched=
case_name=

end_all() {
  if [ -n "$launched" ]; then kill -KILL "$launched" 2>/dev/null; fi
  cat "$root"/*/*.pid 2>/dev/null | while read -r pid; do kill -KILL "$pid" 2>/dev/null; done
  rm -rf "$root"
}
trap end_all EXIT

cat >job.toml <<END
[job]
steps = 400
[data]
dataset = "graphical_model"
batch = 64
[model]
name = "mlp"
hidden = 64
[optimizer]
name = "sgd"
[workers]
count = 4
[network]
deadline = "$deadline s"
[evaluation]
every = "200 steps"
workers = "never"
[checkpoint]
every = "50 steps"
[output]
progress = "off"
END

# What the job has beside that.
options_of() {
  case $1 in
    synchronous) echo strategy.name=synchronous ;;
    d_psgd) echo strategy.name=d_psgd topology.graph=ring ;;
    local) echo strategy.name=local ;;
    sparse_push) echo strategy.name=sparse_push strategy.order=asynchronous topology.graph=directed_ring \
      compression.operator=top_k compression.ratio=0.1 ;;
  esac
}

transport_of() {
  case $1 in
    memory) echo self,vader ;;
    tcp) echo self,tcp ;;
  esac
}

fail() {
  failures=$((failures + 1))
  echo "FAILED $case_name: $1"
  for file in "$root/$case_name"/*.err "$root/$case_name"/launcher; do
    sed "s|^|    $(basename "$file"): |" "$file"
  done
}

expect() { # TEXT CONDITION...
  local text=$1
  shift
  "$@" || fail "$text"
}

seconds_from() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", b - a }'; }
at_most() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a <= b) }'; }

# Starts a case: launch NAME PROCESSES TRANSPORT ARGUMENT...
launch() {
  case_name=$1
  local processes=$2 transport=$3
  shift 3
  mkdir "$root/$case_name"
  setsid "${launcher[@]}" --mca btl "$(transport_of "$transport")" -n "$processes" \
    bash "$here/rank.sh" "$root/$case_name" "$program" run "$@" >"$case_name/launcher" 2>&1 &
  launched=$!
}

# Waits for a condition; fails the case when it does not come about.
await() { # WHAT CONDITION...
  local what=$1 end=$((SECONDS + patience))
  shift
  until "$@"; do
    if [ "$SECONDS" -ge "$end" ]; then
      fail "$what did not come about within $patience s"
      return 1
    fi
    sleep 0.02
  done
}

has_ended() { ! kill -0 "$launched" 2>/dev/null; }

# The launcher's exit code, once it has ended.
finish() {
  await "the end" has_ended || kill -KILL "$launched"
  wait "$launched"
  code=$?
  launched=
}

has_checkpoint() { compgen -G "runs/$1.checkpoint/*/manifest*" >/dev/null; }
none_is_left() {
  local file
  for file in "$root/$case_name"/*.pid; do ! kill -0 "$(cat "$file")" 2>/dev/null || return 1; done
}
code_of() { cut -d' ' -f1 "$root/$case_name/$1.end" 2>/dev/null; }
time_of() { cut -d' ' -f2 "$root/$case_name/$1.end" 2>/dev/null; }
said() { cat "$root/$case_name/$1.err"; }

# strike SIGNAL STRATEGY RANK TRANSPORT
strike() {
  local signal=$1 strategy=$2 rank=$3 transport=$4
  local name=$signal-$strategy-$rank-$transport
  local sets=() survivors=() survivor struck_at slowest=0 slowest_to_obey=0 ended=0 span
  for option in $(options_of "$strategy") output.dir="runs/$name" job.name=struck; do sets+=(--set "$option"); done
  launch "$name" 4 "$transport" job.toml "${sets[@]}"
  await "a checkpoint" has_checkpoint "$name" || { finish; return; }
  struck_at=$EPOCHREALTIME
  kill "-$signal" "$(cat "$name/$rank.pid")"
  for survivor in 0 1 2 3; do [ "$survivor" -eq "$rank" ] || survivors+=("$survivor"); done
  finish
  await "the end of all" none_is_left
  for survivor in "${survivors[@]}"; do
    expect "worker $survivor does not name worker $rank" grep -q "\(of\|from\|lost:\) worker $rank\b" \
      <<<"$(said "$survivor")"
    [ -s "$name/$survivor.end" ] || continue
    ended=$((ended + 1))
    expect "worker $survivor ended with '$(code_of "$survivor")', not 3" [ "$(code_of "$survivor")" = 3 ]
    span=$(seconds_from "$struck_at" "$(time_of "$survivor")")
    at_most "$span" "$slowest" || slowest=$span
    if [ -s "$name/$survivor.term" ]; then
      span=$(seconds_from "$(head -n 1 "$name/$survivor.term")" "$(time_of "$survivor")")
      at_most "$span" "$slowest_to_obey" || slowest_to_obey=$span
    fi
  done
  expect "no survivor has come to its end" [ "$ended" -gt 0 ]
  expect "the last survivor ended after $slowest s" at_most "$slowest" "$limit"
  # Open MPI asks those that are left a second after the loss, and kills them a second later, or when the first of
  # them has ended: not all come to tell their exit code, but all have said why they end.
  expect "it took $slowest_to_obey s to obey the launcher" at_most "$slowest_to_obey" 0.8
  # What the launcher tells: the first exit code that is not 0, and of one that a signal ended 128 more.
  if [ "$signal" = STOP ]; then
    expect "the launcher ended with $code, not 3" [ "$code" = 3 ]
  else
    expect "the launcher ended with $code, not 137" [ "$code" = 137 ]
  fi
  echo "$name: the others have ended after $slowest s ($slowest_to_obey s after being asked), the launcher with $code"
}

model_of() { echo "runs/$1/model.safetensors"; }

# What a run that is not struck comes to.
reference() { # STRATEGY
  local sets=() option
  for option in $(options_of "$1") output.dir="runs/$1" job.name=struck; do sets+=(--set "$option"); done
  launch "$1" 4 memory job.toml "${sets[@]}"
  finish
  expect "it ended with $code" [ "$code" = 0 ]
}

# resume NAME STRATEGY: of a struck run.
resume() {
  launch "$1-resumed" 4 memory --resume "runs/$1"
  finish
  expect "the resumed run ended with $code" [ "$code" = 0 ]
  [ "$2" != sparse_push ] || return
  [ -d "$2" ] || reference "$2"
  case_name=$1-resumed
  expect "its model is another than that of a run that was never struck" cmp "$(model_of "$1")" "$(model_of "$2")"
}

# refused NAME PROCESSES TEXT ARGUMENT...: all end with exit code 2, and say one line together.
refused() {
  local name=$1 processes=$2 text=$3 rank lines
  shift 3
  launch "$name" "$processes" memory job.toml "$@"
  finish
  expect "the launcher ended with $code, not 2" [ "$code" = 2 ]
  await "the end of all" none_is_left
  for ((rank = 0; rank < processes; ++rank)); do
    [ ! -s "$name/$rank.end" ] || expect "worker $rank ended with '$(code_of "$rank")', not 2" [ "$(code_of "$rank")" = 2 ]
  done
  lines=$(cat "$name"/*.err)
  expect "not one line: $lines" [ "$(wc -l <<<"$lines")" = 1 ]
  expect "not '$text' in: $lines" grep -q -- "$text" <<<"$lines"
  echo "$name: $lines"
}

# Samples of 6 x 6 in the form of MNIST's files.
write_images() { # FOLDER
  mkdir -p "$1"
  local stem i
  for stem in train t10k; do
    { printf '\0\0\10\3\0\0\0\50\0\0\0\6\0\0\0\6'; head -c $((40 * 36)) /dev/zero; } >"$1/$stem-images-idx3-ubyte"
    { printf '\0\0\10\1\0\0\0\50'; for i in 0 1 2 3; do printf '\0\1\2\3\4\5\6\7\10\11'; done; } \
      >"$1/$stem-labels-idx1-ubyte"
  done
}

# asked SIGNAL: a user asks the launcher for the end.
asked() {
  local name=asked-$1 rank ended=0
  launch "$name" 4 memory job.toml --set strategy.name=synchronous --set job.steps=100000 \
    --set output.dir="runs/$name"
  await "a checkpoint" has_checkpoint "$name"
  kill "-$1" "$launched"
  finish
  await "the end of all" none_is_left
  for rank in 0 1 2 3; do
    [ -s "$name/$rank.end" ] || continue
    ended=$((ended + 1))
    expect "worker $rank ended with '$(code_of "$rank")', not 130" [ "$(code_of "$rank")" = 130 ]
  done
  expect "no worker has come to its end" [ "$ended" -gt 0 ]
  expect "the launcher ended with $code, not 1" [ "$code" = 1 ]
  expect "there are no results" grep -q interrupted "runs/$name/summary.json"
  echo "$name: the launcher ended with $code"
}

if [ "$all" = yes ]; then
  for strategy in synchronous d_psgd local sparse_push; do
    for signal in STOP KILL; do
      for rank in 0 2; do
        for transport in memory tcp; do
          strike "$signal" "$strategy" "$rank" "$transport"
          resume "$signal-$strategy-$rank-$transport" "$strategy"
        done
      done
    done
  done
else
  strike STOP synchronous 2 memory
  resume STOP-synchronous-2-memory synchronous
  strike STOP d_psgd 0 tcp
  strike STOP local 0 memory
  strike STOP sparse_push 2 tcp
  strike KILL synchronous 0 tcp
  strike KILL d_psgd 2 memory
  resume KILL-d_psgd-2-memory d_psgd
  strike KILL local 2 tcp
  strike KILL sparse_push 0 memory
  resume KILL-sparse_push-0-memory sparse_push
fi
refused too-few 3 "start with -n 4" --set strategy.name=local
for rank in 0 1 3; do write_images "images/$rank"; done
refused missing-data 4 "worker 2" --set strategy.name=local --set data.dataset=mnist --set "data.dir=images/{rank}" \
  --set data.batch=8
asked TERM
asked INT

[ "$failures" -eq 0 ] || { echo "$failures statements do not hold"; exit 1; }
echo "all hold, in $SECONDS s"

#!/usr/bin/env bash
# rank.sh FOLDER PROGRAM [ARGUMENT...]: between a launcher and the program, as one of a job's processes. Leaves in FOLDER
# RANK.pid, what the program says in RANK.err, RANK.term, when the launcher asked it to end, and RANK.end, its exit code
# and when that came. Passes a death by SIGKILL on.
folder=$1
shift
rank=${OMPI_COMM_WORLD_RANK:?start this with the launcher of Open MPI}

# The launcher asks the whole process group, the program too. A shell hears that at once where it waits by `wait`, whose
# own result is then worth nothing; so one shell takes the time, and another has the program in the foreground.
take_time() {
  trap 'echo "$EPOCHREALTIME" >>"$folder/$rank.term"' TERM
  while :; do
    sleep 100 &
    wait $!
  done
}
trap : TERM INT HUP
take_time </dev/null >/dev/null 2>&1 &
timekeeper=$!
bash -c 'echo $$ >"$0"; exec "$@"' "$folder/$rank.pid" "$@" 2>"$folder/$rank.err"
code=$?
echo "$code $EPOCHREALTIME" >"$folder/$rank.end"
kill -STOP "$timekeeper"
pkill -KILL -P "$timekeeper"
kill -KILL "$timekeeper"
[ "$code" -ne 137 ] || kill -KILL $$
exit "$code"

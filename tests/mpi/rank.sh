#!/usr/bin/env bash
# rank.sh FOLDER PROGRAM [ARGUMENT...]: between a launcher and the program, as one of a job's processes. Leaves in FOLDER
# RANK.pid, what the program says in RANK.err, RANK.term, when the launcher asked it to end, and RANK.end, its exit code
# and when that came. Passes a death by SIGKILL on.
folder=$1
shift
rank=${OMPI_COMM_WORLD_RANK:?start this with the launcher of Open MPI}
# The launcher asks the whole process group, the program too.
trap 'echo "$EPOCHREALTIME" >>"$folder/$rank.term"' TERM
trap : INT HUP
"$@" 2>"$folder/$rank.err" &
program=$!
echo "$program" >"$folder/$rank.pid"
code=0
while kill -0 "$program" 2>/dev/null; do
  wait "$program"
  code=$?
done
echo "$code $EPOCHREALTIME" >"$folder/$rank.end"
[ "$code" -ne 137 ] || kill -KILL $$
exit "$code"

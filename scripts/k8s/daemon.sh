#!/bin/bash
# daemon.sh NAME [stop]: starts (or ends, with SIGKILL) the process whose command line is in $K8S_FOLDER/NAME.command. Its pid and its log are beside it.
set -euo pipefail
at=$K8S_FOLDER/$1
log=$K8S_FOLDER/log/${1//\//-}.log
if [ "${2:-start}" = stop ]; then
  pid=$(cat "$at.pid")
  kill -KILL "$pid" 2>/dev/null || true
  while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
  exit 0
fi
eval "exec setsid $(cat "$at.command")" </dev/null >>"$log" 2>&1 &
echo $! >"$at.pid"

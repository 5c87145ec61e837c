#!/bin/sh
# Starts the Sealpost client: ./startClient.sh HOST PORT [FLAGS...]. Works from any directory.
if [ $# -eq 0 ]; then
  echo "usage: $0 HOST PORT [FLAGS...]     for example: $0 localhost 1357" >&2
  exit 2
fi
self=$(readlink -f -- "$0" 2>/dev/null) || self=$0
exec "$(dirname -- "$self")/scripts/launch.sh" client "$@"

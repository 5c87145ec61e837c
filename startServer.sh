#!/bin/sh
# Starts a Sealpost server: ./startServer.sh [PORT] [FLAGS...]
# Without a port the server takes the one in its configuration file, else 1357. Works from any directory.
self=$(readlink -f -- "$0" 2>/dev/null) || self=$0
exec "$(dirname -- "$self")/scripts/launch.sh" server "$@"

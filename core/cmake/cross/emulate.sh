#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# emulate.sh QEMU SYSROOT PROGRAM ARGUMENT...: runs a program of another platform by qemu-user.
# The program gets a name, PROGRAM.run, under which the kernel of this machine can run it too: a death test of the style "threadsafe"
# executes its own name again, and without binfmt_misc, as in containers, nothing else would start the emulator.
set -eu
qemu=$1 sysroot=$2 program=$3
shift 3
case $program in
  /*) ;;
  *) program=$PWD/$program ;;
esac
if ! [ -x "$program.run" ]; then
  printf '#!/bin/sh\nexec "%s" -L "%s" -0 "$0" "%s" "$@"\n' "$qemu" "$sysroot" "$program" >"$program.run.$$"
  chmod +x "$program.run.$$"
  mv -f "$program.run.$$" "$program.run"
fi
exec "$program.run" "$@"

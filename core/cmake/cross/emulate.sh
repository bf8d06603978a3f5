#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# emulate.sh QEMU SYSROOT PROGRAM ARGUMENT...: runs a program of another platform by qemu-user; with QEMU "native" by this machine's kernel
# and the loader of the sysroot, which is for i686.
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
  if [ "$qemu" = native ]; then
    printf '#!/bin/sh\nexec "%s/lib/ld-linux.so.2" --library-path "%s/lib" --argv0 "$0" "%s" "$@"\n' "$sysroot" "$sysroot" "$program"
  else
    printf '#!/bin/sh\nexec "%s" -L "%s" -0 "$0" "%s" "$@"\n' "$qemu" "$sysroot" "$program"
  fi >"$program.run.$$"
  chmod +x "$program.run.$$"
  mv -f "$program.run.$$" "$program.run"
fi
exec "$program.run" "$@"

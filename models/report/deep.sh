#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# deep.sh FOLDER here [JOBS]                on this machine
#         FOLDER parallel [ARGUMENT...]     by GNU parallel, for example with --sshlogin :,32/one.example,32/another.example
#         FOLDER slurm [ARGUMENT...]        by an array job of Slurm, for example with --partition=long
# Runs the parts of a deep run that have not passed yet. FOLDER is that of the models in the build: build/deep/models. A part that gets
# lost is run again as long as others get through. Exits with 0 once every part has passed; with 1 it names those that have not.
# SLICE=2/8 in the environment: only the third of eight slices of the parts. docs/ci.md tells more.
set -eu
if [ $# -lt 2 ] || ! [ -e "$1/parts.txt" ]; then
  sed -n '3,5s/^# //p' "$0" >&2
  exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
folder=$1 engine=$2
shift 2
cd "$folder"
list() { cmake -DLIST="$1" -DSLICE="${SLICE-}" -P part.cmake; }

# An engine runs the parts that it reads. What came of each stands in its result; a part that has failed is not tried again.
one='cmake -DKEEP=ON -DPART={} -P part.cmake || test -e results/{}.json.seal'
run_by_here() {
  xargs -P "${1:-$(nproc)}" -I{} sh -c "$one" || true
}
# Another machine needs cmake and the C++ runtime; parallel brings the rest there, into a folder of the same path, and fetches the results.
run_by_parallel() {
  set -- --return results/{}.json --return results/{}.json.seal "$@"
  for file in parts.txt part.cmake results/of $(cut -d'|' -f2 parts.txt | sort -u); do set -- --basefile "$file" "$@"; done
  parallel --will-cite --workdir . --retries 3 "$@" "$one" || true
}
# The folder must be on a file system that the nodes share. An array has 1000 tasks at most; the next one has the rest.
run_by_slurm() {
  mkdir -p slurm
  parts=$(mktemp slurm/parts.XXXXXX)
  head -n 1000 >"$parts"
  name=cts-deep-$(pwd | cksum | cut -d' ' -f1)
  earlier=$(squeue --noheader --user="$(id -un)" --name="$name" --format=%F | sort -u | paste -sd: -)  # its deep.sh was killed
  if [ -n "$earlier" ]; then set -- --dependency=afterany:"$earlier" "$@"; fi
  id=$(sbatch --wait --parsable --job-name="$name" --array=0-$(($(wc -l <"$parts") - 1)) --output=slurm/%A_%a.log "$@" \
              "$here/deep.sbatch" "$parts") || [ -n "$id" ] || { rm "$parts"; exit 1; }
  rm "$parts"
}
case $engine in
  here | parallel | slurm) ;;
  *) echo "the engine is $engine; it must be here, parallel or slurm" >&2; exit 2 ;;
esac

cmake -P begin.cmake
for part in $(list failed); do rm "results/$part.json.seal"; done  # a new run tries these once more
before=
while :; do
  lost=$(list lost)
  if [ -z "$lost" ] || [ "$lost" = "$before" ]; then break; fi
  echo "$(echo "$lost" | wc -l) of $(list all | wc -l) parts have no result"
  before=$lost
  echo "$lost" | "run_by_$engine" "$@"
done
failed=$(list failed)
for part in $lost; do echo "LOST: $part"; done
for part in $failed; do echo "FAILED: $part"; done
if [ -n "$lost$failed" ]; then exit 1; fi
echo "every part has passed"

# SPDX-License-Identifier: BSL-1.0
# cmake -DENGINE=here|parallel|slurm -DFOLDER=… -P check_deep.cmake
# deep.sh with a list of three parts: each part is run once. A part that gets lost is run again, and so is exactly the one whose result
# is removed or damaged. Slurm is a script here that runs the tasks of an array one after the other.
cmake_minimum_required(VERSION 3.25)
include("${CMAKE_CURRENT_LIST_DIR}/fake_parts.cmake")
make_parts(a.0 a.1 a.2)
set(options "")
if(ENGINE STREQUAL "parallel")
  execute_process(COMMAND parallel --version OUTPUT_VARIABLE version ERROR_QUIET RESULT_VARIABLE status)
  if(NOT status STREQUAL "0" OR NOT version MATCHES "GNU parallel")
    message(STATUS "skipped: GNU parallel not found (Debian: apt-get install parallel)")
    return()
  endif()
  set(options --sshlogin :)
elseif(ENGINE STREQUAL "slurm")
  file(WRITE "${FOLDER}/bin/squeue" "#!/bin/sh\n")
  file(WRITE "${FOLDER}/bin/sbatch" [[#!/bin/sh
for argument; do
  case $argument in
    --array=0-*) last=${argument#--array=0-} ;;
    *.sbatch) script=$argument ;;
    slurm/parts.*) parts=$argument ;;
  esac
done
echo 1
for i in $(seq 0 "$last"); do SLURM_ARRAY_TASK_ID=$i sh "$script" "$parts"; done >slurm/log 2>&1
]])
  file(CHMOD "${FOLDER}/bin/squeue" "${FOLDER}/bin/sbatch" PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
  set(ENV{PATH} "${FOLDER}/bin:$ENV{PATH}")
endif()
function(deep expected_status says)
  execute_process(COMMAND "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/../report/deep.sh" "${FOLDER}" ${ENGINE} ${options}
                  OUTPUT_VARIABLE said ERROR_VARIABLE errors RESULT_VARIABLE status)
  set(said "${said}${errors}")
  if(NOT status STREQUAL expected_status OR NOT said MATCHES "${says}")
    message(FATAL_ERROR "deep.sh ends with ${status}, not ${expected_status}, or does not say '${says}':\n${said}")
  endif()
  expect_run("'${says}'" ${ARGN})
endfunction()

file(TOUCH "${FOLDER}/a.1.dies_once")
if(ENGINE STREQUAL "parallel")
  deep(0 "every part has passed" a.0 a.1 a.1 a.2)  # parallel itself has run it again
else()
  deep(0 "1 of 3 parts have no result.*every part has passed" a.0 a.1 a.1 a.2)
endif()
deep(0 "every part has passed")
file(REMOVE "${FOLDER}/results/a.2.json")
deep(0 "1 of 3 parts have no result" a.2)
file(WRITE "${FOLDER}/results/a.0.json" "{")
deep(0 "1 of 3 parts have no result" a.0)
file(REMOVE "${FOLDER}/results/a.2.json")
file(TOUCH "${FOLDER}/a.2.fails")
deep(1 "FAILED: a.2" a.2)
file(REMOVE "${FOLDER}/a.2.fails")
deep(0 "every part has passed" a.2)
file(REMOVE "${FOLDER}/results/a.1.json")
file(TOUCH "${FOLDER}/a.1.dies")
if(ENGINE STREQUAL "parallel")
  deep(1 "LOST: a.1" a.1 a.1 a.1)
else()
  deep(1 "LOST: a.1" a.1)
endif()

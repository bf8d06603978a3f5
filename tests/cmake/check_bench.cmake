# The benchmarks build and run, with a peer that a user brings, and the report reads what they write. No time is judged.
#   -DROOT= the project, -DFOLDER= where to build, -DCXX= the compiler
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE text ERROR_VARIABLE text)
  if(NOT status EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\n${text}")
  endif()
  set(text "${text}" PARENT_SCOPE)
endfunction()
run(${CMAKE_COMMAND} -S "${ROOT}" -B "${FOLDER}" -DCMAKE_CXX_COMPILER=${CXX} -DCMAKE_BUILD_TYPE=Release -DCTS_BUILD_BENCH=ON
    "-DCTS_BENCH_PEERS=${ROOT}/tests/bench/mutex_list.hpp" -DCTS_BENCH_REPETITIONS=2 -DCTS_BENCH_MIN_TIME=0.0001
    "-DCTS_BENCH_FILTER=^(yardstick/(one|two|three)|pair/|create/|life/|late_pair/|fan_out/[a-z_]*/10$|fan_out/[a-z_]*/10/|timer/[a-z_]*/0|to_waiter)")
run(${CMAKE_COMMAND} --build "${FOLDER}" --target bench_run -j 2)
foreach(expected IN ITEMS "register\\+unregister, a lane / two RMWs" "one-shot life" "a list under a mutex" "bytes of machine code")
  if(NOT text MATCHES "${expected}")
    message(FATAL_ERROR "the report does not say \"${expected}\":\n${text}")
  endif()
endforeach()
# A comparison of the build with itself, if Google Benchmark's tool is there.
if(EXISTS /usr/share/benchmark/compare.py)
  execute_process(COMMAND /usr/bin/python3 -c "import scipy" RESULT_VARIABLE no_scipy OUTPUT_QUIET ERROR_QUIET)
  if(no_scipy EQUAL 0)
    run(/usr/bin/python3 "${ROOT}/bench/compare.py" "${FOLDER}/bench/cts_bench" "${FOLDER}/bench/cts_bench" --folder "${FOLDER}/compare" --rounds 2
        --min-time 0.0001 --filter "^pair/cts_lane")
    if(NOT text MATCHES "pair/cts_lane_pvalue")
      message(FATAL_ERROR "the comparison tests nothing:\n${text}")
    endif()
  endif()
endif()

# SPDX-License-Identifier: BSL-1.0
# cmake -DROOT=… -DFOLDER=… -DPYTHON=python3 -P check_verified_copy.cmake
# core/cmake/cts-verify-copy.cmake tells a copy of the headers that is the verified one from those that are not, and names what differs.
# The evidence is what models/report/verdict.py writes; it is of no run here, so the verdict in it is set by hand.
cmake_minimum_required(VERSION 3.25)
file(REMOVE_RECURSE "${FOLDER}")
file(MAKE_DIRECTORY "${FOLDER}")
set(include "${ROOT}/core/include")
set(script "${ROOT}/core/cmake/cts-verify-copy.cmake")
execute_process(COMMAND ${CMAKE_COMMAND} "-DINCLUDE=${include}" "-DOUT=${FOLDER}/SHA256SUMS" -P "${ROOT}/core/cmake/header-sums.cmake" COMMAND_ERROR_IS_FATAL ANY)

# verdict.py of an empty run, with the sums of a build; the summary in `summary`.
function(verdict built_from)
  file(MAKE_DIRECTORY "${FOLDER}/results")
  execute_process(COMMAND ${PYTHON} "${ROOT}/models/report/verdict.py" --results "${FOLDER}/results" --shards 0 --out "${FOLDER}/verdict"
                  --built-from "${built_from}" OUTPUT_QUIET ERROR_VARIABLE said)
  if(NOT EXISTS "${FOLDER}/verdict/summary.json")
    message(FATAL_ERROR "verdict.py has written no summary.json:\n${said}")
  endif()
  file(READ "${FOLDER}/verdict/summary.json" summary)
  set(summary "${summary}" PARENT_SCOPE)
endfunction()

# The script's verdict on a copy: `good`, or a text that it must say.
function(expect what copy evidence said_of_it)
  execute_process(COMMAND ${CMAKE_COMMAND} -P "${script}" "${copy}" ${evidence} WORKING_DIRECTORY "${FOLDER}"
                  RESULT_VARIABLE status OUTPUT_VARIABLE said ERROR_VARIABLE said)
  string(REGEX REPLACE "[ \n]+" " " said "${said}")  # CMake breaks lines of messages
  if(said_of_it STREQUAL "good")
    if(NOT status EQUAL 0 OR NOT said MATCHES "is the verified copy of cts")
      message(FATAL_ERROR "${what}: is refused: ${said}")
    endif()
  else()
    string(FIND "${said}" "${said_of_it}" at)
    if(status EQUAL 0 OR at EQUAL -1)
      message(FATAL_ERROR "${what}: must be refused with '${said_of_it}', but (${status}): ${said}")
    endif()
  endif()
endfunction()

verdict("${FOLDER}/SHA256SUMS")
expect("a run that failed" "${include}" verdict/summary.json "of a verification that failed")
if(EXISTS "${FOLDER}/verdict/SHA256SUMS")
  message(FATAL_ERROR "verdict.py writes SHA256SUMS of headers that have not passed")
endif()
string(REPLACE "\"passed\": false,\n \"gaps\"" "\"passed\": true,\n \"gaps\"" passed "${summary}")
file(WRITE "${FOLDER}/summary.json" "${passed}")

# A header that was changed after the build: not what the models have seen.
file(READ "${FOLDER}/SHA256SUMS" sums)
string(REGEX REPLACE "[0-9a-f]+  cts/core/slot.hpp" "00  cts/core/slot.hpp" stale "${sums}")
file(WRITE "${FOLDER}/stale" "${stale}")
string(FIND "${summary}" "has changed since the models were built" at)
if(NOT at EQUAL -1)
  message(FATAL_ERROR "verdict.py finds a change that there is not")
endif()
verdict("${FOLDER}/stale")
string(FIND "${summary}" "cts/core/slot.hpp has changed since the models were built" at)
if(at EQUAL -1)
  message(FATAL_ERROR "verdict.py does not see that a header is another one than that which the models were built with")
endif()

foreach(evidence IN ITEMS summary.json SHA256SUMS)
  file(COPY "${include}/cts" DESTINATION "${FOLDER}/${evidence}.copy/include")
  set(copy "${FOLDER}/${evidence}.copy")
  expect("an equal copy" "${copy}" ${evidence} good)
  expect("an equal copy, by its include path" "${copy}/include" ${evidence} good)
  expect("an equal copy, by a relative path" "${evidence}.copy" ${evidence} good)
  expect("this source tree" "${ROOT}" ${evidence} good)
  file(WRITE "${copy}/include/cts/models/harness.hpp" "installed beside the headers")
  expect("an installed one, with the checker" "${copy}" ${evidence} good)

  file(APPEND "${copy}/include/cts/core/slot.hpp" " ")
  expect("a copy with a byte more" "${copy}" ${evidence} "differs: cts/core/slot.hpp")
  file(COPY "${include}/cts/core/slot.hpp" DESTINATION "${copy}/include/cts/core")
  file(READ "${copy}/include/cts/core/registry.hpp" text)
  string(REPLACE "noexcept" "noexcepT" text "${text}")
  file(WRITE "${copy}/include/cts/core/registry.hpp" "${text}")
  file(REMOVE "${copy}/include/cts/version.hpp")
  file(WRITE "${copy}/include/cts/core/more.hpp" "")
  expect("a copy with another byte" "${copy}" ${evidence} "differs: cts/core/registry.hpp")
  expect("a copy without a header" "${copy}" ${evidence} "missing: cts/version.hpp")
  expect("a copy with a header more" "${copy}" ${evidence} "extra: cts/core/more.hpp")
  expect("no copy" "${FOLDER}/verdict" ${evidence} "no folder cts in it")
endforeach()
expect("no evidence" "${include}" nothing.json "No evidence")

# Evidence in which a sum was changed by hand.
string(REGEX MATCH "\"cts/core/slot.hpp\": \"[0-9a-f]" digit "${passed}")
string(REGEX REPLACE ".$" "x" changed "${digit}")
string(REPLACE "${digit}" "${changed}" changed "${passed}")
file(WRITE "${FOLDER}/changed.json" "${changed}")
expect("evidence that was changed" "${include}" changed.json "contradicts itself")

# Installed from a build that has verified it, the script needs no evidence.
file(COPY "${script}" "${FOLDER}/summary.json" DESTINATION "${FOLDER}/installed/lib/cmake/cts")
file(COPY "${include}" DESTINATION "${FOLDER}/installed")
set(script "${FOLDER}/installed/lib/cmake/cts/cts-verify-copy.cmake")
expect("an installed copy" "${FOLDER}/installed" "" good)

find_program(SHA256SUM sha256sum)
if(SHA256SUM)
  execute_process(COMMAND ${SHA256SUM} --quiet -c "${FOLDER}/SHA256SUMS" WORKING_DIRECTORY "${include}" COMMAND_ERROR_IS_FATAL ANY)
endif()

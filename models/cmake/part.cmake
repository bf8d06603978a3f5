# SPDX-License-Identifier: BSL-1.0
# Runs a part of the models: PROGRAM with ARGUMENTS, which leaves its result in RESULT. With KEEP a part that has passed is not run again.
if(KEEP AND EXISTS "${RESULT}.passed")
  message(STATUS "has passed before: ${RESULT}")
  return()
endif()
execute_process(COMMAND ${PROGRAM} ${ARGUMENTS} "--gtest_output=json:${RESULT}" RESULT_VARIABLE status)
if(NOT status STREQUAL "0")
  message(FATAL_ERROR "${PROGRAM} ends with ${status}")
endif()
file(TOUCH "${RESULT}.passed")

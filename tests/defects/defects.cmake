# SPDX-License-Identifier: BSL-1.0
# The page of the production parts, and their defect gate (gate.py). Included by tests/CMakeLists.txt.
option(CTS_DEFECTS "The tests contain the whole defect gate of the production parts, which compiles for half an hour or more" OFF)
find_program(CTS_TESTS_PYTHON NAMES python3 python)
if(NOT CTS_TESTS_PYTHON OR NOT CMAKE_SYSTEM_NAME STREQUAL Linux OR NOT CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
  message(STATUS "cts: the defect gate of the production parts needs Linux, Python 3 and g++ or clang++: it is left out")
  return()
endif()
set(gate ${CMAKE_CURRENT_SOURCE_DIR}/defects/gate.py)
add_test(NAME Parts.EachIsOnThePageWithWhatChecksIt
         COMMAND ${CTS_TESTS_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/defects/check_page.py)
add_test(NAME Defects.EachFitsItsHeader COMMAND ${CTS_TESTS_PYTHON} ${gate} check)
set(libraries --libraries $<TARGET_FILE:GTest::gtest_main> $<TARGET_FILE:GTest::gtest>)
# The tests of these pass without the defects: ctest runs them.
add_test(NAME Defects.AFewAreFound COMMAND ${CTS_TESTS_PYTHON} ${gate} run --cheap --trust --cxx ${CMAKE_CXX_COMPILER}
         --folder ${CMAKE_CURRENT_BINARY_DIR} ${libraries})
set_tests_properties(Defects.AFewAreFound PROPERTIES TIMEOUT 600 COST 100)
if(CTS_DEFECTS)
  add_test(NAME Defects.EachIsFound COMMAND ${CTS_TESTS_PYTHON} ${gate} run --jobs 2 --cxx ${CMAKE_CXX_COMPILER}
           --folder ${CMAKE_CURRENT_BINARY_DIR} --report ${CMAKE_CURRENT_BINARY_DIR}/defects.json ${libraries})
  set_tests_properties(Defects.EachIsFound PROPERTIES TIMEOUT 14400 COST 10000 PROCESSORS 2)
endif()

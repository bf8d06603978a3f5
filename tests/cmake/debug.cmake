# SPDX-License-Identifier: BSL-1.0
# The views for debuggers: gdb looks at a program, and the one for Visual Studio names what the headers have.
find_program(CTS_GDB gdb)
set(gdb_tests ShowsEveryClass LoadsThePrintersByItself InstalledForTheSharedLibrary)
if(CTS_GDB AND UNIX AND NOT APPLE AND NOT MSVC)
  set(check ${CMAKE_CURRENT_SOURCE_DIR}/debug/check_gdb.py)
  add_executable(debuggee debug/debuggee.cpp)
  target_link_libraries(debuggee PRIVATE cts::cts cts::gdb Threads::Threads)
  target_compile_options(debuggee PRIVATE -g -O0)
  add_test(NAME Gdb.ShowsEveryClass COMMAND ${CTS_GDB} -batch -nx -iex "set auto-load no" -x ${check} $<TARGET_FILE:debuggee>)
  set_tests_properties(Gdb.ShowsEveryClass PROPERTIES ENVIRONMENT CTS_GDB_SCRIPT=${PROJECT_SOURCE_DIR}/core/debug/cts_gdb.py)
  add_test(NAME Gdb.LoadsThePrintersByItself COMMAND ${CTS_GDB} -batch -nx -iex "set auto-load safe-path ${PROJECT_SOURCE_DIR}/core/debug:${PROJECT_BINARY_DIR}"
           -x ${check} $<TARGET_FILE:debuggee>)
  add_test(NAME Gdb.InstalledForTheSharedLibrary
           COMMAND ${CMAKE_COMMAND} -DROOT=${PROJECT_SOURCE_DIR} -DFOLDER=${CMAKE_CURRENT_BINARY_DIR}/gdb -DCXX=${CMAKE_CXX_COMPILER} -DGDB=${CTS_GDB}
                   -P ${CMAKE_CURRENT_SOURCE_DIR}/cmake/check_gdb_installed.cmake)
else()
  message(STATUS "cts: gdb not found (Debian: apt-get install gdb): its printers are not tried")
  foreach(test IN LISTS gdb_tests)
    add_test(NAME Gdb.${test} COMMAND ${CMAKE_COMMAND} -E echo "skipped: no gdb")
  endforeach()
endif()
foreach(test IN LISTS gdb_tests)
  set_tests_properties(Gdb.${test} PROPERTIES SKIP_REGULAR_EXPRESSION "skipped: " TIMEOUT 300)
endforeach()

find_program(CTS_DEBUG_PYTHON NAMES python3 python)
if(CTS_DEBUG_PYTHON)
  add_test(NAME Natvis.NamesWhatTheHeadersDeclare COMMAND ${CTS_DEBUG_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/debug/check_natvis.py ${PROJECT_SOURCE_DIR})
endif()

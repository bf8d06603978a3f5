# SPDX-License-Identifier: BSL-1.0
# cmake -DROOT=… -DFOLDER=… -DCXX=… -DGDB=… -P check_gdb_installed.cmake
# Installs the package with the C interface as a shared library. gdb must load the printers for a program that uses that library, and for one
# that links cts::gdb of the package.
cmake_minimum_required(VERSION 3.25)
file(REMOVE_RECURSE "${FOLDER}")
set(prefix "${FOLDER}/prefix")
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE failed OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(failed)
    message(FATAL_ERROR "${ARGN}:\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

run(${CMAKE_COMMAND} -S ${ROOT} -B ${FOLDER}/build -DCMAKE_CXX_COMPILER=${CXX} -DCMAKE_BUILD_TYPE=Debug -DCTS_BUILD_C=ON -DBUILD_SHARED_LIBS=ON
    -DCMAKE_INSTALL_PREFIX=${prefix} -DCMAKE_INSTALL_LIBDIR=lib)
run(${CMAKE_COMMAND} --build ${FOLDER}/build)
run(${CMAKE_COMMAND} --install ${FOLDER}/build)

# A program in C: gdb loads the printers when the shared library is loaded.
file(WRITE "${FOLDER}/user/main.c" "#include <cts/cts.h>\nint main(void) { cts_source* s; return cts_source_create(&s) != CTS_OK; }\n")
file(WRITE "${FOLDER}/user/main.cpp" "#include <cts/cts.hpp>\ncts::cancellation_token_source source;\nint main() {}\n")
file(WRITE "${FOLDER}/user/CMakeLists.txt" "cmake_minimum_required(VERSION 3.25)\nproject(user LANGUAGES C CXX)\nfind_package(cts REQUIRED)\n"
     "add_executable(in_c main.c)\ntarget_link_libraries(in_c PRIVATE cts::c)\n"
     "add_executable(in_cpp main.cpp)\ntarget_link_libraries(in_cpp PRIVATE cts::cts cts::gdb)\n")
run(${CMAKE_COMMAND} -S ${FOLDER}/user -B ${FOLDER}/user/build -DCMAKE_CXX_COMPILER=${CXX} -DCMAKE_BUILD_TYPE=Debug -DCMAKE_PREFIX_PATH=${prefix})
run(${CMAKE_COMMAND} --build ${FOLDER}/user/build)

set(gdb ${GDB} -batch -nx -iex "set auto-load safe-path ${prefix}" -iex "set auto-load scripts-directory ${prefix}/share/gdb/auto-load" -ex "set confirm off")
run(${gdb} -ex "break cts_source_create" -ex run -ex "info pretty-printer global cts" -ex kill ${FOLDER}/user/build/in_c)
if(output MATCHES "ptrace|not permitted")
  message("skipped: gdb cannot run programs here")
  return()
endif()
if(NOT output MATCHES "inplace_stop_source")
  message(FATAL_ERROR "gdb has not loaded the printers for the shared library:\n${output}")
endif()
run(${gdb} -ex "break main" -ex run -ex "print source" -ex kill ${FOLDER}/user/build/in_cpp)
if(NOT output MATCHES "cts::cancellation_token_source: not canceled")
  message(FATAL_ERROR "gdb has not loaded the printers for cts::gdb:\n${output}")
endif()
# Without the permission it loads nothing: this test can fail.
run(${GDB} -batch -nx -ex "set confirm off" -ex "break main" -ex run -ex "print source" -ex kill ${FOLDER}/user/build/in_cpp)
if(output MATCHES "cts::cancellation_token_source: not canceled")
  message(FATAL_ERROR "gdb has loaded the printers from somewhere else:\n${output}")
endif()

# SPDX-License-Identifier: BSL-1.0
# cmake -DBUILD=… -DEXAMPLE=… -DFOLDER=… -DCXX=… -DRELACY=… -P check_example.cmake
# Installs the library, builds the example against it as a project of its own, and runs its models and mutants. A project may also have
# several such programs: that is configured only.
file(REMOVE_RECURSE "${FOLDER}")
set(ENV{GTEST_TOTAL_SHARDS})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${FOLDER}/installed OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} -S ${EXAMPLE} -B ${FOLDER}/build -DCMAKE_PREFIX_PATH=${FOLDER}/installed -DCMAKE_BUILD_TYPE=Release
                        -DCMAKE_CXX_COMPILER=${CXX} -DCTS_RELACY_INCLUDE=${RELACY} OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} --build ${FOLDER}/build OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_CTEST_COMMAND} --test-dir ${FOLDER}/build --output-on-failure --no-tests=error COMMAND_ERROR_IS_FATAL ANY)
file(WRITE ${FOLDER}/two/CMakeLists.txt "cmake_minimum_required(VERSION 3.25)\nproject(two CXX)\nfind_package(cts REQUIRED)\n"
     "cts_add_models(one SOURCES ${EXAMPLE}/models.cpp)\ncts_add_models(other SOURCES ${EXAMPLE}/models.cpp MUTANTS)\n")
execute_process(COMMAND ${CMAKE_COMMAND} -S ${FOLDER}/two -B ${FOLDER}/two/build -DCMAKE_PREFIX_PATH=${FOLDER}/installed
                        -DCMAKE_CXX_COMPILER=${CXX} -DCTS_RELACY_INCLUDE=${RELACY} OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)

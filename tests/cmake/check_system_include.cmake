# SPDX-License-Identifier: BSL-1.0
# cmake -DROOT=… -DFOLDER=… -DCXX=… -P check_system_include.cmake
# A copy of the project with a warning planted in a header. Consumers that turn warnings into errors do not see it: by add_subdirectory,
# by FetchContent, and by find_package. The project's own build does.
cmake_minimum_required(VERSION 3.25)
file(REMOVE_RECURSE "${FOLDER}")
file(MAKE_DIRECTORY "${FOLDER}/cts")
file(COPY "${ROOT}/CMakeLists.txt" "${ROOT}/LICENSE" "${ROOT}/core" "${ROOT}/models" "${ROOT}/tests" DESTINATION "${FOLDER}/cts")
file(APPEND "${FOLDER}/cts/core/include/cts/version.hpp" "\ninline int cts_planted_warning(double d) { return d; }\n")
set(flags "-Wconversion -Werror")

function(run expected what)
  execute_process(COMMAND ${ARGN} OUTPUT_VARIABLE said ERROR_VARIABLE said RESULT_VARIABLE result)
  if(expected STREQUAL "works" AND NOT result EQUAL 0)
    message(FATAL_ERROR "${what}:\n${said}")
  elseif(expected STREQUAL "warns" AND (result EQUAL 0 OR NOT said MATCHES "version.hpp.*conversion"))
    message(FATAL_ERROR "${what} does not see a warning in a header:\n${said}")
  endif()
endfunction()

function(consumer way text)
  set(source "${FOLDER}/${way}")
  file(WRITE "${source}/main.cpp" "#include <cts/cts.hpp>\nint main() {}\n")
  file(WRITE "${source}/CMakeLists.txt" "cmake_minimum_required(VERSION 3.25)\nproject(consumer CXX)\n${text}\nadd_executable(consumer main.cpp)\n"
       "target_link_libraries(consumer PRIVATE ${ARGN})\n")
  run(works "${way}, configure" ${CMAKE_COMMAND} -S "${source}" -B "${source}/build" -DCMAKE_CXX_COMPILER=${CXX} "-DCMAKE_CXX_FLAGS=${flags}"
      "-DCMAKE_PREFIX_PATH=${FOLDER}/prefix")
  run(works "${way}, build" ${CMAKE_COMMAND} --build "${source}/build")
endfunction()

consumer(add_subdirectory "add_subdirectory(../cts cts)" cts::cts)
consumer(fetch_content "include(FetchContent)\nFetchContent_Declare(cts SOURCE_DIR \"${FOLDER}/cts\")\nFetchContent_MakeAvailable(cts)" cts::cts)
run(works "configure" ${CMAKE_COMMAND} -S "${FOLDER}/cts" -B "${FOLDER}/installed" -DCMAKE_CXX_COMPILER=${CXX})
run(works "install" ${CMAKE_COMMAND} --install "${FOLDER}/installed" --prefix "${FOLDER}/prefix")
consumer(find_package "find_package(cts REQUIRED)" cts::cts)
# Without a target: the include path as any other. So what is planted can be seen.
run(warns "a consumer that names the include path itself" ${CXX} -std=c++20 -Wconversion -Werror "-I${FOLDER}/cts/core/include" -fsyntax-only
    "${FOLDER}/find_package/main.cpp")

run(works "configure the tests" ${CMAKE_COMMAND} -S "${FOLDER}/cts" -B "${FOLDER}/own" -DCMAKE_CXX_COMPILER=${CXX} -DCTS_BUILD_TESTS=ON -DCTS_WERROR=ON)
run(warns "the project's own build" ${CMAKE_COMMAND} --build "${FOLDER}/own" --target cts_core_headers_0)

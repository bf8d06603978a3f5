# SPDX-License-Identifier: BSL-1.0
# The ways in: a user's project for each (tests/consumers), and the proof that a copy is the verified one. Without cross compiling.
set(consumers "${CMAKE_CURRENT_BINARY_DIR}/consumers")

# Consumers.WAY, if what it needs (variables that find_program sets) is there.
function(cts_consumer way)
  set(found "")
  foreach(tool IN LISTS ARGN)
    if(NOT CTS_CONSUMERS_${tool})
      return()
    endif()
    list(APPEND found "-D${tool}=${CTS_CONSUMERS_${tool}}")
  endforeach()
  add_test(NAME Consumers.${way} COMMAND ${CMAKE_COMMAND} -DWAY=${way} -DROOT=${PROJECT_SOURCE_DIR} -DBUILD=${PROJECT_BINARY_DIR}
           -DFOLDER=${consumers} -DCXX=${CMAKE_CXX_COMPILER} ${found} -P ${CMAKE_CURRENT_SOURCE_DIR}/cmake/check_consumers.cmake)
  set_tests_properties(Consumers.${way} PROPERTIES TIMEOUT 300)
endfunction()

function(cts_consumer_tool tool packages without)
  find_program(CTS_CONSUMERS_${tool} NAMES ${ARGN})
  if(NOT CTS_CONSUMERS_${tool})
    message(STATUS "cts: ${tool} not found (Debian: apt-get install ${packages}): ${without}")
  endif()
endfunction()

if(CTS_INSTALL AND NOT MSVC AND NOT WIN32)
  cts_consumer_tool(GIT git "the consumers by FetchContent and Meson are not tried" git)
  cts_consumer_tool(PKG_CONFIG pkgconf "the consumer by pkg-config is not tried" pkg-config pkgconf)
  cts_consumer_tool(MESON meson "the Meson subproject is not tried" meson)
  cts_consumer_tool(NINJA ninja-build "the Meson subproject is not tried" ninja)
  cts_consumer_tool(CLANG clang-19 "the module is not tried" clang++-19)
  cts_consumer_tool(PYTHON python3 "the Conan recipe is not tried" python3)
  cts_consumer(copied_folder)
  cts_consumer(add_subdirectory)
  cts_consumer(fetch_content GIT)
  cts_consumer(find_package)
  cts_consumer(two_versions)
  cts_consumer(pkg_config PKG_CONFIG)
  cts_consumer(meson_subproject GIT MESON NINJA)
  cts_consumer(single_header)
  cts_consumer(module CLANG)
  cts_consumer(vcpkg_port)
  cts_consumer(conan_recipe PYTHON)
else()
  message(STATUS "cts: nothing is installed from this build, or it is one of Windows: the consumers are not tried")
endif()

# The module exports what the headers declare.
add_test(NAME Module.ExportsThePublicNames
         COMMAND ${CMAKE_COMMAND} -DROOT=${PROJECT_SOURCE_DIR} -P ${CMAKE_CURRENT_SOURCE_DIR}/cmake/check_module.cmake)

# Whether a vendored copy is the verified one.
find_program(CTS_CONSUMERS_PYTHON python3)
if(CTS_CONSUMERS_PYTHON)
  add_test(NAME Vendoring.ACopyIsTheVerifiedOneOrIsToldApart
           COMMAND ${CMAKE_COMMAND} -DROOT=${PROJECT_SOURCE_DIR} -DFOLDER=${CMAKE_CURRENT_BINARY_DIR}/vendoring -DPYTHON=${CTS_CONSUMERS_PYTHON}
                   -P ${CMAKE_CURRENT_SOURCE_DIR}/cmake/check_verified_copy.cmake)
endif()

# One version everywhere.
add_test(NAME Versions.AgreeEverywhere COMMAND ${CMAKE_COMMAND} -DROOT=${PROJECT_SOURCE_DIR} -DBUILD=${PROJECT_BINARY_DIR}
         -DPROJECT=${PROJECT_VERSION} -P ${CMAKE_CURRENT_SOURCE_DIR}/cmake/check_versions.cmake)

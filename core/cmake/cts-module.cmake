# SPDX-License-Identifier: BSL-1.0
# cts_add_module(name): a library `name` with the C++20 module `cts`, compiled as a part of the calling project, because no two
# compilers share a compiled module. Needs CMake 3.28 and a compiler for which it supports modules.
if(EXISTS "${CMAKE_CURRENT_LIST_DIR}/../modules/cts.cppm")
  get_filename_component(CTS_MODULES_FOLDER "${CMAKE_CURRENT_LIST_DIR}/../modules" ABSOLUTE)
endif()  # else cts-config.cmake has set it

function(cts_add_module name)
  if(CMAKE_VERSION VERSION_LESS 3.28)
    message(FATAL_ERROR "cts_add_module(${name}): CMake ${CMAKE_VERSION} cannot build modules, 3.28 can")
  endif()
  add_library(${name} STATIC)
  target_sources(${name} PUBLIC FILE_SET CXX_MODULES BASE_DIRS "${CTS_MODULES_FOLDER}" FILES "${CTS_MODULES_FOLDER}/cts.cppm")
  target_link_libraries(${name} PUBLIC cts::cts)
endfunction()

# SPDX-License-Identifier: BSL-1.0
# cmake -DFLAGS=… -DPAGE=docs/building.md -P check_warnings_page.cmake
# Fails if a flag of the tests of warnings is not on the page, or if the page leaves out a warning that the tests do not.
cmake_minimum_required(VERSION 3.25)
file(READ "${PAGE}" page)
string(REGEX MATCHALL "-W[a-z0-9+=-]+" named "${page}")
foreach(flag IN LISTS FLAGS)
  if(flag MATCHES "^-W" AND NOT flag STREQUAL "-Wno-unknown-warning-option" AND NOT flag IN_LIST named)
    message(FATAL_ERROR "${PAGE} does not name ${flag}")
  endif()
endforeach()
foreach(flag IN LISTS named)
  if(NOT flag IN_LIST FLAGS)
    message(FATAL_ERROR "${PAGE} names ${flag}, which no test uses")
  endif()
endforeach()

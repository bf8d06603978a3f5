# SPDX-License-Identifier: BSL-1.0
# cmake -DROOT=project -DOUT=folder -P single-header.cmake
#
# Writes cts_single.hpp, all public headers in one, and cts_core_single.hpp, the registry alone. The text depends on the sources and on
# git's name for the revision only. Each header is put where it is first included, with its include guard: a program may therefore
# include a single header and the headers themselves.
cmake_minimum_required(VERSION 3.25)
include("${CMAKE_CURRENT_LIST_DIR}/header-sums.cmake")
set(include "${ROOT}/core/include")
# Headers that include more than the standard library.
set(apart cts/asio.hpp)

# cts_expand(header): appends the header to `single`, after those that it includes. A macro, so that all levels share the variables; what a
# level must keep across a call stands under its own depth.
macro(cts_expand header)
  math(EXPR depth "${depth} + 1")
  file(READ "${include}/${header}" rest_${depth})
  set(name_${depth} "${header}")
  set(level_${depth} 0)  # of #if
  string(REPLACE "#pragma once\n" "" rest_${depth} "${rest_${depth}}")
  string(REGEX REPLACE "^// SPDX-License-Identifier: [^\n]*\n" "" rest_${depth} "${rest_${depth}}")
  string(APPEND single "\n// ===== ${header} =====\n")
  while(TRUE)
    string(FIND "${rest_${depth}}" "\n#include \"cts/" from)
    if(from EQUAL -1)
      break()
    endif()
    math(EXPR from "${from} + 1")
    string(SUBSTRING "${rest_${depth}}" 0 ${from} head)
    string(SUBSTRING "${rest_${depth}}" ${from} -1 rest_${depth})
    string(FIND "${rest_${depth}}" "\n" to)
    string(SUBSTRING "${rest_${depth}}" 0 ${to} line)
    string(SUBSTRING "${rest_${depth}}" ${to} -1 rest_${depth})  # begins with the line's end
    string(REGEX REPLACE "^#include \"([^\"]*)\".*" "\\1" included "${line}")
    string(APPEND single "${head}")
    string(REGEX MATCHALL "\n *# *if" opened "\n${head}")
    string(REGEX MATCHALL "\n *# *endif" closed "\n${head}")
    list(LENGTH opened opened)
    list(LENGTH closed closed)
    math(EXPR level_${depth} "${level_${depth}} + ${opened} - ${closed}")
    if(included MATCHES "[.]inc$")  # a list that is included for its text, perhaps again
      cts_expand("${included}")
    elseif(NOT included IN_LIST seen)
      if(NOT level_${depth} EQUAL 1)  # in the include guard and in no other condition
        message(FATAL_ERROR "${name_${depth}} includes ${included} under a condition: a single header cannot")
      endif()
      list(APPEND seen "${included}")
      cts_expand("${included}")
    endif()
  endwhile()
  string(APPEND single "${rest_${depth}}")
  math(EXPR depth "${depth} - 1")
endmacro()

find_program(GIT git)
set(revision "")
if(GIT AND EXISTS "${ROOT}/.git")  # else it would name a revision of whatever project has a copy of this one
  execute_process(COMMAND ${GIT} describe --always --dirty WORKING_DIRECTORY "${ROOT}" OUTPUT_VARIABLE revision OUTPUT_STRIP_TRAILING_WHITESPACE
                  ERROR_QUIET)
endif()
if(NOT revision)
  set(revision unknown)
endif()
file(STRINGS "${include}/cts/version.hpp" version REGEX "^#define CTS_VERSION_(MAJOR|MINOR|PATCH) [0-9]+$")
string(REGEX REPLACE "[^0-9;]" "" version "${version}")
list(JOIN version "." version)
file(READ "${ROOT}/LICENSE" license)
string(REGEX REPLACE "\n+$" "" license "${license}")
string(REPLACE "\n" "\n// " license "${license}")
string(REPLACE "// \n" "//\n" license "${license}")
cts_header_sums("${include}" sums all)

function(cts_write_single name what)
  string(TOUPPER "${name}" guard)
  string(CONCAT single "// SPDX-License-Identifier: BSL-1.0\n// cts ${version}, revision ${revision}: ${what} in one file. Generated: do not edit.\n"
             "// The SHA-256 of all headers (summary.json of the verification has the same): ${all}\n//\n// ${license}\n"
             "#pragma once\n#ifndef CTS_${guard}_HPP\n#define CTS_${guard}_HPP\n")
  set(depth 0)
  set(seen "")
  foreach(header IN LISTS ARGN)
    if(NOT header IN_LIST seen)
      list(APPEND seen "${header}")
      cts_expand("${header}")
    endif()
  endforeach()
  string(APPEND single "\n#endif  // CTS_${guard}_HPP\n")
  file(WRITE "${OUT}/${name}.new" "${single}")
  file(COPY_FILE "${OUT}/${name}.new" "${OUT}/cts_${name}.hpp" ONLY_IF_DIFFERENT)
  file(REMOVE "${OUT}/${name}.new")
endfunction()

file(GLOB public RELATIVE "${include}" "${include}/cts/*.hpp")
list(REMOVE_ITEM public ${apart} cts/cts.hpp)
list(SORT public)
cts_write_single(single "all public headers" cts/cts.hpp ${public})
cts_write_single(core_single "the registry (cts/core/registry.hpp)" cts/core/registry.hpp)

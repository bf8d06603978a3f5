# SPDX-License-Identifier: BSL-1.0
# The SHA-256 of each header, and one of all: cts_header_sums(folder of cts/, text, hash).
#   cmake -DINCLUDE=core/include -DOUT=SHA256SUMS -P header-sums.cmake
#
# `text` is a file for `sha256sum -c`, one line a header, sorted by path; `hash` is the SHA-256 of that text. models/report/verdict.py
# and cts-verify-copy.cmake compute the same.
function(cts_header_sums include text hash)
  file(GLOB_RECURSE headers RELATIVE "${include}" "${include}/cts/*")
  list(SORT headers)
  set(lines "")
  foreach(header IN LISTS headers)
    file(SHA256 "${include}/${header}" of)
    string(APPEND lines "${of}  ${header}\n")
  endforeach()
  string(SHA256 of "${lines}")
  set(${text} "${lines}" PARENT_SCOPE)
  set(${hash} "${of}" PARENT_SCOPE)
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  cmake_minimum_required(VERSION 3.25)
  cts_header_sums("${INCLUDE}" sums all)
  file(WRITE "${OUT}.new" "${sums}")
  file(COPY_FILE "${OUT}.new" "${OUT}" ONLY_IF_DIFFERENT)
endif()

# SPDX-License-Identifier: BSL-1.0
# Each header, alone, with -fno-exceptions -fno-rtti: the core, the lanes and the stop tokens compile; the classes say what they need in their
# first error, and that error is the only one but for the line that ends the compilation.
#   -DINCLUDE=core/include -DFOLDER=a folder to write to -DCOMPILERS=comma-separated
cmake_minimum_required(VERSION 3.25)
string(REPLACE "," ";" compilers "${COMPILERS}")
set(usable any_token core/callback core/config core/memory_orders core/overlap_watch core/platform core/recycling core/registry
           core/segment core/segment_stack core/slot inplace_stop_token lane stop_token stoppable_token version)
file(GLOB headers RELATIVE "${INCLUDE}/cts" "${INCLUDE}/cts/*.hpp" "${INCLUDE}/cts/core/*.hpp")
set(refused 0)
foreach(compiler IN LISTS compilers)
  foreach(header IN LISTS headers)
    string(REGEX REPLACE "[.]hpp$" "" name "${header}")
    string(MAKE_C_IDENTIFIER "no_exceptions_${name}" unit)
    file(WRITE "${FOLDER}/${unit}.cpp" "#include \"cts/${header}\"\n")
    execute_process(COMMAND "${compiler}" -std=c++20 -fno-exceptions -fno-rtti -fsyntax-only "-I${INCLUDE}" "${FOLDER}/${unit}.cpp"
                    RESULT_VARIABLE failed ERROR_VARIABLE said)
    if(NOT failed)
      continue()
    endif()
    if(name IN_LIST usable)
      message(SEND_ERROR "${compiler}: cts/${header} must compile without exceptions:\n${said}")
      continue()
    endif()
    math(EXPR refused "${refused} + 1")
    # Up to a semicolon: it would separate list elements.
    string(REGEX MATCHALL "error: [^\n;]*" errors "${said}")
    list(LENGTH errors count)
    list(GET errors 0 first)
    if(NOT first MATCHES "cancellation_[*] classes need exceptions" OR count GREATER 2)
      message(SEND_ERROR "${compiler}: cts/${header} must say first, and once, that it needs exceptions:\n${said}")
    endif()
  endforeach()
endforeach()
if(refused EQUAL 0)
  message(SEND_ERROR "no header needs exceptions: this test has tested nothing")
endif()

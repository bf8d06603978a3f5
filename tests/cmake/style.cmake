# SPDX-License-Identifier: BSL-1.0
# How the sources are kept: their storeys, their format, clang-tidy. After builds.cmake, which has written everything.hpp.
add_test(NAME Storeys.IncludesPointDownAndInNoCircle
         COMMAND ${CMAKE_COMMAND} -DINCLUDE=${CTS_CORE_INCLUDE} -P ${CMAKE_CURRENT_SOURCE_DIR}/cmake/check_storeys.cmake)

# Releases of clang-format disagree: the one that counts is Debian 12's.
set(style_version 14)
foreach(tool IN ITEMS format tidy)
  string(TOUPPER "CTS_CLANG_${tool}" program)
  find_program(${program} NAMES clang-${tool}-${style_version} clang-${tool})
  if(NOT ${program})
    message(STATUS "cts: clang-${tool} not found (Debian: apt-get install clang-${tool}): it is not run over the sources")
    continue()
  endif()
  execute_process(COMMAND ${${program}} --version OUTPUT_VARIABLE said)
  if(NOT said MATCHES "version ${style_version}[.]")
    message(STATUS "cts: ${${program}} is not of release ${style_version}: it is not run over the sources")
    unset(${program} CACHE)
  endif()
endforeach()

if(CTS_CLANG_FORMAT)
  add_test(NAME Format.SourcesAreFormatted COMMAND ${CMAKE_COMMAND} -DFORMAT=${CTS_CLANG_FORMAT} -DROOT=${PROJECT_SOURCE_DIR}
           -P ${CMAKE_CURRENT_SOURCE_DIR}/cmake/check_format.cmake)
endif()
if(CTS_CLANG_TIDY)
  file(CONFIGURE OUTPUT "${written}/tidy.cpp" CONTENT "#include \"everything.hpp\"\n" @ONLY)
  foreach(checked IN ITEMS 0 1)
    add_test(NAME Tidy.HeadersAreClean.${checked}
             COMMAND ${CTS_CLANG_TIDY} --quiet --config-file=${PROJECT_SOURCE_DIR}/.clang-tidy ${written}/tidy.cpp
                     -- -std=c++20 -DCTS_CHECKED=${checked} -I${CTS_CORE_INCLUDE} -I${written})
    set_tests_properties(Tidy.HeadersAreClean.${checked} PROPERTIES TIMEOUT 300)
  endforeach()
endif()

# What the verification needs: from the system, or with CTS_FETCH from the network at pinned revisions.

function(cts_warnings target)
  if(MSVC)
    target_compile_options(${target} PRIVATE /W4 $<$<BOOL:${CTS_WERROR}>:/WX>)
  else()
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wshadow $<$<BOOL:${CTS_WERROR}>:-Werror>)
  endif()
endfunction()

macro(cts_missing what package option)
  message(FATAL_ERROR "cts: ${what} was not found. Debian: apt-get install ${package}. Elsewhere: -DCTS_FETCH=ON. "
                      "To build without it: -D${option}=OFF.")
endmacro()

macro(cts_find_gtest)
  if(NOT TARGET GTest::gtest)
    find_package(GTest QUIET)
    # For another platform than this machine's it is built from its sources, which Debian's libgtest-dev brings along.
    set(CTS_GTEST_SOURCE /usr/src/googletest CACHE PATH "GoogleTest's sources, for a target without its package")
    if(NOT GTest_FOUND AND EXISTS "${CTS_GTEST_SOURCE}/CMakeLists.txt")
      set(INSTALL_GTEST OFF CACHE BOOL "" FORCE)
      set(BUILD_GMOCK OFF CACHE BOOL "" FORCE)
      add_subdirectory("${CTS_GTEST_SOURCE}" "${CMAKE_BINARY_DIR}/googletest" EXCLUDE_FROM_ALL)
    elseif(NOT GTest_FOUND AND CTS_FETCH)
      include(FetchContent)
      set(INSTALL_GTEST OFF CACHE BOOL "" FORCE)
      # The name of its package, and override: a later find_package(GTest) finds the fetched one.
      FetchContent_Declare(GTest GIT_REPOSITORY https://github.com/google/googletest.git
                           GIT_TAG f8d7d77c06936315286eb55f8de22cd23c188571 OVERRIDE_FIND_PACKAGE)  # v1.14.0
      FetchContent_MakeAvailable(GTest)
    elseif(NOT GTest_FOUND)
      cts_missing(GoogleTest libgtest-dev "CTS_BUILD_TESTS=OFF -DCTS_BUILD_TSAN=OFF -DCTS_BUILD_MODELS")
    endif()
  endif()
endmacro()

macro(cts_find_benchmark)
  find_package(benchmark QUIET)
  if(NOT benchmark_FOUND AND CTS_FETCH)
    include(FetchContent)
    set(BENCHMARK_ENABLE_TESTING OFF CACHE BOOL "" FORCE)
    set(BENCHMARK_ENABLE_INSTALL OFF CACHE BOOL "" FORCE)
    FetchContent_Declare(benchmark GIT_REPOSITORY https://github.com/google/benchmark.git
                         GIT_TAG 344117638c8ff7e239044fd0fa7085839fc03021 OVERRIDE_FIND_PACKAGE)  # v1.8.3
    FetchContent_MakeAvailable(benchmark)
  elseif(NOT benchmark_FOUND)
    cts_missing("Google Benchmark" libbenchmark-dev CTS_BUILD_BENCH)
  endif()
endmacro()

# cts_relacy: Relacy and the flags without which it is silently blind (models/litmus/litmus.cpp fails without them).
macro(cts_find_relacy)
  if(NOT TARGET cts_relacy)
    cts_make_relacy()
  endif()
endmacro()
macro(cts_make_relacy)
  find_path(CTS_RELACY_INCLUDE relacy/relacy.hpp)
  if(NOT CTS_RELACY_INCLUDE AND CTS_FETCH)
    include(FetchContent)
    FetchContent_Declare(relacy GIT_REPOSITORY https://github.com/dvyukov/relacy.git GIT_TAG acc09bb
                         SOURCE_SUBDIR headers-only)  # there is none: nothing of it is built
    FetchContent_MakeAvailable(relacy)
    set(CTS_RELACY_INCLUDE ${relacy_SOURCE_DIR} CACHE PATH "Where relacy/relacy.hpp is" FORCE)
  elseif(NOT CTS_RELACY_INCLUDE)
    cts_missing(Relacy relacy-dev CTS_BUILD_MODELS)
  endif()
  # Its own headers tell no version; the package does.
  set(CTS_RELACY_VERSION "acc09bb")
  find_program(CTS_DPKG_QUERY dpkg-query)
  if(CTS_DPKG_QUERY AND CTS_RELACY_INCLUDE STREQUAL "/usr/include")
    execute_process(COMMAND ${CTS_DPKG_QUERY} -W "-f=\${Version}" relacy-dev OUTPUT_VARIABLE CTS_RELACY_VERSION ERROR_QUIET)
  endif()
  add_library(cts_relacy INTERFACE)
  if(NOT CTS_RELACY_INCLUDE STREQUAL "/usr/include")  # naming it again would hide the compiler's own headers
    target_include_directories(cts_relacy SYSTEM INTERFACE ${CTS_RELACY_INCLUDE})
  endif()
  target_compile_definitions(cts_relacy INTERFACE RL_DO_ASSERT=1)
  target_compile_options(cts_relacy INTERFACE -fno-sized-deallocation $<$<CXX_COMPILER_ID:GNU>:-fno-lifetime-dse>)
endmacro()

# SPDX-License-Identifier: BSL-1.0
# cts_add_models(name SOURCES file... [MUTANTS] [SHARDS n] [LINK target...])
#
# Relacy models of code that is built on the core (docs/your_models.md): the program `name`, whose models are the `cts::models::add`
# objects of its sources, and a test `name.<i>` for each of its shards. With MUTANTS also the mutation gate `name_mutants` over the
# tables that the sources add. Needs Relacy and GoogleTest; says which Debian package is missing.

# The headers under the names that sources include them by, <cts/models/harness.hpp>: as installed, or out of this source tree.
if(EXISTS "${CMAKE_CURRENT_LIST_DIR}/../../models/checker/harness.hpp")
  get_filename_component(CTS_MODELS_FOLDER "${CMAKE_CURRENT_LIST_DIR}/../../models/checker" ABSOLUTE)
  set(CTS_MODELS_INCLUDE "${CMAKE_BINARY_DIR}/cts_models_include")
  file(MAKE_DIRECTORY "${CTS_MODELS_INCLUDE}/cts")
  file(CREATE_LINK "${CTS_MODELS_FOLDER}" "${CTS_MODELS_INCLUDE}/cts/models" COPY_ON_ERROR SYMBOLIC)
else()
  get_target_property(CTS_MODELS_FOLDER cts::core INTERFACE_INCLUDE_DIRECTORIES)
  string(APPEND CTS_MODELS_FOLDER "/cts/models")
  set(CTS_MODELS_INCLUDE "")  # beside the core's
endif()
include("${CMAKE_CURRENT_LIST_DIR}/dependencies.cmake")

function(cts_add_models name)
  cmake_parse_arguments(PARSE_ARGV 1 given "MUTANTS" "SHARDS" "SOURCES;LINK")
  if(NOT given_SOURCES)
    message(FATAL_ERROR "cts_add_models(${name}): SOURCES is missing")
  endif()
  if(NOT given_SHARDS)
    set(given_SHARDS 1)
  elseif(NOT given_SHARDS MATCHES "^[1-9][0-9]*$")
    message(FATAL_ERROR "cts_add_models(${name}): SHARDS ${given_SHARDS} is not a number above 0")
  endif()
  cts_find_gtest()
  cts_find_relacy()
  add_library(${name}_objects OBJECT ${given_SOURCES})
  target_include_directories(${name}_objects PUBLIC ${CTS_MODELS_INCLUDE})
  target_link_libraries(${name}_objects PUBLIC cts::core cts_relacy GTest::gtest ${given_LINK})
  set(programs ${name})
  add_executable(${name} "${CTS_MODELS_FOLDER}/main.cpp")
  if(given_MUTANTS)
    add_executable(${name}_mutants "${CTS_MODELS_FOLDER}/mutants.cpp")
    list(APPEND programs ${name}_mutants)
  endif()
  math(EXPR last "${given_SHARDS} - 1")
  foreach(program IN LISTS programs)
    target_link_libraries(${program} PRIVATE ${name}_objects)
    foreach(i RANGE ${last})
      add_test(NAME ${program}.${i} COMMAND ${program})
      set_tests_properties(${program}.${i} PROPERTIES LABELS model TIMEOUT 3600
                           ENVIRONMENT "GTEST_TOTAL_SHARDS=${given_SHARDS};GTEST_SHARD_INDEX=${i}")
    endforeach()
  endforeach()
endfunction()

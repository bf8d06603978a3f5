# SPDX-License-Identifier: BSL-1.0
# The files for GitHub's CI: each job is one call of a script that is here, and the files follow their schema.
add_test(NAME Workflows.EachJobIsOneCallOfAScript
         COMMAND ${CMAKE_COMMAND} -DROOT=${PROJECT_SOURCE_DIR} -P ${CMAKE_CURRENT_SOURCE_DIR}/cmake/check_workflows.cmake)
find_program(CTS_NPM npm)
find_program(CTS_NODE NAMES node nodejs)
if(CTS_NPM AND CTS_NODE)
  add_test(NAME Workflows.FollowTheSchema
           COMMAND ${CMAKE_COMMAND} -DROOT=${PROJECT_SOURCE_DIR} -DNPM=${CTS_NPM} -DNODE=${CTS_NODE}
                   -DFOLDER=${CMAKE_CURRENT_BINARY_DIR}/workflows -P ${CMAKE_CURRENT_SOURCE_DIR}/cmake/check_workflow_schema.cmake)
  set_tests_properties(Workflows.FollowTheSchema PROPERTIES TIMEOUT 120 SKIP_REGULAR_EXPRESSION "skipped: (CI=1|npm cannot fetch)")
else()
  message(STATUS "cts: npm not found (Debian: apt-get install npm): the workflows are not compared with their schema")
endif()

# What the workflow for users' own models calls.
find_path(CTS_RELACY_INCLUDE relacy/relacy.hpp)
if(CTS_RELACY_INCLUDE AND UNIX)
  add_test(NAME Workflows.VerifyMyCodeRunsAPart
           COMMAND ${CMAKE_COMMAND} -DROOT=${PROJECT_SOURCE_DIR} -DFOLDER=${CMAKE_CURRENT_BINARY_DIR}/verify_my_code -DCXX=${CMAKE_CXX_COMPILER}
                   -P ${CMAKE_CURRENT_SOURCE_DIR}/cmake/check_verify_my_code.cmake)
  set_tests_properties(Workflows.VerifyMyCodeRunsAPart PROPERTIES TIMEOUT 300)
else()
  message(STATUS "cts: Relacy not found (Debian: apt-get install relacy-dev): the script that verifies users' models is not tried")
endif()

# SPDX-License-Identifier: BSL-1.0
# cmake -DCHROMIUM=… -DPYTHON=… -DMUTANTS=… -DMODELS=… -DFOLDER=… -P check_pages.cmake
# Makes the pages of some mutants and of a replayed token and looks at them in headless Chromium: every history must be drawn, down to
# the promise that broke, and stale reads marked.
set(here "${CMAKE_CURRENT_LIST_DIR}")
file(REMOVE_RECURSE "${FOLDER}")
set(ENV{CTS_HISTORIES} "${FOLDER}/histories")
execute_process(COMMAND ${MUTANTS} "--gtest_filter=*no_recheck_of_top:*slot_done*:*top_close.seq_cst.acq_rel" OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${PYTHON} ${here}/../report/museum.py --histories ${FOLDER}/histories --out ${FOLDER}/mutants.html COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${PYTHON} ${here}/../report/museum.py --program ${MODELS} "--replay=G12.RegisterOverlapsDispose:f 1 " --out ${FOLDER}/token.html
                COMMAND_ERROR_IS_FATAL ANY)
function(look page drawn)
  execute_process(COMMAND ${CHROMIUM} --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
                          --disable-component-update --disable-sync "--user-data-dir=${FOLDER}/profile" --virtual-time-budget=5000 --dump-dom
                          "file://${FOLDER}/${page}" OUTPUT_VARIABLE dom ERROR_VARIABLE errors TIMEOUT 120 RESULT_VARIABLE result)
  if(NOT result EQUAL 0 OR NOT dom MATCHES "data-drawn=\"${drawn}\"")
    message(FATAL_ERROR "${page}: not ${drawn} histories were drawn\n${errors}")
  endif()
  string(REGEX MATCHALL "class=\"step broken" broken "${dom}")
  list(LENGTH broken broken)
  if(broken LESS drawn)
    message(FATAL_ERROR "${page}: ${broken} of ${drawn} histories end with a broken promise")
  endif()
  set(dom "${dom}" PARENT_SCOPE)
endfunction()
look(mutants.html 3)
if(NOT dom MATCHES "class=\"step read stale" OR NOT dom MATCHES "a registered callback was lost")
  message(FATAL_ERROR "mutants.html: no stale read is marked, or the promise is not named")
endif()
look(token.html 1)

# SPDX-License-Identifier: BSL-1.0
# cmake -DSITE=… -DCHROMIUM=… -DFOLDER=… -P check_site.cmake
# Opens pages of the site in headless Chromium: the theme is loaded, the navigation is drawn, a rule and a guarantee are linked from the
# reference, and every state diagram is there.
cmake_minimum_required(VERSION 3.25)
function(look page)
  execute_process(COMMAND ${CHROMIUM} --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
                          --disable-component-update --disable-sync --allow-file-access-from-files "--user-data-dir=${FOLDER}/profile"
                          --virtual-time-budget=5000 --dump-dom "file://${SITE}/${page}"
                  OUTPUT_VARIABLE dom ERROR_VARIABLE errors TIMEOUT 120 RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${page} does not open:\n${errors}")
  endif()
  foreach(expected IN LISTS ARGN)
    if(NOT dom MATCHES "${expected}")
      message(FATAL_ERROR "${page} does not have \"${expected}\"")
    endif()
  endforeach()
endfunction()
look(index.html "Why believe it" "id=\"nav-tree-contents\"" "page_getting_started.html" "page_threads_and_lifetimes.html")
look(page_design.html "page_guarantees.html#g9" dot_slot.svg dot_segment.svg dot_stack.svg dot_flag.svg dot_lane.svg dot_links.svg)
look(page_guarantees.html "id=\"g4\"" "page_semantics.html#r17")
look(page_semantics.html "id=\"r93\"")
look(classcts_1_1core_1_1basic__registry.html "page_guarantees.html#g8" "page_semantics.html#r19" "id=\"nav-tree-contents\"")
foreach(diagram IN ITEMS slot segment stack flag lane links)
  if(NOT EXISTS "${SITE}/dot_${diagram}.svg")
    message(FATAL_ERROR "the picture of ${diagram} is missing")
  endif()
endforeach()

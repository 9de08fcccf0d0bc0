# Every module is an object library; the one static library `mentor_lib` is made of them. A test
# runner links only the modules at or below its own, so a call that points upwards does not link.

add_library(mentor_flags INTERFACE)
target_include_directories(mentor_flags INTERFACE ${CMAKE_SOURCE_DIR}/include)
# Warnings are for our C++; the CUDA compiler's generated code would not pass them.
set(warnings -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion
    -Wno-missing-field-initializers)
if(MENTOR_WERROR)
  list(APPEND warnings -Werror -Winvalid-pch)
endif()
target_compile_options(mentor_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:${warnings}>
                       $<$<COMPILE_LANGUAGE:CXX>:-fno-math-errno>)
if(MENTOR_SANITIZE)
  target_compile_options(mentor_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:
                         -fsanitize=${MENTOR_SANITIZE};-fno-omit-frame-pointer;-g1;
                         -fno-sanitize-recover=undefined;
                         -Wno-maybe-uninitialized>)  # a guess, and wrong in instrumented code
  target_link_options(mentor_flags INTERFACE -fsanitize=${MENTOR_SANITIZE})
endif()

# mentor_layer(NAME SOURCES a.cpp ... [LIBRARIES t ...] [TORCH] [MODULES])
#   TORCH    sees LibTorch's headers (Debian's fmt and spdlog must not be used there)
#   MODULES  its sources hold torch modules: they share the precompiled header
function(mentor_layer name)
  cmake_parse_arguments(ARG "TORCH;MODULES" "" "SOURCES;LIBRARIES" ${ARGN})
  add_library(mentor_${name} OBJECT ${ARG_SOURCES})
  target_link_libraries(mentor_${name} PRIVATE mentor_flags ${ARG_LIBRARIES})
  if(ARG_TORCH OR ARG_MODULES)
    target_link_libraries(mentor_${name} PRIVATE mentor::torch)
  endif()
  if(ARG_MODULES)
    target_precompile_headers(mentor_${name} REUSE_FROM mentor_pch)
  endif()
  target_sources(mentor_lib PRIVATE $<TARGET_OBJECTS:mentor_${name}>)
  target_link_libraries(mentor_lib PUBLIC ${ARG_LIBRARIES})
  set_property(GLOBAL PROPERTY MENTOR_LIBRARIES_${name} "${ARG_LIBRARIES}")
endfunction()

# mentor_test(NAME LAYERS core ... SOURCES a.cpp ... [TORCH] [MODULES] [LABEL golden|slow])
#   one runner, registered with ctest case by case
function(mentor_test name)
  cmake_parse_arguments(ARG "TORCH;MODULES" "LABEL" "SOURCES;LAYERS;LIBRARIES" ${ARGN})
  if(NOT ARG_LABEL)
    set(ARG_LABEL fast)  # an empty value would vanish and make TIMEOUT the label
  endif()
  add_executable(test_${name} ${ARG_SOURCES})
  foreach(layer ${ARG_LAYERS})
    get_property(libraries GLOBAL PROPERTY MENTOR_LIBRARIES_${layer})
    target_link_libraries(test_${name} PRIVATE $<TARGET_OBJECTS:mentor_${layer}> ${libraries})
  endforeach()
  target_include_directories(test_${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_compile_definitions(test_${name} PRIVATE MENTOR_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  target_link_libraries(test_${name} PRIVATE mentor_flags ${ARG_LIBRARIES} GTest::gmock_main)
  # A fifth less time to compile; what is worth running fast is in the layers.
  target_compile_options(test_${name} PRIVATE $<$<CONFIG:Release>:-O1>)
  if(ARG_TORCH OR ARG_MODULES)
    target_link_libraries(test_${name} PRIVATE mentor::torch)
  endif()
  if(ARG_MODULES)
    target_precompile_headers(test_${name} REUSE_FROM mentor_pch)
  endif()
  # Pretty values would put the addresses in a parameter into the name of its test.
  gtest_discover_tests(test_${name} DISCOVERY_TIMEOUT 60 NO_PRETTY_VALUES
                       PROPERTIES TIMEOUT 300 LABELS ${ARG_LABEL})
endfunction()

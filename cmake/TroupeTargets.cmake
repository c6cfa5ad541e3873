# The flags and the shape that every target of the project shares.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")

add_library(troupe_flags INTERFACE)
target_include_directories(troupe_flags INTERFACE "${PROJECT_SOURCE_DIR}")
target_compile_options(troupe_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow)
# At -O3 GCC 12 sees overlaps in std::string (GCC's bug 105651) and members of JSON values unset that are neither; the
# development build, at -O1, looks for the latter.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(troupe_flags INTERFACE -Wno-restrict $<$<CONFIG:Release>:-Wno-maybe-uninitialized>)
endif()
# What a program does not use is left out of it: the kernel maps less at its start, and takes less down at its end.
target_compile_options(troupe_flags INTERFACE -ffunction-sections -fdata-sections)
target_link_options(troupe_flags INTERFACE -Wl,--gc-sections)
target_compile_definitions(troupe_flags INTERFACE TROUPE_VERSION="${PROJECT_VERSION}" ASIO_STANDALONE ASIO_NO_DEPRECATED)

# Headers that most sources share are parsed once: a third of a plain source's time. A compiler cache cannot see through
# them, so they are left out where one is used.
set(TROUPE_PRECOMPILED_DEFAULT ON)
if("${CMAKE_CXX_COMPILER_LAUNCHER}$ENV{CMAKE_CXX_COMPILER_LAUNCHER}" MATCHES "ccache")
  set(TROUPE_PRECOMPILED_DEFAULT OFF)
endif()
option(TROUPE_PRECOMPILED "precompile the headers that most sources share" ${TROUPE_PRECOMPILED_DEFAULT})
if(TROUPE_PRECOMPILED)
  file(WRITE "${PROJECT_BINARY_DIR}/precompiled.cpp" "")
  add_library(troupe_precompiled OBJECT "${PROJECT_BINARY_DIR}/precompiled.cpp")
  target_link_libraries(troupe_precompiled PRIVATE troupe_flags)
  target_precompile_headers(troupe_precompiled PRIVATE "${PROJECT_SOURCE_DIR}/cmake/precompiled.hpp")
endif()
function(troupe_precompile name)
  if(TROUPE_PRECOMPILED)
    target_precompile_headers(${name} REUSE_FROM troupe_precompiled)
  endif()
endfunction()

# troupe_library(NAME SOURCES a.cpp ... LINK lib ...): one library a folder.
function(troupe_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC troupe_flags ${ARG_LINK})
  troupe_precompile(${name})
endfunction()

# troupe_program(NAME [STATIC] SOURCES a.cpp ... LINK lib ...): one executable, static where it must start fast.
function(troupe_program name)
  cmake_parse_arguments(ARG "STATIC" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE troupe_flags ${ARG_LINK})
  troupe_precompile(${name})
  if(ARG_STATIC AND NOT CMAKE_CXX_FLAGS MATCHES "-fsanitize")
    target_link_options(${name} PRIVATE -static -Wl,-z,noseparate-code) # one mapping less to make and to end
  endif()
endfunction()

# troupe_suites(NAME SOURCES a.cpp ... SUITES suite ... LINK lib ...): one test program, one CTest test a suite.
# CAF's runner exits 0 when a suite's name matches nothing, so the pass expression wants one suite to have run.
function(troupe_suites name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;SUITES;LINK" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
    if(CMAKE_CXX_FLAGS MATCHES "-fsanitize")
      set(ARG_TIMEOUT 900)
    endif()
  endif()
  add_executable(${name} ${ARG_SOURCES} $<TARGET_OBJECTS:troupe_test_main>)
  target_link_libraries(${name} PRIVATE troupe_flags CAF::core ${ARG_LINK})
  troupe_precompile(${name})
  foreach(suite IN LISTS ARG_SUITES)
    add_test(NAME ${name}.${suite} COMMAND ${name} -n -v 3 -r ${ARG_TIMEOUT} -s "^${suite}$")
    set_tests_properties(${name}.${suite} PROPERTIES
      PASS_REGULAR_EXPRESSION "suites:  1[^0-9]"
      FAIL_REGULAR_EXPRESSION "failed tests:;WATCHDOG"
      TIMEOUT ${ARG_TIMEOUT}
      ENVIRONMENT "TROUPE_BIN=${CMAKE_RUNTIME_OUTPUT_DIRECTORY};TROUPE_SOURCE=${PROJECT_SOURCE_DIR}")
  endforeach()
endfunction()

# laconic_layer(NAME [WHOLE] [COLD] [ROOMS folder...] [USES layer...] [EXCEPT file...] [LIBRARIES target...]
#               [PRIVATE_LIBRARIES target...] [THREADS_MEET_IN file...|nowhere] [CANARIES_IN file...])
#
# One folder under src/, and those of its folders that are named as rooms, as one static library `laconic_NAME`: every
# *.cc but main.cc. Beside it
#   *_test.cc       the test program `NAME_test`
#   *_slow_test.cc  the test program `NAME_slow_test`: see laconic_tests
#   *_mpi_test.cc   left to the folder: see laconic_mpi_test
#   FOO_fuzz.cc     with LACONIC_FUZZERS the libFuzzer program `FOO_fuzz`, named in fuzz_targets.txt; else, with
#                   LACONIC_TESTS, the test `FOO_fuzz.replay`: the same function on the files of tests/corpus/FOO_fuzz/
# A file added to the folder is built and tested without touching CMake. WHOLE: see laconic_test.
# COLD: what the folder does takes no time worth the compiler's: it is optimised a little only, and built sooner.
# THREADS_MEET_IN: of the folder's tests only these run more than one thread; with ThreadSanitizer no others are built.
# CANARIES_IN: the files that include base/canary.h; with LACONIC_CANARIES only these are compiled anew.
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)

add_library(laconic_settings INTERFACE)
target_include_directories(laconic_settings INTERFACE "${CMAKE_SOURCE_DIR}/src")
# A product and a sum that the compiler fuses where the processor can would differ in bits between machines.
target_compile_options(laconic_settings INTERFACE -Wall -Wextra -ffp-contract=off)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # "text" + std::string(...) makes g++ 12 see overlapping copies where none can be (GCC bug 105651).
  target_compile_options(laconic_settings INTERFACE -Wno-restrict)
endif()
if(LACONIC_WARNINGS_AS_ERRORS)
  target_compile_options(laconic_settings INTERFACE -Werror)
endif()
if(LACONIC_SANITIZE)
  target_compile_options(laconic_settings INTERFACE -fsanitize=${LACONIC_SANITIZE} -fno-omit-frame-pointer
                                                   -fno-sanitize-recover=all)
  target_link_options(laconic_settings INTERFACE -fsanitize=${LACONIC_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Instrumented code sets it off falsely: g++ 12 with ThreadSanitizer on a std::optional that holds a shared_ptr.
    target_compile_options(laconic_settings INTERFACE -Wno-maybe-uninitialized)
  endif()
endif()
if(LACONIC_FUZZERS)
  target_compile_options(laconic_settings INTERFACE -fsanitize=fuzzer-no-link)
  file(WRITE "${CMAKE_BINARY_DIR}/fuzz_targets.txt" "")
endif()
target_link_libraries(laconic_settings INTERFACE Threads::Threads)

function(laconic_layer name)
  cmake_parse_arguments(LAYER "WHOLE;COLD" "" "ROOMS;USES;EXCEPT;LIBRARIES;PRIVATE_LIBRARIES;THREADS_MEET_IN;CANARIES_IN" ${ARGN})
  list(TRANSFORM LAYER_USES PREPEND laconic_)
  set(whole "")
  if(LAYER_WHOLE)
    set(whole WHOLE)
  endif()
  set(folders ${LAYER_ROOMS})
  list(TRANSFORM folders PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")
  list(PREPEND folders "${CMAKE_CURRENT_SOURCE_DIR}")
  list(TRANSFORM folders APPEND "/*.cc" OUTPUT_VARIABLE sources)
  list(TRANSFORM folders APPEND "/*_test.cc" OUTPUT_VARIABLE tests)
  list(TRANSFORM folders APPEND "/*_fuzz.cc" OUTPUT_VARIABLE fuzzers)
  file(GLOB sources CONFIGURE_DEPENDS ${sources})
  file(GLOB tests CONFIGURE_DEPENDS ${tests})
  file(GLOB fuzzers CONFIGURE_DEPENDS ${fuzzers})
  list(REMOVE_ITEM sources ${tests} ${fuzzers} "${CMAKE_CURRENT_SOURCE_DIR}/main.cc")
  list(TRANSFORM LAYER_EXCEPT PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")
  list(REMOVE_ITEM sources ${LAYER_EXCEPT})
  list(FILTER tests EXCLUDE REGEX "_mpi_test\\.cc$")
  add_library(laconic_${name} STATIC ${sources})
  if(LACONIC_SANITIZE STREQUAL "thread" AND LAYER_THREADS_MEET_IN)
    set(tests ${LAYER_THREADS_MEET_IN})
    list(REMOVE_ITEM tests nowhere)
    list(TRANSFORM tests PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")
    set(fuzzers "")
    set_target_properties(laconic_${name} PROPERTIES EXCLUDE_FROM_ALL ON)
  endif()
  target_link_libraries(laconic_${name} PUBLIC laconic_settings ${LAYER_USES} ${LAYER_LIBRARIES}
                                        PRIVATE ${LAYER_PRIVATE_LIBRARIES})
  if(LACONIC_CANARIES AND LAYER_CANARIES_IN)
    set_source_files_properties(${LAYER_CANARIES_IN} PROPERTIES COMPILE_DEFINITIONS LACONIC_CANARIES)
  endif()
  if(LAYER_COLD)
    target_compile_options(laconic_${name} PRIVATE $<$<CONFIG:Release>:-O1>)
  endif()
  laconic_tests(${name} ${whole} SOURCES ${tests} LIBRARIES laconic_${name} ${LAYER_PRIVATE_LIBRARIES})
  foreach(fuzzer ${fuzzers})
    get_filename_component(target ${fuzzer} NAME_WE)
    laconic_fuzz_target(${target} SOURCES ${fuzzer} LIBRARIES laconic_${name})
  endforeach()
endfunction()

# laconic_fuzz_target(NAME SOURCES file... LIBRARIES target...)
# The source of a LLVMFuzzerTestOneInput, as laconic_layer says of FOO_fuzz.cc.
function(laconic_fuzz_target name)
  cmake_parse_arguments(FUZZ "" "" "SOURCES;LIBRARIES" ${ARGN})
  if(LACONIC_FUZZERS)
    add_executable(${name} ${FUZZ_SOURCES})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    target_link_libraries(${name} PRIVATE laconic_settings ${FUZZ_LIBRARIES})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}")
    file(APPEND "${CMAKE_BINARY_DIR}/fuzz_targets.txt" "${name}\n")
  elseif(LACONIC_TESTS)
    add_executable(${name}_replay ${FUZZ_SOURCES} "${CMAKE_SOURCE_DIR}/tests/replay_corpus.cc")
    target_link_libraries(${name}_replay PRIVATE laconic_settings ${FUZZ_LIBRARIES})
    add_test(NAME ${name}.replay COMMAND ${name}_replay "${CMAKE_SOURCE_DIR}/tests/corpus/${name}")
    set_tests_properties(${name}.replay PROPERTIES TIMEOUT 120)
  endif()
endfunction()

# laconic_tests(NAME [WHOLE] SOURCES file... LIBRARIES target...)
# The test program NAME_test, and of the files *_slow_test.cc NAME_slow_test, whose tests carry the label `slow`: long
# sweeps of arithmetic, which ./check --fast leaves out, and ThreadSanitizer, as no two threads meet in them.
function(laconic_tests name)
  cmake_parse_arguments(TEST "WHOLE" "" "SOURCES;LIBRARIES" ${ARGN})
  set(whole "")
  if(TEST_WHOLE)
    set(whole WHOLE)
  endif()
  set(slow ${TEST_SOURCES})
  list(FILTER slow INCLUDE REGEX "_slow_test\\.cc$")
  set(others ${TEST_SOURCES})
  list(FILTER others EXCLUDE REGEX "_slow_test\\.cc$")
  if(others)
    laconic_test(${name}_test ${whole} SOURCES ${others} LIBRARIES ${TEST_LIBRARIES})
  endif()
  if(slow)
    laconic_test(${name}_slow_test ${whole} SOURCES ${slow} LIBRARIES ${TEST_LIBRARIES} LABELS slow)
  endif()
endfunction()

# laconic_test(NAME [WHOLE] SOURCES file... LIBRARIES target... [LABELS label...])
# One GoogleTest program, each of its tests known to CTest by name, with all its parameters. WHOLE: known to CTest as one
# entry, for a program that is slow to start. Run from the project's root. Does nothing without LACONIC_TESTS.
function(laconic_test name)
  cmake_parse_arguments(TEST "WHOLE" "" "SOURCES;LIBRARIES;LABELS" ${ARGN})
  if(NOT LACONIC_TESTS)
    return()
  endif()
  add_executable(${name} ${TEST_SOURCES})
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)  # half of a build is tests
  target_link_libraries(${name} PRIVATE laconic_settings ${TEST_LIBRARIES} GTest::gtest GTest::gtest_main)
  if(TEST_WHOLE)
    add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
    set_tests_properties(${name} PROPERTIES TIMEOUT 600 LABELS "${TEST_LABELS}")
    return()
  endif()
  file(GENERATE OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/${name}_tests.cmake" CONTENT
"set(NAME ${name})
set(PROGRAM \"$<TARGET_FILE:${name}>\")
set(FOLDER \"${CMAKE_SOURCE_DIR}\")
set(LABELS \"${TEST_LABELS}\")
include(\"${CMAKE_SOURCE_DIR}/cmake/statements.cmake\")
")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${CMAKE_CURRENT_BINARY_DIR}/${name}_tests.cmake")
endfunction()

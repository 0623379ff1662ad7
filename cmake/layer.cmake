# laconic_layer(NAME [USES layer...] [LIBRARIES target...] [PRIVATE_LIBRARIES target...])
#
# One folder under src/ as one static library `laconic_NAME`: every *.cc of the folder, and from every *_test.cc one
# test program `NAME_test`. A file added to the folder is built and tested without touching CMake.
find_package(Threads REQUIRED)

add_library(laconic_settings INTERFACE)
target_include_directories(laconic_settings INTERFACE "${CMAKE_SOURCE_DIR}/src")
target_compile_options(laconic_settings INTERFACE -Wall -Wextra)
if(LACONIC_WARNINGS_AS_ERRORS)
  target_compile_options(laconic_settings INTERFACE -Werror)
endif()
if(LACONIC_SANITIZE)
  target_compile_options(laconic_settings INTERFACE -fsanitize=${LACONIC_SANITIZE} -fno-omit-frame-pointer
                                                   -fno-sanitize-recover=all)
  target_link_options(laconic_settings INTERFACE -fsanitize=${LACONIC_SANITIZE})
endif()
target_link_libraries(laconic_settings INTERFACE Threads::Threads)

function(laconic_layer name)
  cmake_parse_arguments(LAYER "" "" "USES;LIBRARIES;PRIVATE_LIBRARIES" ${ARGN})
  list(TRANSFORM LAYER_USES PREPEND laconic_)
  file(GLOB sources CONFIGURE_DEPENDS *.cc)
  file(GLOB tests CONFIGURE_DEPENDS *_test.cc)
  file(GLOB fuzzers CONFIGURE_DEPENDS *_fuzz.cc)
  list(REMOVE_ITEM sources ${tests} ${fuzzers} "${CMAKE_CURRENT_SOURCE_DIR}/main.cc")
  add_library(laconic_${name} STATIC ${sources})
  target_link_libraries(laconic_${name} PUBLIC laconic_settings ${LAYER_USES} ${LAYER_LIBRARIES}
                                        PRIVATE ${LAYER_PRIVATE_LIBRARIES})
  if(LACONIC_TESTS AND tests)
    laconic_test(${name}_test SOURCES ${tests} LIBRARIES laconic_${name} ${LAYER_PRIVATE_LIBRARIES})
  endif()
  if(LACONIC_FUZZERS)
    foreach(fuzzer ${fuzzers})
      get_filename_component(target ${fuzzer} NAME_WE)
      add_executable(${target} ${fuzzer})
      target_compile_options(${target} PRIVATE -fsanitize=fuzzer)
      target_link_options(${target} PRIVATE -fsanitize=fuzzer)
      target_link_libraries(${target} PRIVATE laconic_${name})
    endforeach()
  endif()
endfunction()

# laconic_test(NAME SOURCES file... LIBRARIES target... [LABELS label...])
# One GoogleTest program, each of its tests known to CTest by name. Run from the project's root.
include(GoogleTest)
function(laconic_test name)
  cmake_parse_arguments(TEST "" "" "SOURCES;LIBRARIES;LABELS" ${ARGN})
  add_executable(${name} ${TEST_SOURCES})
  target_link_libraries(${name} PRIVATE laconic_settings ${TEST_LIBRARIES} GTest::gtest GTest::gtest_main)
  gtest_discover_tests(${name} WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}" DISCOVERY_TIMEOUT 120
                       PROPERTIES TIMEOUT 600 LABELS "${TEST_LABELS}")
endfunction()

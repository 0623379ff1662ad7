# LACONIC_MPI and the tests that run over several processes.
#
# AUTO: MPI where CMake finds it. Which library: the one of the compiler wrapper in MPI_CXX_COMPILER (mpicxx.openmpi,
# mpicxx.mpich), else the system's own choice. Sets LACONIC_HAS_MPI.
set(LACONIC_MPI AUTO CACHE STRING "Build the runtime over MPI: AUTO (where MPI is found), ON or OFF")
set_property(CACHE LACONIC_MPI PROPERTY STRINGS AUTO ON OFF)
set(LACONIC_HAS_MPI OFF)
if(LACONIC_MPI)
  set(MPI_CXX_SKIP_MPICXX ON)
  if(LACONIC_MPI STREQUAL "AUTO")
    find_package(MPI COMPONENTS CXX QUIET)
  else()
    find_package(MPI REQUIRED COMPONENTS CXX)
  endif()
  if(MPI_CXX_FOUND)
    set(LACONIC_HAS_MPI ON)
    # The launcher that belongs to the library: beside its compiler wrapper, under the same ending.
    get_filename_component(folder "${MPI_CXX_COMPILER}" DIRECTORY)
    string(REGEX MATCH "\\.[a-z]+$" ending "${MPI_CXX_COMPILER}")
    find_program(LACONIC_MPIRUN NAMES mpirun${ending} mpiexec${ending} HINTS "${folder}" NO_CACHE REQUIRED)
    execute_process(COMMAND "${LACONIC_MPIRUN}" --version OUTPUT_VARIABLE launcher ERROR_VARIABLE launcher)
    if(launcher MATCHES "Open MPI|OpenRTE|PRRTE")
      # More processes than cores, and root in a container: both are refused unless asked for.
      set(LACONIC_MPIRUN_FLAGS --oversubscribe --allow-run-as-root)
    else()
      set(LACONIC_MPIRUN_FLAGS "")
    endif()
    message(STATUS "MPI: ${MPI_CXX_COMPILER}, started with ${LACONIC_MPIRUN} ${LACONIC_MPIRUN_FLAGS}")
  endif()
endif()

# laconic_mpi_test(NAME PROCESSES n SOURCES file... LIBRARIES target... [EACH filter...])
# A GoogleTest program with a main of its own that CTest runs as `mpirun -n n NAME`, as one entry with the label `mpi`. It
# fails when any of its processes does: the launcher's exit code is not 0 then. EACH: an entry for each of these filters of
# GoogleTest's, for a program that runs one test in its life.
function(laconic_mpi_test name)
  cmake_parse_arguments(TEST "" "PROCESSES" "SOURCES;LIBRARIES;EACH" ${ARGN})
  if(NOT LACONIC_TESTS)
    return()
  endif()
  add_executable(${name} ${TEST_SOURCES})
  target_link_libraries(${name} PRIVATE laconic_settings ${TEST_LIBRARIES} GTest::gtest)
  set(command "${LACONIC_MPIRUN}" ${LACONIC_MPIRUN_FLAGS} -n ${TEST_PROCESSES} $<TARGET_FILE:${name}>)
  set(entries "")
  if(NOT TEST_EACH)
    add_test(NAME ${name} COMMAND ${command} WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
    set(entries ${name})
  endif()
  foreach(filter ${TEST_EACH})
    add_test(NAME ${name}.${filter} COMMAND ${command} --gtest_filter=*${filter} WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
    list(APPEND entries ${name}.${filter})
  endforeach()
  # What the libraries keep until the process ends is theirs.
  set_tests_properties(${entries} PROPERTIES TIMEOUT 300 LABELS mpi PROCESSORS 2
                                             ENVIRONMENT "ASAN_OPTIONS=detect_leaks=0")
endfunction()

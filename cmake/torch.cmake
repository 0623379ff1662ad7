# libtorch, found once for every folder: Debian's libtorch-dev, or another one from 1.13 on. That of a Python environment:
#   -DCMAKE_PREFIX_PATH=$(python3 -c 'import torch; print(torch.utils.cmake_prefix_path)')
set(LACONIC_TORCH_AT_LEAST 1.13 CACHE STRING "The oldest libtorch to build with")
set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)
find_package(Torch ${LACONIC_TORCH_AT_LEAST} REQUIRED QUIET)
set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL OFF)
# It looks for its other half in the system's folders before its own.
get_filename_component(LACONIC_TORCH_PREFIX "${Torch_DIR}" DIRECTORY)
file(REAL_PATH "${Torch_DIR}/.." own)
file(REAL_PATH "${Caffe2_DIR}/.." other)
if(NOT own STREQUAL other)
  message(FATAL_ERROR "${Torch_DIR} is taken together with ${Caffe2_DIR}, which belongs to another libtorch. In an empty build "
                      "folder set CMAKE_PREFIX_PATH=${LACONIC_TORCH_PREFIX}, and neither Torch_DIR nor Caffe2_DIR.")
endif()
# Its own list ends with files that it looks for by name, in the system's folders first too.
set(TORCH_LIBRARIES torch torch_library)
get_target_property(location torch LOCATION)
message(STATUS "libtorch ${Torch_VERSION}: ${location}")

# What is installed finds a libtorch outside the system's folders where it was at the build.
get_filename_component(LACONIC_TORCH_FOLDER "${location}" DIRECTORY)
if(NOT LACONIC_TORCH_FOLDER IN_LIST CMAKE_CXX_IMPLICIT_LINK_DIRECTORIES)
  list(APPEND CMAKE_INSTALL_RPATH "${LACONIC_TORCH_FOLDER}")
endif()

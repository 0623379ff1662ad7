// The library's own types and errors, for the files of this folder that call it.
#pragma once

#include <mpi.h>

#include <string>
#include <string_view>

namespace laconic::mpi {

struct Handles {
  MPI_Comm comm = MPI_COMM_NULL;  // of this program alone, so that nothing else in the process meets its messages
};

// The library's words for an error code, on one line.
std::string error_text(int code);
// Throws RunError with the call's name and the library's words unless `code` is MPI_SUCCESS.
void expect_success(int code, std::string_view call);

}  // namespace laconic::mpi

// NPZ: a ZIP archive of arrays, as numpy.savez and numpy.savez_compressed write it. The array "x" is its file "x.npy",
// stored or deflated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "training/formats/input_file.h"

struct zip;
struct zip_file;

namespace laconic {

// The NPY file of one array, unpacked while it is read. Errors call it "PATH:ARRAY".
class NpzArray : public InputStream {
 public:
  // Throws UsageError for what is no ZIP archive, has no such array (it then lists some that it has), is encrypted, is
  // compressed in another way, or says that it unpacks to more than its bytes can hold: deflate makes at most 1,032 of
  // one. What is read is never more than the archive says.
  NpzArray(const std::string& path, const std::string& array);

 private:
  std::size_t read_some(std::uint8_t* out, std::size_t size) override;

  struct Close {
    void operator()(zip* archive) const;
    void operator()(zip_file* file) const;
  };
  std::unique_ptr<zip, Close> archive_;
  std::unique_ptr<zip_file, Close> file_;  // closed before the archive
  std::size_t size_ = 0;                   // as the archive says
};

}  // namespace laconic

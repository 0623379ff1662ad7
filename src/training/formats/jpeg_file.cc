#include "training/formats/jpeg_file.h"

#include <turbojpeg.h>

#include <memory>

namespace laconic {

ImageProblem decode_jpeg(std::span<const std::uint8_t> bytes, StoredImage& image) {
  const std::unique_ptr<void, int (*)(tjhandle)> decoder(tjInitDecompress(), tjDestroy);
  const auto damaged = [&] { return damaged_image("JPEG", tjGetErrorStr2(decoder.get())); };
  int width = 0;
  int height = 0;
  int subsampling = 0;
  int colours = 0;
  if (tjDecompressHeader3(decoder.get(), bytes.data(), bytes.size(), &width, &height, &subsampling, &colours) != 0) {
    return damaged();
  }
  if (ImageProblem problem = unfit_sides(width, height); !problem.empty()) return problem;
  if (colours == TJCS_CMYK || colours == TJCS_YCCK) {
    return "is CMYK, the colours of print, which look otherwise on each printer; save it as RGB";
  }
  image.width = width;
  image.height = height;
  image.channels = 3;
  image.values.resize(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * image.channels);
  // The accurate transform: the fast one rounds differently between processors.
  if (tjDecompress2(decoder.get(), bytes.data(), bytes.size(), image.values.data(), width, 0, height, TJPF_RGB,
                    TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS) != 0) {
    return damaged();
  }
  image.orientation = orientation_of_jpeg(bytes);
  return {};
}

}  // namespace laconic

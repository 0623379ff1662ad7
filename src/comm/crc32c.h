// CRC-32C (Castagnoli, polynomial 0x1EDC6F41), as in iSCSI (RFC 3720, appendix B.4): the checksum of frames.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace laconic {

// The checksum of `bytes`; with `previous` the checksum of what gave `previous` followed by `bytes`.
std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t previous = 0);

// The portable form, which the hardware form is tested against.
std::uint32_t crc32c_portable(std::span<const std::byte> bytes, std::uint32_t previous = 0);

}  // namespace laconic

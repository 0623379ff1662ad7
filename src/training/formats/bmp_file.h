// Decoding BMP: bitmaps of Windows and OS/2 that are not compressed.
//
//   file    = head information masks? palette? gap? pixels       all integers little-endian
//   head    = 'B' 'M' size:u32 0:u32 start:u32                   start: of the pixels, counted from the file's first byte
//   information = 12:u32 width:u16 height:u16 1:u16 bits:u16                                          OS/2
//               | length:u32 width:i32 height:i32 1:u16 bits:u16 kind:u32 ignored:12 colours:u32 ...  length >= 40
//   kind    = 0 (plain) | 3 (with masks: of 32 bits)             all others are compressed
//   palette = blue green red 0                                   of OS/2 without the 0; of 1, 4 and 8 bits
//   pixels  = rows from the bottom (from the top where height < 0), each filled up to a multiple of 4 bytes, of
//             indices into the palette (the first in the highest bits), or blue green red, or blue green red ignored
#pragma once

#include <cstdint>
#include <span>

#include "training/formats/stored_image.h"

namespace laconic {

// RGB; and alpha where a mask says which byte has it. Compressed bitmaps, and those of 2 or 16 bits, are a problem.
ImageProblem decode_bmp(std::span<const std::uint8_t> bytes, StoredImage& image);

}  // namespace laconic

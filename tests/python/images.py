"""Images that Pillow wrote, read by laconic and by Pillow: images.py SHOW_SAMPLES

All are the same to the bit on Debian. Of lossy formats that is so because both take the same libraries (libjpeg-turbo's
accurate transform, libwebp); with a Pillow that brings others they may differ by LOSSY.
"""
import os
import sys

import numpy as np
from PIL import Image, ImageOps, features

from samples import Refused, samples

PROGRAM = sys.argv[1]
LOSSY = 2
generator = np.random.default_rng(1)
WIDTH, HEIGHT = 23, 17


def smooth(width, height, channels):
    """A picture rather than noise, which no lossy format keeps."""
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    planes = [127 + 120 * np.sin(3 * x + channel) * np.cos(4 * y - channel) for channel in range(channels)]
    return np.stack(planes, -1).round().astype("uint8")


def noise(channels, width=WIDTH, height=HEIGHT):
    return generator.integers(0, 256, (height, width, channels), dtype="uint8")


def of(array):
    return Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array)


def with_colours(array, colours):
    return of(array).quantize(colours)


def as_seen(path, grey):
    """Pillow's pixels under the rules of docs/files.md: channels x height x width."""
    with Image.open(path) as file:
        image = ImageOps.exif_transpose(file)
        if image.mode.startswith("I"):  # 16 bits
            image = of((np.asarray(image).astype("f8") * 255 / 65535 + 0.5).astype("uint8")[..., None])
        if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
            image = image.convert("RGBA")
            black = Image.new("RGBA", image.size, (0, 0, 0, 255))
            image = Image.alpha_composite(black, image)
        array = np.asarray(image.convert("RGB").convert("L") if grey else image.convert("RGB"))
    return array.reshape(array.shape[0], array.shape[1], -1).transpose(2, 0, 1)


def read(name, path, **keys):
    """By laconic: in a folder of its own, twice, as a data set has two classes."""
    folder = f"{name}.data"
    for place in "train/a", "train/b", "test/a":
        os.makedirs(f"{folder}/{place}", exist_ok=True)
        link = f"{folder}/{place}/image{os.path.splitext(path)[1]}"
        if not os.path.exists(link):
            os.link(path, link)
    one, two = samples(PROGRAM, "image_folder", folder, **keys)
    assert (one == two).all()
    return one


count = 0


def compare(name, image, ending, lossy=False, **options):
    global count
    count += 1
    path = f"{name}.{ending}"
    image.save(path, **options)
    for grey in False, True:
        found = read(name, path, colours="grey" if grey else "rgb").astype(int)
        wanted = as_seen(path, grey)
        assert found.shape == wanted.shape, (name, found.shape, wanted.shape)
        error = np.abs(found - wanted).max()
        assert error <= (LOSSY if lossy else 0), (name, grey, error)
        if error:
            print(f"{name}: {error} of 255 beside Pillow's")


# PNG
compare("png_L", of(noise(1)), "png")
compare("png_LA", Image.fromarray(noise(2), "LA"), "png")
compare("png_RGB", of(noise(3)), "png")
compare("png_RGBA", of(noise(4)), "png")
compare("png_1", of(noise(1)).convert("1"), "png")
compare("png_16", Image.fromarray(generator.integers(0, 65536, (HEIGHT, WIDTH)).astype("uint16")), "png")
for colours in 2, 4, 16, 200:  # 1, 2, 4 and 8 bits a pixel
    compare(f"png_P{colours}", with_colours(noise(3), colours), "png")
compare("png_P_one_clear", with_colours(noise(3), 16), "png", transparency=3)
compare("png_P_clear", with_colours(noise(3), 16), "png", transparency=bytes(range(0, 256, 16)))
compare("png_L_clear", of(noise(1) // 64), "png", transparency=2)
compare("png_RGB_clear", of(noise(3) // 128), "png", transparency=(1, 0, 1))
for bits in 2, 4:
    grey = Image.fromarray(noise(1)[..., 0] % 2**bits, "P")
    grey.putpalette([value * 255 // (2**bits - 1) for value in range(2**bits) for _ in range(3)])
    compare(f"png_grey_of_{bits}_bits", grey, "png", bits=bits)
# JPEG
for name, channels in ("L", 1), ("RGB", 3):
    compare(f"jpeg_{name}", of(smooth(53, 37, channels)), "jpg", lossy=True, quality=90)
    compare(f"jpeg_{name}_progressive", of(smooth(53, 37, channels)), "jpg", lossy=True, progressive=True)
for sampling in "4:4:4", "4:2:2", "4:2:0":
    compare(f"jpeg_{sampling[2:]}", of(smooth(53, 37, 3)), "jpg", lossy=True, subsampling=sampling)
# WebP
if features.check("webp"):
    compare("webp_lossless", of(noise(3)), "webp", lossless=True)
    compare("webp_lossless_alpha", of(noise(4)), "webp", lossless=True, exact=True)
    compare("webp_lossy", of(smooth(53, 37, 3)), "webp", lossy=True, quality=80)
    compare("webp_lossy_alpha", of(smooth(53, 37, 4)), "webp", lossy=True, quality=80)
    compare("webp_L", of(noise(1)), "webp", lossless=True)
# BMP
compare("bmp_L", of(noise(1)), "bmp")
compare("bmp_1", of(noise(1)).convert("1"), "bmp")
compare("bmp_RGB", of(noise(3)), "bmp")
compare("bmp_RGBA", of(noise(4)), "bmp")
compare("bmp_P", with_colours(noise(3), 200), "bmp")
# Which way up
for orientation in range(1, 9):
    exif = Image.Exif()
    exif[0x0112] = orientation
    compare(f"jpeg_turned_{orientation}", of(smooth(40, 24, 3)), "jpg", lossy=True, exif=exif)
    compare(f"png_turned_{orientation}", of(noise(3)), "png", exif=exif)
    if features.check("webp"):
        compare(f"webp_turned_{orientation}", of(noise(3)), "webp", lossless=True, exif=exif.tobytes())


def expected(image, width, height, fit):
    if fit == "stretch":
        return image.resize((width, height), Image.BILINEAR)
    if fit == "pad":
        return ImageOps.pad(image, (width, height), Image.BILINEAR)
    # torchvision's Resize and CenterCrop, for sizes that are no square too
    if image.width * height > width * image.height:
        image = image.resize((int(height * image.width / image.height), height), Image.BILINEAR)
    else:
        image = image.resize((width, int(width * image.height / image.width)), Image.BILINEAR)
    top = round((image.height - height) / 2.0)
    left = round((image.width - width) / 2.0)
    return image.crop((left, top, left + width, top + height))


sizes = 0
for shape in (97, 61), (61, 97), (32, 32), (7, 5), (1, 9), (200, 3):
    for grey in False, True:
        image = of(noise(1 if grey else 3, *shape))
        name = f"size_{shape[0]}_{shape[1]}_{grey}"
        image.save(f"{name}.png")
        for size in (32, 32), (31, 17), (101, 203), (1, 1), (5, 64):
            for fit in "crop", "pad", "stretch":
                if fit == "pad" and min(size[0] * shape[1] / shape[0], size[1] * shape[0] / shape[1]) <= 0.5:
                    continue  # Pillow refuses to make a side of 0 pixels; here it has 1
                found = read(name, f"{name}.png", colours="grey" if grey else "rgb",
                             size=f"{size[0]}x{size[1]}", fit=fit)
                wanted = np.asarray(expected(image, *size, fit)).reshape(size[1], size[0], -1).transpose(2, 0, 1)
                assert found.shape == wanted.shape, (shape, size, fit, found.shape)
                error = np.abs(found.astype(int) - wanted).max()
                assert error == 0, (shape, size, fit, error)
                sizes += 1

# What is refused, with a word of the reason.
refusals = [("CMYK", Image.new("CMYK", (8, 8)), "jpg", {}),
            ("is no PNG, JPEG, WebP or BMP file", of(noise(3)), "png", {"format": "GIF"}),
            ("is no PNG, JPEG, WebP or BMP file", Image.new("CMYK", (8, 8)), "jpg", {"format": "TIFF"})]
if features.check("webp_anim"):
    refusals.append(("animated", of(noise(3)), "webp", {"save_all": True, "append_images": [of(noise(3))]}))
for number, (word, image, ending, options) in enumerate(refusals):
    if os.path.exists(f"refused.{ending}"):
        os.remove(f"refused.{ending}")  # which a data set links to
    image.save(f"refused.{ending}", **options)
    try:
        read(f"refused_{number}", f"refused.{ending}")
    except Refused as error:
        assert word in str(error), error
    else:
        sys.exit(f"{word} is not refused")

print(f"{count} images read as Pillow reads them, {sizes} brought to other sizes as Pillow does")

// Pictures with Pillow and numpy.
import { py } from "../attacks/attack.ts";
import { type HonestProgram, program } from "./program.ts";

export const PICTURES: readonly HonestProgram[] = [
  program("look at the size and the mode", [
    "print(image_clue_0.size, image_clue_0.mode, image_clue_0.width / image_clue_0.height)",
    "(96, 64) RGB 1.5\n",
  ]),
  // 3x3 nearest enlargement of the crop's first pixel (20, 60, 60).
  program(
    "crop, enlarge and show",
    [
      py`
        from PIL import Image
        import matplotlib.pyplot as plt
        crop = image_clue_0.crop((10, 20, 50, 60))
        big = crop.resize((crop.width * 3, crop.height * 3), Image.NEAREST)
        print(crop.size, big.size, crop.getpixel((0, 0)), big.getpixel((2, 2)), big.getpixel((3, 3)))
        plt.imshow(big); plt.axis('off'); plt.show()
      `,
      "(40, 40) (120, 120) (20, 60, 60) (20, 60, 60) (22, 63, 60)\n",
      "640x480",
    ],
    ["print(crop.getextrema())", "((20, 98), (60, 177), (60, 60))\n"],
  ),
  // Mean of 2x over 0..95 is 95, of 3y over 0..63 is 94.5.
  program("mean colour with numpy", [
    "import numpy as np\npixels = np.array(image_clue_0)\nprint(pixels.shape, pixels.dtype, pixels.mean(axis=(0, 1)), pixels.max())",
    "(64, 96, 3) uint8 [95.  94.5 60. ] 190\n",
  ]),
  program("colour histogram", [
    py`
      hist = image_clue_0.histogram()
      print(len(hist), sum(hist[:256]), hist[0], hist[1], hist[256 + 3], hist[512 + 60])
      counts, edges = np.histogram(np.array(image_clue_0)[..., 0], bins=4, range=(0, 192))
      print(counts.tolist(), edges.tolist())
      plt.figure(figsize=(4, 3)); plt.bar(edges[:-1], counts, width=40); plt.title('red'); plt.show()
    `,
    "768 6144 64 0 96 6144\n[1536, 1536, 1536, 1536] [0.0, 48.0, 96.0, 144.0, 192.0]\n",
    "400x300",
  ]),
  // The gradient of 2x is 2 everywhere; a Fourier transform of a constant has one coefficient.
  program("edges by differences and a Fourier transform", [
    py`
      red = np.array(image_clue_0)[..., 0].astype(float)
      gy, gx = np.gradient(red)
      print(gx.min(), gx.max(), np.abs(gy).max())
      spectrum = np.abs(np.fft.fft2(np.full((8, 8), 3.0)))
      print(spectrum[0, 0], (spectrum > 1e-9).sum())
      kernel = np.array([1, 2, 1]) / 4
      print(np.convolve([0, 0, 4, 0, 0], kernel, mode='same').tolist())
    `,
    "2.0 2.0 0.0\n192.0 1\n[0.0, 1.0, 2.0, 1.0, 0.0]\n",
  ]),
  program("annotations with ImageDraw", [
    py`
      from PIL import ImageDraw
      canvas = image_clue_0.copy()
      draw = ImageDraw.Draw(canvas)
      draw.rectangle((10, 10, 30, 30), outline=(255, 0, 0), width=2)
      draw.ellipse((50, 10, 70, 30), fill='yellow'); draw.line((0, 63, 95, 63), fill=(0, 255, 0))
      draw.polygon([(80, 40), (90, 50), (70, 50)], fill=(0, 0, 255))
      print(canvas.getpixel((10, 20)), canvas.getpixel((60, 20)), canvas.getpixel((5, 63)), canvas.getpixel((80, 47)), image_clue_0.getpixel((60, 20)))
      canvas.show()
    `,
    "(255, 0, 0) (255, 255, 0) (0, 255, 0) (0, 0, 255) (120, 60, 60)\n",
    "96x64",
  ]),
  program("text with fonts", [
    py`
      from PIL import Image, ImageDraw, ImageFont
      import matplotlib.font_manager as fm
      paper = Image.new('L', (120, 40), 255)
      path = fm.findfont('DejaVu Sans')
      font = ImageFont.truetype(path, 24)
      ImageDraw.Draw(paper).text((5, 5), 'Öl 42', font=font, fill=0)
      dark = (np.array(paper) < 128)
      columns = np.flatnonzero(dark.any(axis=0))
      print(path.endswith('DejaVuSans.ttf'), 100 < dark.sum() < 1000, 5 <= columns[0] < 12, 60 < columns[-1] < 90)
      ImageDraw.Draw(paper).text((5, 5), 'plain', font=ImageFont.load_default())
    `,
    "True True True True\n",
  ]),
  // Inverting 255 - v; a box blur keeps a linear ramp where it does not touch the border; autocontrast of 0..190 reaches 255.
  program("filters, enhancements and operations", [
    py`
      from PIL import ImageChops, ImageEnhance, ImageFilter, ImageOps, ImageStat
      print(ImageOps.invert(image_clue_0).getpixel((1, 1)), ImageOps.mirror(image_clue_0).getpixel((0, 0)), ImageOps.flip(image_clue_0).getpixel((0, 0)))
      print(image_clue_0.filter(ImageFilter.BoxBlur(1)).getpixel((50, 30)), ImageOps.autocontrast(image_clue_0.getchannel(0)).getextrema())
      print(ImageEnhance.Brightness(image_clue_0).enhance(2).getpixel((20, 10)), ImageStat.Stat(image_clue_0).mean)
      print(ImageChops.difference(image_clue_0, image_clue_0).getbbox(), image_clue_0.convert('L').filter(ImageFilter.FIND_EDGES).size)
    `,
    "(253, 252, 195) (190, 0, 60) (0, 189, 60)\n(100, 90, 60) (0, 255)\n(80, 60, 120) [95.0, 94.5, 60.0]\nNone (96, 64)\n",
  ]),
  program("rotate, paste, transparency and thumbnails", [
    py`
      turned = image_clue_0.rotate(90, expand=True)
      print(turned.size, turned.getpixel((0, 0)), image_clue_0.transpose(Image.Transpose.ROTATE_180).getpixel((0, 0)))
      sheet = Image.new('RGBA', (4, 4), (0, 0, 0, 0)); sheet.paste((255, 0, 0, 128), (0, 0, 2, 4))
      print(Image.alpha_composite(Image.new('RGBA', (4, 4), 'white'), sheet).getpixel((0, 0)))
      small = image_clue_0.copy(); small.thumbnail((30, 30)); print(small.size)
      print([band.getextrema() for band in image_clue_0.split()])
    `,
    "(64, 96) (190, 0, 60) (190, 189, 60)\n(255, 127, 127, 255)\n(30, 20)\n[(0, 190), (0, 189), (60, 60)]\n",
  ]),
  program(
    "save and read again over turns",
    [
      py`
        image_clue_0.save('a.png'); image_clue_0.save('a.jpg', quality=95); image_clue_0.save('a.webp', lossless=True)
        image_clue_0.convert('P').save('a.gif'); image_clue_0.save('a.bmp'); image_clue_0.save('a.tiff')
        print('saved')
      `,
      "saved\n",
    ],
    [
      py`
        import os
        for name in sorted(os.listdir('.')):
            if name.startswith('a.'):
                again = Image.open(name); again.load()
                far = np.abs(np.array(again.convert('RGB')).astype(int) - np.array(image_clue_0)).max()
                print(name, again.format, again.size, 'same' if far == 0 else 'near' if far < 64 else far)
      `,
      "a.bmp BMP (96, 64) same\na.gif GIF (96, 64) near\na.jpg JPEG (96, 64) near\na.png PNG (96, 64) same\na.tiff TIFF (96, 64) same\na.webp WEBP (96, 64) same\n",
    ],
  ),
  program("a film strip as animated GIF", [
    py`
      frames = [Image.new('L', (8, 8), 40 * n) for n in range(5)]
      frames[0].save('strip.gif', save_all=True, append_images=frames[1:], duration=50)
      strip = Image.open('strip.gif'); print(strip.n_frames)
      strip.seek(3); print(strip.convert('L').getpixel((0, 0)))
    `,
    "5\n120\n",
  ]),
  program("a mask by colour and the box around it", [
    py`
      a = np.array(image_clue_0)
      mask = (a[..., 0] >= 100) & (a[..., 1] < 30)
      ys, xs = np.where(mask)
      print(mask.sum(), (xs.min(), ys.min(), xs.max(), ys.max()))
      Image.fromarray((mask * 255).astype(np.uint8)).show()
    `,
    // x >= 50: 46 columns; y < 10: 10 rows.
    "460 (np.int64(50), np.int64(0), np.int64(95), np.int64(9))\n",
    "96x64",
  ]),
  program("picture in memory as base64", [
    py`
      import base64, io
      buffer = io.BytesIO(); image_clue_0.save(buffer, format='PNG')
      text = base64.b64encode(buffer.getvalue()).decode()
      back = Image.open(io.BytesIO(base64.b64decode(text)))
      print(text[:8], np.array_equal(back, image_clue_0), back.size)
    `,
    "iVBORw0K True (96, 64)\n",
  ]),
];

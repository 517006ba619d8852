import assert from "node:assert/strict";
import { test } from "node:test";
import { encode } from "fast-png";
import jpeg from "jpeg-js";
import type { RgbImage } from "../../core/image.ts";
import type { ViewImage } from "../../core/trajectory.ts";
import { createCodec } from "../../models/qwen2_5_vl/codec.ts";
import { hashImage, smallTokenizer } from "../../models/qwen2_5_vl/testFixtures.ts";
import { ImageReader } from "./images.ts";
import { RequestError } from "./requestError.ts";

const codec = createCodec(smallTokenizer(), { minPixels: 784, maxPixels: 12_544 });
const uri = (type: string, bytes: Uint8Array): string =>
  `data:image/${type};base64,${Buffer.from(bytes).toString("base64")}`;
const png = ({ width, height, data }: RgbImage): string =>
  uri("png", encode({ width, height, data, channels: 3, depth: 8 }));

function counting(): { reader: ImageReader; views: () => number } {
  let views = 0;
  const viewImage = (image: RgbImage): ViewImage => {
    views++;
    return codec.viewImage(image);
  };
  return { reader: new ImageReader({ viewImage }), views: () => views };
}

test("a PNG becomes what the codec shows of its pixels", () => {
  const image = hashImage(60, 90, 3);
  const { view } = new ImageReader(codec).read(png(image), "p");
  assert.deepEqual(view, codec.viewImage(image));
});

test("a JPEG is decoded, whatever type it claims to be", () => {
  const data = Buffer.alloc(56 * 56 * 4, 200);
  const bytes = jpeg.encode({ width: 56, height: 56, data }, 90).data;
  for (const type of ["jpeg", "png"]) {
    const { view } = new ImageReader(codec).read(uri(type, bytes), "p");
    assert.deepEqual(view.grid, [1, 4, 4]);
    assert.ok(view.pixels.data.every((value) => Math.abs(value - 200) <= 2));
  }
});

test("the same picture is decoded once, and told from others by its digest", () => {
  const { reader, views } = counting();
  const [one, other] = [png(hashImage(56, 56, 1)), png(hashImage(56, 56, 2))];
  const first = reader.read(one, "p");
  assert.equal(reader.read(one, "p").view, first.view);
  assert.notEqual(reader.read(other, "p").digest, first.digest);
  assert.equal(views(), 2);
});

test("of many pictures the ones that were not asked for longest are forgotten", () => {
  const { reader, views } = counting();
  const all = Array.from({ length: 65 }, (_, i) => png(hashImage(28, 28, 5000 * i)));
  for (const url of all) reader.read(url, "p");
  reader.read(all[64] ?? "", "p");
  assert.equal(views(), 65);
  reader.read(all[0] ?? "", "p");
  assert.equal(views(), 66);
});

/** A PNG whose header promises a picture of 30,000 x 30,000. */
function bomb(): Uint8Array {
  const bytes = Buffer.from(encode({ width: 1, height: 1, data: new Uint8Array(3), channels: 3, depth: 8 }));
  bytes.writeUInt32BE(30_000, 16);
  bytes.writeUInt32BE(30_000, 20);
  return bytes;
}

for (const [name, url, rule] of [
  ["an address of the web", "https://example.com/a.png", /must be a data URI .*got "https:.*not fetched/],
  ["a file", "file:///etc/passwd", /must be a data URI/],
  ["another type of data", "data:text/plain;base64,AAAA", /must be a data URI/],
  ["no base64", "data:image/png,abc", /must be a data URI/],
  ["broken base64", "data:image/png;base64,A*==", /must be base64 with its padding/],
  ["nothing", "data:image/png;base64,", /must be base64/],
  ["a GIF", uri("gif", Buffer.from("GIF89a....")), /must be PNG or JPEG/],
  ["a damaged PNG", png(hashImage(28, 28, 1)).slice(0, 62), /is damaged/],
  ["too many pixels", uri("png", bomb()), /is 30000×30000, 900000000 pixels, more than the 64000000/],
  ["a strip", png(hashImage(2010, 10, 1)), /aspect ratio exceeds 200/],
] as const)
  test(`refused by its field: ${name}`, () => {
    assert.throws(
      () => new ImageReader(codec).read(url, "messages[0].content[1].image_url.url"),
      (error: unknown) => {
        assert.ok(error instanceof RequestError);
        assert.equal(error.status, 400);
        assert.match(error.message, rule);
        assert.ok(error.message.length < 250, error.message);
        const { param, code } = error.body.error;
        assert.deepEqual([param, code], ["messages[0].content[1].image_url.url", "invalid_image"]);
        return true;
      },
    );
  });

// What the sibling of every attack does: before it, something of each kind that an attack might spoil; after it, a look
// at all of that.

import type { RgbImage } from "../../core/image.ts";

/** Every session of the suite has it as image_clue_0, as the rollouts of one question have theirs: grey 9, 4 x 4. */
export const SHARED_PICTURE: RgbImage = { width: 4, height: 4, data: new Uint8Array(48).fill(9) };

export const SIBLING_BEFORE = `
import os, math, json
x = 41
open("note.txt", "w").write("mine")
pixels = Image.new("RGB", (8, 8), (10, 20, 30))
picture = None
`;

export const SIBLING_AFTER = `
import threading, time
plt.figure(figsize=(1, 1), dpi=50); plt.plot([1, 2]); plt.close()
done = []
t = threading.Thread(target=done.append, args=(1,)); t.start(); t.join()
print(x + 1, open("note.txt").read(), sorted(f for f in os.listdir(".") if f[0] != "."), done)
print(np.mean([1, 2, 3]), math.sqrt(16), json.dumps([1]), pixels.getpixel((3, 3)), image_clue_0.getcolors(), len("abc"), isinstance(1, int))
`;

export const siblingPrints = `42 mine ['note.txt'] [1]\n2.0 4.0 [1] (10, 20, 30) [(16, (9, 9, 9))] 3 True\n`;

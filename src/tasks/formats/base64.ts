/** What base64 text stands for, line ends in it allowed; undefined when it is none, or empty. */
export function base64Bytes(text: string): Uint8Array | undefined {
  for (const packed of [text, text.replace(/\s+/g, "")]) {
    const bytes = Buffer.from(packed, "base64");
    // Node leaves out what is no base64: then there are fewer bytes than the text stands for.
    if (bytes.length > 0 && bytes.length === Math.floor((packed.replace(/=+$/, "").length * 3) / 4))
      return bytes;
  }
  return undefined;
}

// The marks `<image>` and `<video>` by which data sets say where in a text media belong. Templates place the media
// themselves, so marks at the ends of a question go, and one inside it becomes the name its picture or video has in Python
// ("Compare <image> with <image>" would else lose what it compares).

const LABEL = { image: "image_clue_", video: "video_clue_" } as const;

export function countMarks(text: string, medium: keyof typeof LABEL): number {
  return text.split(`<${medium}>`).length - 1;
}

/** The question without white space and marks at its ends, and with names in place of the marks inside. */
export function cleanQuestion(text: string): string {
  const next = { image: 0, video: 0 };
  const start = /^(?:\s|<image>|<video>)*/.exec(text)?.[0] ?? "";
  for (const medium of ["image", "video"] as const) next[medium] = countMarks(start, medium);
  let end = text.slice(start.length).trimEnd();
  for (let cut = end; ; end = cut) {
    cut = end.replace(/<(?:image|video)>$/, "").trimEnd();
    if (cut === end) break;
  }
  return end.replace(
    /<(image|video)>/g,
    (_, medium: "image" | "video") => `${LABEL[medium]}${next[medium]++}`,
  );
}

// Each way a row can be broken is told with its row; rows next to it stay good.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type CheckOptions, checkTaskFiles, emptySummary } from "./checkTaskFile.ts";
import { png, testFolder, writeTo } from "./testFiles.ts";

const folder = testFolder();
const whole = png(8, 6, [255, 0, 0]);
writeTo(folder, "red.png", whole);
writeTo(folder, "cut.png", whole.subarray(0, 40));
writeTo(folder, "page.jpg", "<html>not found");
const damaged = Buffer.from(whole);
damaged.fill(0, 43, 50); // inside the packed pixels
writeTo(folder, "damaged.png", damaged);
writeTo(folder, "no.mp4", "film");

let id = 0;
const row = (more: object): object => ({
  id: id++,
  question: "Q",
  answer: "A",
  data_source: "vstar",
  image_path: "red.png",
  ...more,
});

function check(
  paths: readonly string[],
  more: Partial<CheckOptions> = {},
): { readonly told: string[]; readonly counts: unknown } {
  const summary = emptySummary();
  const options: CheckOptions = {
    paths,
    grade: ({ answer, truth }) =>
      answer === "?" ? "unknown" : answer === truth && answer !== "E" ? "right" : "wrong",
    maxAnswerChars: 10,
    decode: false,
    ...more,
  };
  const told = [...checkTaskFiles(options, summary)].map(
    (finding) =>
      `${finding.row}${finding.id === undefined ? "" : ` (${finding.id})`}: ` +
      finding.problems.map(({ reason, text }) => `${reason}: ${text.replaceAll(folder, "DIR")}`).join(" | "),
  );
  return { told, counts: summary };
}

test("every reason, with its row", () => {
  const rows = [
    row({}),
    row({ answer: "" }),
    row({ image_path: "none.png" }),
    row({ image_path: "cut.png" }),
    row({ image_path: "page.jpg" }),
    row({ question: "<image> or <image>?" }),
    row({ answer: "E" }),
    row({ answer: "?" }),
    row({ answer: "x".repeat(11) }),
    row({ id: 0 }),
    row({ id: 0, data_source: "other" }),
    row({ image_path: undefined, video_path: "no.mp4" }),
    row({ answer: "E", image_path: ["red.png", "cut.png"] }),
    7,
    row({ image_path: "damaged.png" }),
  ];
  const text = JSON.stringify(rows).replace('"answer":""', '"answer":""x');
  const { told, counts } = check([writeTo(folder, "a.json", `${text.slice(0, -1)},]`)]);
  assert.deepEqual(
    told.map((line) => line.replace(/ \(byte \d+\)/, "")),
    [
      "undefined: malformed: the file has a comma after the last row; take it out",
      "1: malformed: has 'x' where ',' or '}' must stand",
      "2: missingFile: none.png: there is no such file (looked for DIR/none.png)",
      "3 (3): unreadableMedia: cut.png: is cut off: it ends after 40 bytes, before its end marker",
      "4 (4): unreadableMedia: page.jpg: must be PNG or JPEG or WebP, but its content is a web page or SVG",
      "5: marks: has 2 <image> marks in a text for 1 images",
      '6 (6): goldRejected: the right answer is "E", but the grader takes it for wrong',
      '7 (7): goldRejected: the right answer is "?", but the grader cannot tell whether it is right',
      "8 (8): answerTooLong: the right answer has 11 characters; above 10 none earns anything",
      "9 (0): duplicateId: id 0 of vstar is that of row 0 of a.json",
      '11 (11): unreadableMedia: no.mp4: must be a video, but its content is none of them (begins with "film")',
      "12 (12): unreadableMedia: cut.png: is cut off: it ends after 40 bytes, before its end marker | " +
        'goldRejected: the right answer is "E", but the grader takes it for wrong',
      "13: field: must be an object with the fields of a row, got 7",
    ],
  );
  assert.deepEqual(counts, { rows: 15, good: 3, images: 11, videos: 1, kinds: { vstar: 2, other: 1 } });
});

test("decode finds damage that markers do not show", () => {
  const path = writeTo(folder, "b.json", JSON.stringify([row({ image_path: "damaged.png" }), row({})]));
  assert.deepEqual(check([path]).told, []);
  assert.match(
    check([path], { decode: true }).told.join(),
    /^0 .*unreadableMedia: .*damaged\.png: is damaged \(/,
  );
});

test("several files are one set; damage without end is counted", () => {
  const first = writeTo(folder, "c.json", JSON.stringify([row({ id: 5 })]));
  const second = writeTo(folder, "d.jsonl", `${JSON.stringify(row({ id: 5 }))}\n${"x\n".repeat(10_050)}`);
  const { told, counts } = check([first, second]);
  assert.equal(told[0], "undefined: malformed: has 10050 places that are no JSON; the first 10000 are told");
  assert.equal(told[1], "0 (5): duplicateId: id 5 of vstar is that of row 0 of c.json");
  assert.equal(
    told[2],
    "1: malformed: has 'x' where a value must stand (byte 87)".replace(
      "87",
      String(JSON.stringify(row({ id: 5 })).length + 1),
    ),
  );
  assert.match(told[10_051] ?? "", /^10050: malformed: is malformed$/);
  assert.deepEqual(counts, { rows: 10_052, good: 1, images: 2, videos: 0, kinds: { vstar: 1 } });
});

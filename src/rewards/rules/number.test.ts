import assert from "node:assert/strict";
import { test } from "node:test";
import type { Verdict } from "../verdict.ts";
import { gradeNumeric, gradeRelative, type NumberOptions } from "./number.ts";
import { wordsAsNumber } from "./measure.ts";
import { askedUnit, parseUnit, splitUnit } from "./units.ts";

const EXACT: NumberOptions = { relativeTolerance: 0, absoluteTolerance: 0, units: "convert" };
const grade = (answer: string, truth: string, options: Partial<NumberOptions> = {}, question = ""): Verdict =>
  gradeNumeric({ question, answer, truth, kind: "" }, { ...EXACT, ...options });

const right: readonly (readonly [answer: string, truth: string])[] = [
  ["4", "4"],
  ["4.0", "4"],
  [" 4. ", "4"],
  ["four", "4"],
  ["twenty-one", "21"],
  ["1,200", "1200"],
  ["1e3", "1000"],
  ["−3", "-3"],
  ["24/2", "12"],
  ["3/5", "0.6"],
  ["\\frac{3}{5}", "0.6"],
  ["60%", "0.6"],
  ["$12$", "12"],
  ["$12", "12"],
  ["1.5 m", "1.5"],
  ["150 cm", "1.5 m"],
  ["90 min", "1.5 hours"],
  ["36 km/h", "10 m/s"],
  ["1 m^2", "10000 cm²"],
  ["2 liters", "2000 cm^3"],
  ["20 °C", "20 degrees Celsius"],
  ["1:2", "1:2"],
];
for (const [answer, truth] of right)
  test(`right: ${answer} for ${truth}`, () => assert.equal(grade(answer, truth), "right"));

const wrong: readonly (readonly [answer: string, truth: string])[] = [
  ["5", "4"],
  ["-4", "4"],
  ["4 or 5", "4"],
  ["4, 5, 6", "4"],
  ["[4, 5]", "4"],
  ["x > 3", "4"],
  ["4-5", "4"],
  ["4.01", "4"],
  ["1000001", "1000000"],
  ["15 cm", "1.5 m"],
  ["4 kg", "4 m"],
  ["20 °F", "20 °C"],
  ["", "4"],
  ["NaN", "4e0"],
];
for (const [answer, truth] of wrong)
  test(`not right: ${answer} for ${truth}`, () => assert.notEqual(grade(answer, truth), "right"));

test("prose around a number is left open, the counted thing is not prose", () => {
  const question = "How many chairs are in the room?";
  const of = (answer: string): Verdict => grade(answer, "4", {}, question);
  assert.deepEqual(["4 chairs", "four chairs", "4 chair", "5 chairs"].map(of), [
    "right",
    "right",
    "right",
    "wrong",
  ]);
  assert.deepEqual(
    ["about 4", "I count 4", "4 tables", "4 not 5", "4 or 5 chairs", "not 4", "4 chairs or 5"].map(of),
    ["unknown", "unknown", "unknown", "unknown", "unknown", "unknown", "unknown"],
  );
});

test("tolerances: relative and absolute, the larger counts, bounds included", () => {
  const relative = { relativeTolerance: 0.05 };
  assert.deepEqual(
    ["95", "105", "94.9", "105.1"].map((answer) => grade(answer, "100", relative)),
    ["right", "right", "wrong", "wrong"],
  );
  const absolute = { absoluteTolerance: 0.001 };
  assert.deepEqual(
    ["2.0954", "2.0955", "2.0934", "2.0933"].map((answer) => grade(answer, "2.0944", absolute)),
    ["right", "wrong", "right", "wrong"],
  );
  assert.equal(grade("9", "10", { relativeTolerance: 0.01, absoluteTolerance: 1 }), "right");
  assert.equal(grade("5 s", "5 m", { units: "ignore" }), "right");
});

test("a chain of equal numbers is its number, whatever the tolerance", () => {
  const chains: readonly (readonly [answer: string, truth: string])[] = [
    ["1+2=3", "3"],
    ["\\frac{1}{2}=0.5", "0.5"],
    ["24\\pi \\approx 75.4", "24\\pi"],
    ["3 \\times 4 = 12", "12"],
    ["x = 3 \\times 4 = 12", "12"],
    ["1:2", "\\frac12"],
  ];
  for (const [answer, truth] of chains) assert.equal(grade(answer, truth), "right", `${answer} for ${truth}`);
  for (const [answer, truth] of [
    ["1+2=4", "3"],
    ["1+2=4", "4"],
    ["1+2=3", "4"],
    ["1:3", "\\frac12"],
  ] as const)
    assert.equal(grade(answer, truth), "wrong", `${answer} for ${truth}`);
  const relative = { relativeTolerance: 0.05 };
  assert.deepEqual(
    [grade("50 + 48 = 98", "100", relative), grade("50 + 44 = 94", "100", relative)],
    ["right", "wrong"],
  );
});

test("rounded values of the same number are open where no tolerance is set", () => {
  for (const [answer, truth] of [
    ["1/3", "0.33"],
    ["\\pi", "3.14"],
    ["3.14", "\\pi"],
    ["75.4", "24\\pi"],
    ["24\\pi", "75.4"],
    ["-0.33", "-1/3"],
  ] as const)
    assert.equal(grade(answer, truth), "unknown", `${answer} for ${truth}`);
  for (const [answer, truth] of [
    ["1/3", "0.3"], // one digit says little
    ["3.15", "\\pi"],
    ["75.5", "24\\pi"],
    ["3", "\\pi"],
    ["49.0011", "49"],
  ] as const)
    assert.equal(grade(answer, truth), "wrong", `${answer} for ${truth}`);
  assert.equal(grade("3.14", "\\pi", { absoluteTolerance: 0.001 }), "wrong");
});

test("tiny numbers are not zero, and what cancels is", () => {
  assert.deepEqual(
    [
      grade("0", "1.6\\times10^{-19}"),
      grade("1.6e-19", "0"),
      grade("1e-31", "9.1e-31"),
      grade("\\sin \\pi", "0"),
    ],
    ["wrong", "wrong", "wrong", "right"],
  );
  assert.equal(grade("6.02e23", "6.02\\times10^{23}"), "right");
});

test("a letter behind a number may be a symbol; angles and temperatures in another spelling", () => {
  assert.deepEqual(
    [grade("4", "4s"), grade("5A", "5"), grade("4", "4s", {}, "How many seconds?"), grade("3", "4s")],
    ["unknown", "unknown", "right", "wrong"],
  );
  assert.notEqual(grade("2", "2m", {}, "Express it in terms of m."), "right");
  assert.deepEqual([grade("\\frac{\\pi}{6}", "30°"), grade("30°", "\\frac{\\pi}{6}")], ["right", "right"]);
  assert.equal(grade("25 degrees", "25°C", {}, "Which temperature is shown?"), "right");
});

test("the unit that the question asks for is the truth's", () => {
  const question = "What is the distance between the two lamps in meters?";
  assert.deepEqual(
    ["150 cm", "1.5", "1.5 meters", "1.5 cm", "1.5 kg"].map((answer) => grade(answer, "1.5", {}, question)),
    ["right", "right", "right", "wrong", "unknown"],
  );
});

test("mean relative accuracy, after units; a truth in words is compared as words", () => {
  const of = (answer: string, truth: string, least: number): Verdict =>
    gradeRelative({ question: "How wide is the room in meters?", answer, truth, kind: "" }, least);
  assert.deepEqual(
    ["2.8 m", "270 cm", "2.7", "5.3"].map((answer) => of(answer, "4", 0.5)), // errors 0.3, 0.325, 0.325, 0.325
    ["right", "wrong", "wrong", "wrong"],
  );
  assert.deepEqual([of("Left", "left", 0.5), of("2, 4", "4", 0.5)], ["right", "wrong"]);
});

test("units", () => {
  assert.deepEqual(parseUnit("\\mathrm{~cm}^{3}")?.dimension, "m^3");
  assert.ok(Math.abs((parseUnit("cm^3")?.factor ?? 0) - 1e-6) < 1e-18);
  assert.equal(parseUnit("km per hour")?.dimension, "m^1 s^-1");
  assert.ok(Math.abs((parseUnit("km/h")?.factor ?? 0) - 1 / 3.6) < 1e-12);
  assert.equal(parseUnit("square meters")?.dimension, "m^2");
  for (const no of ["chairs", "x", "", "or 5 cm", "M", "cmm", "m/"])
    assert.equal(parseUnit(no), undefined, no);
  assert.deepEqual(
    ["5 cm", "5\\text{ cm}", "60^\\circ", "$5", "5", "12 apples", "2x"].map((text) => splitUnit(text).body),
    ["5", "5", "60", "5", "5", "12 apples", "2x"],
  );
  assert.equal(askedUnit("How long is it in centimeters?")?.factor, 0.01);
  assert.equal(askedUnit("Who came in second place?"), undefined);
  assert.equal(askedUnit("Give it in meters and in feet."), undefined);
  assert.equal(askedUnit("What is the area (m²)?")?.dimension, "m^2");
});

test("numbers in words, and only such", () => {
  const words = ["zero", "nineteen", "forty-two", "one hundred and five", "two thousand", "half"];
  assert.deepEqual(words.map(wordsAsNumber), [0, 19, 42, 105, 2000, 0.5]);
  for (const no of ["one two", "and", "forty fifty", "ten five", "hundred", "one or two", "twenty-one two"])
    assert.equal(wordsAsNumber(no), undefined, no);
});

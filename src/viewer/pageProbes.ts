// Questions that tests put to the page itself. As text: they run there, where the program's own types know nothing.

/** Texts whose colour stands less than 4.5 to 1 against what is behind them, with their ratio. */
export const paleTexts = `(() => {
  const parse = (text) => {
    const parts = (text.match(/[\\d.]+/g) ?? []).map(Number);
    const scale = text.startsWith("color(") ? 255 : 1;
    return [parts[0] * scale, parts[1] * scale, parts[2] * scale, parts[3] ?? 1];
  };
  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
  const light = (rgb) => {
    const [r, g, b] = rgb.slice(0, 3).map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const groundOf = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.unshift(parse(getComputedStyle(at).backgroundColor));
    return layers.reduce((under, top) => over(top, under), [255, 255, 255, 1]);
  };
  const found = [];
  const walker = document.createTreeWalker(document.getElementById("page"), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (walker.currentNode.data.trim() === "" || element.closest(".unseen, .skip, dialog, svg, option, [disabled]")) continue;
    if (element.getClientRects().length === 0) continue;
    const ground = groundOf(element);
    const ink = over(parse(getComputedStyle(element).color), ground);
    const [a, b] = [light(ink), light(ground)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) found.push(ratio.toFixed(2) + " " + element.className + ": " + walker.currentNode.data.slice(0, 30));
  }
  return [...new Set(found)];
})()`;

/** Controls that a screen reader would have no name for. */
export const namelessControls = `[...document.querySelectorAll("button, a[href], input, select, [role=slider], [role=img]")]
  .filter((element) => !element.closest("[aria-hidden=true], dialog:not([open])"))
  .filter((element) => {
    const label = element.labels && [...element.labels].map((each) => each.textContent).join("");
    return ((element.getAttribute("aria-label") ?? "") + (label ?? "") + element.textContent).trim() === "";
  })
  .map((element) => element.outerHTML.slice(0, 80))`;

// The fates of groups and trajectories, in the order they are stacked: what is trained on at the bottom, then what was
// cut, then what was filtered.

export interface FateStyle {
  readonly label: string;
  /** Why, in a sentence. */
  readonly about: string;
  /** CSS variable. */
  readonly colour: string;
}

const styles: Readonly<Record<string, FateStyle>> = {
  trained: { label: "trained", about: "The update was made from it.", colour: "--fate-trained" },
  rankCut: {
    label: "rank cut",
    about: "It survived the filters, but enough others had a larger spread of rewards.",
    colour: "--fate-rank",
  },
  allRight: {
    label: "all right",
    about: "Every judged answer was right: accuracy has no variance, so there is nothing to prefer.",
    colour: "--fate-right",
  },
  allWrong: {
    label: "all wrong",
    about: "Every judged answer was wrong: accuracy has no variance, so there is nothing to prefer.",
    colour: "--fate-wrong",
  },
  constantReward: {
    label: "constant reward",
    about: "Total rewards have no variance, although accuracy does.",
    colour: "--fate-constant",
  },
  undecided: {
    label: "undecided",
    about: "Whether the answer is right could not be told, so it is left out and never counted wrong.",
    colour: "--fate-undecided",
  },
  nothingLeft: {
    label: "nothing left",
    about: "Every trajectory of the group was broken.",
    colour: "--fate-nothing",
  },
  stale: {
    label: "too old",
    about: "The policy had been updated more often since it began than train.maxStaleness allows.",
    colour: "--fate-stale",
  },
};

const groupOrder = Object.keys(styles);

const reasons: Readonly<Record<string, string>> = {
  answered: "ended with an answer",
  turnLimit: "the last allowed turn still called the tool",
  turnTokenLimit: "a turn was cut by its own token limit",
  contextLimit: "the next turn or observation would not fit into the context",
  imageLimit: "an observation would exceed the number of images",
  noAction: "a turn held neither code nor an answer",
  pythonError: "the configuration ends episodes at a Python error",
  sandboxFailure: "our own sandbox failed",
  imageMismatch: "image placeholders do not fit the image's grid",
  noSampledTokens: "no token was sampled",
};

export function fateStyle(fate: string): FateStyle {
  return (
    styles[fate] ?? {
      label: words(fate) === "" ? "not known" : words(fate),
      about: `Broken, so it was taken out of its group: ${reasons[fate] ?? words(fate)}.`,
      colour: "--fate-broken",
    }
  );
}

export function endReasonText(end: string): string {
  return reasons[end] ?? words(end);
}

/** For sorting; broken members come last. */
export function fateRank(fate: string): number {
  const at = groupOrder.indexOf(fate);
  return at < 0 ? groupOrder.length : at;
}

/** `turnTokenLimit` → `turn token limit`. */
export function words(name: string): string {
  return name.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
}

// Type-checked lint for the program, and the direction of imports between the rooms of src/ while one types.
// src/architecture.test.ts proves the same direction on resolved paths, and that no files import each other in a circle.
import { readFileSync } from "node:fs";
import js from "@eslint/js";
import tseslint from "typescript-eslint";

/** Ground floor first: a room imports only from itself and from rooms before it. */
const ROOMS = JSON.parse(readFileSync(new URL("scripts/rooms.json", import.meta.url), "utf8"));

const NODE_GLOBALS = {
  process: "readonly",
  URL: "readonly",
  setInterval: "readonly",
  clearInterval: "readonly",
};

const importDirection = ROOMS.slice(0, -1).map((room, floor) => {
  const upstairs = ROOMS.slice(floor + 1);
  return {
    files: [`src/${room}/**/*.ts`],
    rules: {
      "@typescript-eslint/no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              regex: `^(\\.\\./)+(${upstairs.join("|")})/`,
              message: `src/${room} may import only from ${["itself", ...ROOMS.slice(0, floor)].join(", ")}: move what is shared down, or pass it in.`,
            },
          ],
        },
      ],
    },
  };
});

export default tseslint.config(
  {
    ignores: ["node_modules/", ".venv*/", "runs/", "dist/", "**/*.d.ts"],
  },
  {
    files: ["src/**/*.ts", "bench/**/*.ts", "scripts/**/*.ts", "examples/**/*.ts", "web/**/*.{ts,tsx}"],
    extends: [js.configs.recommended, ...tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "separate-type-imports" }],
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-floating-promises": [
        "error",
        // node:test collects what test() and its like return.
        {
          allowForKnownSafeCalls: [
            { from: "package", package: "node:test", name: ["test", "it", "describe", "suite"] },
          ],
        },
      ],
      "@typescript-eslint/no-misused-promises": "error",
      // It takes `a[i] ?? (b[i] as T)` for unnecessary, and its fix does not compile.
      "@typescript-eslint/no-unnecessary-type-assertion": "off",
      "@typescript-eslint/no-unused-vars": [
        "error",
        { argsIgnorePattern: "^_", varsIgnorePattern: "^_", ignoreRestSiblings: true },
      ],
      "@typescript-eslint/prefer-readonly": "error",
      // A contract's method is async so that its errors reject, whether or not this implementation waits for anything.
      "@typescript-eslint/require-await": "off",
      "@typescript-eslint/return-await": ["error", "in-try-catch"],
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      // Records of functions are taken apart here; nothing in them reads `this`.
      "@typescript-eslint/unbound-method": "off",
      // Identifiers such as rewards_P_G carry their axes.
      camelcase: "off",
      eqeqeq: "error",
      "no-console": "error",
      // Terminal escapes and XML's forbidden characters are matched by their codes.
      "no-control-regex": "off",
      "prefer-const": "error",
    },
  },
  {
    files: ["bench/**/*.ts", "examples/**/*.ts"],
    rules: { "no-console": "off" },
  },
  {
    files: ["**/*.mjs", "**/*.js"],
    extends: [js.configs.recommended],
    languageOptions: { globals: NODE_GLOBALS },
    rules: { eqeqeq: "error", "no-console": "error", "prefer-const": "error" },
  },
  ...importDirection,
);

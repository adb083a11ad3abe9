import jsxA11y from "eslint-plugin-jsx-a11y";
import reactHooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["node_modules", "src/api/schema.d.ts", "e2e/output", "public"] },
  ...tseslint.configs.strict,
  jsxA11y.flatConfigs.recommended,
  reactHooks.configs.flat["recommended-latest"],
  {
    rules: {
      eqeqeq: ["error", "always", { null: "ignore" }],
      "no-console": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "@typescript-eslint/consistent-type-imports": "error",
      // noUncheckedIndexedAccess makes every read of a typed array `number | undefined`; where the
      // loop bounds prove the index, `!` says so and costs nothing.
      "@typescript-eslint/no-non-null-assertion": "off",
      // `role` of our own components is the part a model plays, not an ARIA role.
      "jsx-a11y/aria-role": ["error", { ignoreNonDOM: true }],
      // The page is not built with the React Compiler; its other rules are kept for their own sake.
      "react-hooks/preserve-manual-memoization": "off",
      // Focusable scroll areas and figures are keyboard stops on purpose.
      "jsx-a11y/no-noninteractive-tabindex": "off",
    },
  },
  { files: ["e2e/**", "scripts/**"], rules: { "no-console": "off" } },
);

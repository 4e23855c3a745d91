// What the real page and the one with the made-up server are built with.
import { readdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

// shared is the part of Vite's configuration that both have.
export const shared = {
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2023",
    // Nothing inline: the page's Content-Security-Policy is 'self' for scripts
    // and styles.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      // virtua says "use client", to which nobody here listens.
      onwarn: (warning, warn) => warning.code === "MODULE_LEVEL_DIRECTIVE" || warn(warning),
    },
  },
  resolve: {
    alias: {
      "@parley/sdk": here("../../sdk/src/index.ts"),
      "react/jsx-runtime": "preact/jsx-runtime",
      "react-dom": "preact/compat",
      react: "preact/compat",
    },
  },
};

// clean empties dist before a build, all but its .gitignore: Go embeds the
// folder, so a checkout has to bring it along, and Vite would delete the file.
export function clean() {
  const dist = here("../dist");
  return {
    name: "clean",
    apply: "build",
    buildStart() {
      for (const name of readdirSync(dist)) if (name !== ".gitignore") rmSync(`${dist}/${name}`, { recursive: true });
    },
  };
}

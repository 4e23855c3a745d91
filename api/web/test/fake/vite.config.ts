import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { shared } from "../../build/pages.mjs";

// The page with a made-up server, to look at it: npm run fake. Built and
// previewed it is under the same Content-Security-Policy as the real one.
export default defineConfig({
  ...shared,
  root: fileURLToPath(new URL(".", import.meta.url)),
  publicDir: fileURLToPath(new URL("../../public", import.meta.url)),
  build: { ...shared.build, outDir: fileURLToPath(new URL("../../node_modules/.fake", import.meta.url)), emptyOutDir: true },
  preview: {
    port: 4173,
    headers: {
      "Content-Security-Policy":
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    },
  },
});

import { defineConfig } from "vite";
import { clean, shared } from "./build/pages.mjs";

// dist is emptied by clean, which leaves its .gitignore.
export default defineConfig({ ...shared, plugins: [clean()], build: { ...shared.build, emptyOutDir: false } });

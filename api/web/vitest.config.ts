import { defineConfig } from "vitest/config";
import { shared } from "./build/pages.mjs";

export default defineConfig({ ...shared, test: { environment: "happy-dom", include: ["test/**/*.test.ts"] } });

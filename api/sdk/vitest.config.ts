import { defineConfig } from 'vitest/config';

// Hours pass in some tests, in steps of two seconds.
export default defineConfig({ test: { testTimeout: 60_000 } });

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Hours pass in some tests, in steps of two seconds.
    testTimeout: 60_000,
    // Node 20 has a WebSocket, but hides it.
    execArgv: ['--experimental-websocket'],
  },
});

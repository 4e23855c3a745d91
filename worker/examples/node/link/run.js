// The program around a worker: flags, variables, signals.
import { configOf, usage } from './config.js';
import { Worker } from './worker.js';

const GRACE_MS = 1000; // for handlers that go on although their conns are gone

// run serves handler until SIGTERM or SIGINT, or until an operator asks by a gateway; then
// it drains and resolves. A signal while it drains ends it at once, a mistake in the flags
// with 2.
export async function run(handler) {
  let config;
  try {
    config = configOf(process.argv.slice(2), process.env);
    if (!config) return void process.stdout.write(usage);
  } catch (err) {
    process.stderr.write(`${err.message}\n\n${usage}`);
    process.exit(2);
  }
  const worker = new Worker(config, handler);
  const leave = () => (worker.draining ? process.exit(1) : worker.leave());
  for (const name of ['SIGTERM', 'SIGINT']) process.on(name, leave);
  await worker.told;
  await worker.drain(config.drainMs);
  setTimeout(() => process.exit(0), GRACE_MS).unref(); // only if something keeps it alive
}

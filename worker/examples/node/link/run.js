// The program around a worker: flags, variables, signals.
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { unguarded } from './handshake.js';
import { Worker } from './worker.js';

const DRAIN_MS = 20_000;
const MIN_SECRET_BYTES = 16;

const usage = `usage: node main.js [flags]

  --register HOST:PORT,…  registers of the cluster (default 127.0.0.1:1236; PARLEY_REGISTER)
  --cluster NAME          name of the cluster (default parley; PARLEY_CLUSTER)
  --name NAME             name of this process, unique in the cluster (default host name and process id; PARLEY_NAME)
  --label KEY=VALUE       a fact for gateways that pick workers, such as path=/chat; as often as needed
  --secret-file FILE      secrets of the cluster, the current one first (or PARLEY_SECRET has them)
`;

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
  await worker.drain(DRAIN_MS);
}

// configOf reads flags and variables; null: the help is wanted. It throws an Error that
// names everything wrong.
export function configOf(args, env) {
  const { values } = parseArgs({
    args,
    options: {
      register: { type: 'string', default: env.PARLEY_REGISTER || '127.0.0.1:1236' },
      cluster: { type: 'string', default: env.PARLEY_CLUSTER || 'parley' },
      name: { type: 'string', default: env.PARLEY_NAME || `${hostname()}-${process.pid}` },
      label: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', short: 'h' },
      'secret-file': { type: 'string', default: env.PARLEY_SECRET_FILE || '' },
    },
  });
  if (values.help) return null;
  const wrong = [];
  const registers = values.register.split(',').map((addr) => addr.trim());
  const secrets = secretsOf(values['secret-file'], env.PARLEY_SECRET ?? '', wrong);
  for (const addr of registers) {
    if (!/^.+:\d+$/.test(addr)) wrong.push(`--register: ${JSON.stringify(addr)} is not host:port`);
    else if (unguarded(addr, secrets)) wrong.push(`--register: ${unguarded(addr, secrets)}`);
  }
  const labels = {};
  for (const label of values.label) {
    const [, key, value] = /^([^=]+)=(.*)$/.exec(label) ?? [];
    if (key) labels[key] = value;
    else wrong.push(`--label: ${JSON.stringify(label)} is not KEY=VALUE`);
  }
  if (wrong.length) throw new Error(wrong.join('\n'));
  return { registers, cluster: values.cluster, node: values.name, secrets, labels };
}

// secretsOf never shows a secret in what is wrong with it.
function secretsOf(file, variable, wrong) {
  if (file && variable) wrong.push('--secret-file, PARLEY_SECRET: both are set; keep one');
  if (!file && !variable) return [];
  let words = variable;
  try {
    if (file) words = readFileSync(file, 'utf8');
  } catch (err) {
    wrong.push(`--secret-file: ${err.message}`);
    return [];
  }
  const secrets = words.split(/\s+/).filter(Boolean);
  if (secrets.length === 0) wrong.push('--secret-file: there is no secret in it');
  secrets.forEach((secret, i) => {
    const bytes = Buffer.byteLength(secret);
    if (bytes < MIN_SECRET_BYTES) wrong.push(`secret ${i + 1} has ${bytes} bytes, at least ${MIN_SECRET_BYTES} are needed`);
  });
  return secrets;
}

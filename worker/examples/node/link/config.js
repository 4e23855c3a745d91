// What a worker is told by flags and variables.
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { unguarded } from './handshake.js';

const MIN_SECRET_BYTES = 16;

export const usage = `usage: node main.js [flags]

  --register HOST:PORT,…  registers of the cluster (default 127.0.0.1:1236)
  --cluster NAME          name of the cluster (default parley)
  --name NAME             name of this process, unique in the cluster (default host name and process id)
  --label KEY=VALUE       a fact for gateways that pick workers, such as path=/chat; as often as needed
  --secret-file FILE      secrets of the cluster, the current one first (or the variable PARLEY_SECRET)
  --tls-ca, --tls-cert, --tls-key FILE
                          PEM files for TLS towards registers and gateways
  --drain-timeout TIME    until conns that are not given back are left behind (default 20s)

Each but --label has a variable: --secret-file is PARLEY_SECRET_FILE.
`;

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
      'tls-ca': { type: 'string', default: env.PARLEY_TLS_CA || '' },
      'tls-cert': { type: 'string', default: env.PARLEY_TLS_CERT || '' },
      'tls-key': { type: 'string', default: env.PARLEY_TLS_KEY || '' },
      'drain-timeout': { type: 'string', default: env.PARLEY_DRAIN_TIMEOUT || '20s' },
      help: { type: 'boolean', short: 'h' },
      'secret-file': { type: 'string', default: env.PARLEY_SECRET_FILE || '' },
    },
  });
  if (values.help) return null;
  const wrong = [];
  const registers = values.register.split(',').map((addr) => addr.trim());
  const secrets = secretsOf(values['secret-file'], env.PARLEY_SECRET ?? '', wrong);
  const tls = tlsOf(values, wrong);
  const drainMs = durationOf(values['drain-timeout']);
  if (drainMs === null) wrong.push(`--drain-timeout: ${JSON.stringify(values['drain-timeout'])} is no time such as 20s`);
  for (const addr of registers) {
    if (!/^.+:\d+$/.test(addr)) wrong.push(`--register: ${JSON.stringify(addr)} is not host:port`);
    else if (unguarded(addr, secrets, tls)) wrong.push(`--register: ${unguarded(addr, secrets, tls)}`);
  }
  const labels = {};
  for (const label of values.label) {
    const [, key, value] = /^([^=]+)=(.*)$/.exec(label) ?? [];
    if (key) labels[key] = value;
    else wrong.push(`--label: ${JSON.stringify(label)} is not KEY=VALUE`);
  }
  if (wrong.length) throw new Error(wrong.join('\n'));
  return { registers, cluster: values.cluster, node: values.name, secrets, tls, labels, drainMs };
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

// tlsOf reads the PEM files; null: none is named.
function tlsOf({ 'tls-ca': ca, 'tls-cert': cert, 'tls-key': key }, wrong) {
  if ((cert === '') !== (key === '')) wrong.push('--tls-cert, --tls-key: one is of no use without the other');
  const files = Object.entries({ ca, cert, key }).filter(([, file]) => file !== '');
  if (files.length === 0) return null;
  const tls = {};
  for (const [name, file] of files) {
    try {
      tls[name] = readFileSync(file);
    } catch (err) {
      wrong.push(`--tls-${name}: ${err.message}`);
    }
  }
  return tls;
}

// durationOf reads 300ms, 20s or 2m; null: it is none.
function durationOf(text) {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text) ?? [];
  return unit ? Number(number) * { ms: 1, s: 1000, m: 60_000 }[unit] : null;
}

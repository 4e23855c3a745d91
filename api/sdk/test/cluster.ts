// A whole Parley of real processes, on free ports of this machine.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Cluster is a register, gateways, workers, and an api. */
export class Cluster {
  readonly folder = mkdtempSync(join(tmpdir(), 'parley-sdk-'));
  readonly processes = new Map<string, ChildProcess>();
  readonly again = new Map<string, () => void>();
  api = '';
  private readonly bin: string;
  private said = '';

  constructor(bin: string) {
    this.bin = bin;
  }

  /** start starts all of it and waits until the api knows a gateway and a worker. */
  async start(accessLasts: string): Promise<void> {
    const [register, api, ...rest] = await ports(8);
    const join = [`--register=127.0.0.1:${register}`];
    this.api = `http://127.0.0.1:${api}`;
    this.run('register', 'register', [`--listen=127.0.0.1:${register}`]);
    for (const i of [0, 1]) {
      this.run(`gateway-${i}`, 'gateway', [
        ...join,
        `--listen=127.0.0.1:${rest[2 * i]}`,
        `--link-listen=127.0.0.1:${rest[2 * i + 1]}`,
        '--text-ping={"jsonrpc":"2.0","method":"ping"}',
        '--ping-interval=2s',
      ]);
    }
    for (const i of [0, 1]) {
      this.run(`worker-${i}`, 'worker', [
        ...join,
        `--database=sqlite:${this.folder}/chat.db`,
        `--access-lasts=${accessLasts}`,
        '--heartbeat=2s',
        '--guests',
      ]);
    }
    this.run('api', 'api', [...join, `--listen=127.0.0.1:${api}`, `--files=${this.folder}/files`]);
    for (const end = Date.now() + 60_000; ; await wait(200)) {
      const [a, b] = await Promise.all([fetch(`${this.api}/v1/gateways`), this.post('getServer')]).catch(() => []);
      if (a?.ok && b?.ok && ((await a.json()) as { gateways: unknown[] }).gateways.length === 2) return;
      if (Date.now() > end) throw new Error(`the cluster does not come up:\n${this.said.slice(-4000)}`);
    }
  }

  private post(method: string): Promise<Response> {
    return fetch(`${this.api}/v1/${method}`, { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } });
  }

  private run(name: string, role: string, flags: string[]): void {
    const start = () => {
      const p = spawn(join(this.bin, `parley-${role}`), [`--name=${name}`, ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
      const hear = (b: Buffer) => {
        this.said = (this.said + b).slice(-100_000);
      };
      p.stdout.on('data', hear);
      p.stderr.on('data', hear);
      p.on('error', (e) => hear(Buffer.from(String(e))));
      this.processes.set(name, p);
    };
    this.again.set(name, start);
    start();
  }

  /** kill ends a process without a word. */
  async kill(name: string): Promise<void> {
    const p = this.processes.get(name)!;
    const gone = new Promise((done) => p.once('exit', done));
    p.kill('SIGKILL');
    await gone;
  }

  async stop(): Promise<void> {
    for (const name of this.processes.keys()) if (this.processes.get(name)?.exitCode === null) await this.kill(name);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** wait lets real time pass between two looks at something. */
export const wait = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** real waits, in real time, until something holds. */
export async function real(holds: () => boolean, within = 30_000): Promise<void> {
  for (const end = Date.now() + within; !holds(); await wait(20)) {
    if (Date.now() > end) throw new Error(`it did not come to hold within ${within} ms: ${holds}`);
  }
}

async function ports(n: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: n }, () => {
      const s = createServer();
      return new Promise<typeof s>((done) => s.listen(0, '127.0.0.1', () => done(s)));
    }),
  );
  const found = servers.map((s) => (s.address() as { port: number }).port);
  await Promise.all(servers.map((s) => new Promise((done) => s.close(done))));
  return found;
}

// WebSocket and fetch, as the client sees them, with the chat in memory at the other end.

import type { ChatServer, Conn } from './server.ts';

const delay = 5; // ms, each way

/** socketTo makes a WebSocket class whose sockets end at a server. */
export function socketTo(server: ChatServer): typeof WebSocket {
  class FakeSocket {
    onopen: (() => void) | null = null;
    onmessage: ((e: { data: string }) => void) | null = null;
    onclose: ((e: { code: number; reason: string }) => void) | null = null;
    readonly protocol = 'parley.v1.json';
    private conn: Conn;
    private over = false;

    constructor(url: string) {
      this.conn = {
        url,
        user: '',
        access: '',
        opened: new Set(),
        write: (frame) => {
          const data = JSON.stringify(frame);
          if (!server.deaf) setTimeout(() => !this.over && !server.deaf && this.onmessage?.({ data }), delay);
        },
        close: (code, reason) => {
          server.conns.delete(this.conn);
          setTimeout(() => this.end(code, reason), delay);
        },
      };
      setTimeout(() => {
        if (server.hung.has(url) || server.deaf || this.over) return;
        if (server.down.has(url)) return this.end(1006, '');
        server.conns.add(this.conn);
        this.onopen?.();
      }, delay);
    }

    send(data: string): void {
      if (this.over || server.deaf) return;
      setTimeout(() => {
        if (server.deaf || !server.conns.has(this.conn)) return;
        const { id, method, params } = JSON.parse(data);
        const answer = server.carryOut(method, params, this.conn);
        if (answer === 'silent') return;
        if ('result' in answer) return this.conn.write({ jsonrpc: '2.0', id, result: answer.result });
        const { reason, temporary, retryAfterMs } = answer.error;
        this.conn.write({
          jsonrpc: '2.0',
          id,
          error: { code: -32000, message: 'no', data: { reason, temporary, retryAfterMs } },
        });
      }, delay);
    }

    close(): void {
      this.over = true;
      server.conns.delete(this.conn);
    }

    private end(code: number, reason: string): void {
      if (this.over) return;
      this.over = true;
      this.onclose?.({ code, reason });
    }
  }
  return FakeSocket as unknown as typeof WebSocket;
}

/** fetchFrom makes a fetch that asks a server. */
export function fetchFrom(server: ChatServer): typeof fetch {
  return (async (url: string, init: RequestInit = {}) => {
    await new Promise((done) => setTimeout(done, delay));
    if (server.apiDown || server.deaf) throw new TypeError('fetch failed');
    const path = new URL(url).pathname;
    const bearer = new Headers(init.headers).get('Authorization')?.slice('Bearer '.length);
    if (path === '/v1/gateways') return Response.json({ gateways: server.gateways.map((g) => ({ url: g })) });
    if (path.startsWith('/v1/images/')) return image(server, path, init, bearer);
    const answer = server.carryOut(path.slice('/v1/'.length), JSON.parse(String(init.body)), undefined, bearer);
    if (answer === 'silent') throw new TypeError('fetch failed');
    if ('result' in answer) return Response.json(answer.result);
    const status = answer.error.reason === 'UNAUTHENTICATED' ? 401 : answer.error.temporary ? 503 : 400;
    return Response.json({ error: { ...answer.error, message: 'no' } }, { status });
  }) as typeof fetch;
}

function image(server: ChatServer, path: string, init: RequestInit, bearer: string | undefined): Response {
  const answer = server.carryOut(init.method === 'POST' ? 'uploadImage' : 'getImage', { path }, undefined, bearer);
  if (answer === 'silent') throw new TypeError('fetch failed');
  if ('error' in answer && answer.error.reason !== 'UNIMPLEMENTED') {
    return Response.json({ error: { ...answer.error, message: 'no' } }, { status: 400 });
  }
  if (init.method === 'POST') return Response.json({ ticket: `ticket-${path}` });
  const type = path.endsWith('/666') ? 'text/html' : 'image/png';
  return new Response(new Uint8Array([1, 2, 3]), { headers: { 'Content-Type': type } });
}

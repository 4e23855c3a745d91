// The client of the chat for browsers: docs/protocol.md, done.
//
//     const client = new Client();
//     client.on('state', (s) => show(s));
//     client.on('conversations', () => list(client.conversations()));
//     client.on('lines', (id) => draw(client.lines(id)));
//     await client.start();
//     if (!client.me) await client.signIn('liubei', '…');
//     await client.open(id);
//     client.send(id, 'hello');
//
// What it answers for: one socket per tab, made again by itself and elsewhere; every message
// once and in order; one request id per message, kept in storage until it is answered, so
// that a lost answer or a closed tab neither loses nor doubles it; one refresh of the
// tokens over all tabs; no trust in this machine's clock; bounded memory.
//
// What it will not do: keep messages after the tab (they are fetched again), keep a picture
// that was not uploaded yet, make HTML, log, or load anything from a third party.
//
// What the files answer for: socket one WebSocket and its calls; link which gateway and
// when; session the tokens; sync heads and cursor; window the lines of one conversation,
// conversation its levels, book all of them; repair what is missing; outbox what is unsent;
// take where what comes goes. They know each other by parts.

export type * from './chat.ts';
export { Client } from './client.ts';
export { ParleyError } from './error.ts';
export type * from './model.ts';

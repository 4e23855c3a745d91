// A worker without a line of Go: echo and a group chat. Its lines on the wire:
//
//	enter G      the conn is in group G, and hears "entered G"
//	say G TEXT   everybody in G, on any gateway and whoever serves them, hears "G: TEXT"
//	anything     the answer is "Server: anything"
import { run } from './link/run.js';

await run({
  async onMessage(conn, message, { signal }) {
    if (message.binary) return; // not a text: no answer
    const [verb, group, ...words] = message.text.split(' ');
    switch (verb) {
      case 'enter':
        await conn.join(group);
        conn.reply(`entered ${group}`);
        break;
      case 'say': {
        // Named after the frame, so that it is heard once though it may be handled twice;
        // awaited, because what a worker still has to send dies with it.
        const once = `${conn.id} ${message.seq}`;
        await conn.sender.toGroup(group, `${group}: ${words.join(' ')}`, { once, signal });
        break;
      }
      default:
        conn.reply(`Server: ${message.text}`);
    }
  },
});

// A worker for the tests: it does everything that a conn and the sender can.
import { run } from '../link/run.js';

const text = (what) => JSON.stringify(what);

await run({
  async onOpen(conn) {
    const query = new URLSearchParams(conn.facts.query);
    if (query.has('throw')) throw new Error('a handler that fails');
    if (query.has('refuse')) return conn.refuse(Number(query.get('refuse')), 'not you');
    await conn.bind(query.get('user') ?? '');
    await conn.join('all', 'hall');
    conn.setSession('0');
    if (query.has('protocol')) conn.choose(query.get('protocol'));
    conn.reply(`welcome ${conn.id}`);
  },

  async onMessage(conn, message) {
    const [verb, to, ...words] = message.text.split(' ');
    const what = words.join(' ');
    if (message.binary) return conn.reply(Buffer.from(message.payload).reverse());
    switch (verb) {
      case 'count':
        conn.setSession(String(Number(conn.session) + 1));
        return conn.reply(String(conn.session));
      case 'who':
        return conn.reply(text({ user: conn.user, groups: [...conn.groups].sort(), path: conn.facts.path, protocol: conn.facts.subprotocol }));
      case 'enter':
        await conn.join(to);
        return conn.reply(`entered ${to}`);
      case 'bind':
        return conn.bind(to);
      case 'unbind':
        return conn.unbind();
      case 'leave':
        return conn.leave(to);
      case 'user':
        return conn.reply(text(await conn.sender.toUser(to, what)));
      case 'conn':
        return conn.reply(text(await conn.sender.toConn(to, what)));
      case 'others':
        return conn.reply(text(await conn.sender.toAll(to, { except: [conn.id] })));
      case 'close':
        conn.reply('bye');
        return conn.close(Number(to), what);
      case 'large':
        return conn.setSession(Buffer.alloc(Number(to)));
      case 'poison': // whoever handles it dies
        return process.kill(process.pid, 'SIGKILL');
      case 'hang':
        if (message.redelivered) return conn.reply('handled again');
        await conn.sender.toConn(conn.id, 'it hangs');
        return new Promise(() => {});
      case 'fail':
        conn.reply('before it failed');
        throw new Error('a handler that fails');
      default:
        return conn.reply(`Server: ${message.text}`);
    }
  },

  async onClose(conn, close) {
    await conn.sender.toGroup('hall', text({ user: conn.user, session: String(conn.session), code: close.code, reason: close.reason, by: close.by }));
  },
});

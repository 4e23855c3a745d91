// One line per event for operators, on stderr: time, level, message, facts.
const quoted = (v) => (/^[\w./:@-]+$/.test(v) ? v : JSON.stringify(v));

function line(level, message, facts = {}) {
  const rest = Object.entries(facts).map(([key, value]) => ` ${key}=${quoted(String(value?.message ?? value))}`);
  process.stderr.write(`time=${new Date().toISOString()} level=${level} msg=${quoted(message)}${rest.join('')}\n`);
}

export const log = {
  info: (message, facts) => line('INFO', message, facts),
  warn: (message, facts) => line('WARN', message, facts),
  error: (message, facts) => line('ERROR', message, facts),
};

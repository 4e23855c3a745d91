// How long to wait before dialling again: longer each time, and never everybody at once.
export const pause = (attempt, most = 2000, first = 50) => {
  const full = Math.min(most, first * 2 ** Math.min(attempt, 10));
  return full / 2 + (Math.random() * full) / 2;
};

// sleep resolves after ms, or when signal aborts.
export const sleep = (ms, signal) =>
  new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done);
    function done() {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    }
  });

// within rejects when promise takes longer than ms. The promise itself goes on.
export async function within(promise, ms, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

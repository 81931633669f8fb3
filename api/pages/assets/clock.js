// The server's clock, learnt from its answers, so that a wrong clock here shows no wrong deadline.

const NOTABLE = 2_000;

let offset = 0;

/** Takes the server's clock from an answer's Date header. */
export function learnClock(date) {
  const server = date ? Date.parse(date) : Number.NaN;
  if (Number.isNaN(server)) return;
  const difference = server - Date.now();
  offset = Math.abs(difference) < NOTABLE ? 0 : difference;
}

/** Milliseconds since the epoch by the server's clock. */
export function now() {
  return Date.now() + offset;
}

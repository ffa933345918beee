/**
 * Seconds to wait before the attempt-th reconnect: full jitter under 1, 2, 4 ... 30 s, so that the browsers of a
 * whole site do not come back in one moment.
 */
export function reconnectDelay(attempt, random = Math.random) {
  const ceiling = Math.min(30, 2 ** Math.max(0, attempt));
  return 0.1 + random() * (ceiling - 0.1);
}

/** Resolves after `milliseconds`; rejects with the signal's reason when it is aborted first. */
export function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', stop, { once: true });
  });
}

/** Exponential, from `first` to at most `most` ms, with up to a half added so that clients spread. */
export function backoff(attempt: number, first = 500, most = 30_000): number {
  return Math.min(most, first * 2 ** attempt) * (1 + Math.random() / 2);
}

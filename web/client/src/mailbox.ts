/** A queue between callbacks and one reader. */
export class Mailbox<T> {
  private items: T[] = [];
  private wake: (() => void) | undefined;

  put(item: T): void {
    this.items.push(item);
    this.wake?.();
  }

  /** The next item, or undefined after `milliseconds` without one or when `signal` is aborted. */
  async take(milliseconds: number, signal?: AbortSignal): Promise<T | undefined> {
    if (!this.items.length && milliseconds > 0 && !signal?.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
        signal?.addEventListener('abort', this.wake, { once: true });
      });
      if (this.wake) signal?.removeEventListener('abort', this.wake);
      this.wake = undefined;
    }
    return this.items.shift();
  }
}

import { DarkroomError, RefusedError } from './errors.ts';
import { Mailbox } from './mailbox.ts';
import { isSettled } from './model.ts';
import type { JobDocument } from './model.ts';
import { openJobSocket } from './socket.ts';
import type { JobSocket } from './socket.ts';
import { backoff } from './time.ts';

/** How the job is heard of at the moment. */
export type Connection = 'websocket' | 'polling' | 'none';

export type FollowEvent =
  | { type: 'progress'; document: JobDocument; via: 'websocket' | 'polling' }
  /** `error` says why there is no connection. */
  | { type: 'connection'; connection: Connection; error?: DarkroomError }
  /** Nothing has changed for `silence` ms. Go on iterating to go on waiting. */
  | { type: 'stalled'; silence: number };

/** All in milliseconds. */
export interface Pace {
  /** Between two polls while there is no WebSocket. */
  poll: number;
  /** Silence on the WebSocket after which the job is polled: a lost message delays, never hangs. */
  quiet: number;
  /** Time without progress until `stalled`. */
  stalled: number;
  /** The first wait before the WebSocket is opened again; doubled each time, up to the second. */
  reconnect: number;
  reconnectMost: number;
  /** Time a WebSocket may take to open. */
  openWithin: number;
  /** Between two pings: API Gateway closes a WebSocket that is idle for ten minutes. */
  ping: number;
}

export const PACE: Pace = {
  poll: 2_000,
  quiet: 5_000,
  stalled: 120_000,
  reconnect: 500,
  reconnectMost: 30_000,
  openWithin: 5_000,
  ping: 60_000,
};

/** A timer that fires this much too late means that the computer slept. */
const SLEPT = 10_000;

export interface FollowOptions {
  signal?: AbortSignal | undefined;
  pace?: Partial<Pace>;
  /** The newest sequence the caller knows; only newer documents are reported. */
  after?: number;
  WebSocket?: typeof WebSocket | undefined;
}

export interface Followed {
  jobId: string;
  token: string;
  /** Empty to poll only. */
  websocketUrl: string;
  /** Asks for the document once. */
  progress: (signal?: AbortSignal) => Promise<JobDocument>;
}

type News = { type: 'open' } | { type: 'close' } | { type: 'document'; document: JobDocument };

/**
 * Yields each newer document of a job until it is settled: by WebSocket, and by polling wherever
 * that is not enough.
 *
 * Documents arrive out of order and more than once; only those whose `sequence` is newer are
 * reported. Throws RefusedError when the service refuses to tell (the job is gone, the token is
 * wrong), and the signal's reason when it is aborted. Anything else is tried again.
 */
export async function* followJob(
  job: Followed,
  options: FollowOptions = {},
): AsyncGenerator<FollowEvent, void, undefined> {
  const { signal } = options;
  const pace = { ...PACE, ...options.pace };
  const line = new Line(job, pace, options.WebSocket);
  let newest = options.after ?? 0;
  let movedAt = Date.now();
  let reported: Connection | undefined;
  try {
    while (true) {
      signal?.throwIfAborted();
      const before = Date.now();
      const wait = Math.min(line.dueIn(), movedAt + pace.stalled - before);
      const heard = await line.hear(wait, signal);
      signal?.throwIfAborted();

      // Time asleep is no time without progress.
      const overslept = Date.now() - before - Math.max(0, wait);
      if (overslept > SLEPT && !line.asked) movedAt += overslept;

      if (line.connection !== reported) {
        reported = line.connection;
        const error = line.trouble ? { error: line.trouble } : {};
        if (reported) yield { type: 'connection', connection: reported, ...error };
      }
      if (heard && heard.document.sequence > newest) {
        newest = heard.document.sequence;
        movedAt = Date.now();
        yield { type: 'progress', ...heard };
        if (isSettled(heard.document)) return;
      } else if (Date.now() - movedAt >= pace.stalled) {
        yield { type: 'stalled', silence: pace.stalled };
        movedAt = Date.now();
      }
    }
  } finally {
    line.close();
  }
}

type Heard = Omit<Extract<FollowEvent, { type: 'progress' }>, 'type'>;

/** The best way to hear of a job at the moment. */
class Line {
  connection: Connection | undefined;
  trouble: DarkroomError | undefined;
  /** The last `hear` waited for an answer of the service. */
  asked = false;

  private readonly job: Followed;
  private readonly pace: Pace;
  private readonly WebSocket: typeof WebSocket | undefined;
  private readonly news = new Mailbox<News>();
  private socket: JobSocket | undefined;
  private failures = 0;
  private connectAt: number;
  private openBy = Infinity;
  private pingAt = Infinity;
  private pollAt: number;

  constructor(job: Followed, pace: Pace, Socket: typeof WebSocket | undefined) {
    this.job = job;
    this.pace = pace;
    this.WebSocket = Socket;
    this.connectAt = job.websocketUrl ? 0 : Infinity;
    // The WebSocket answers a subscription with the document: give it time to do so first.
    this.pollAt = job.websocketUrl ? Date.now() + pace.openWithin : 0;
  }

  /** Milliseconds until there is something to do. */
  dueIn(): number {
    const due = Math.min(this.connectAt, this.openBy, this.pingAt, this.pollAt);
    return Math.max(0, due - Date.now());
  }

  /** A document, or undefined after at most `wait` ms, when something else happened. */
  async hear(wait: number, signal?: AbortSignal): Promise<Heard | undefined> {
    this.asked = false;
    this.tend();
    const news = await this.news.take(Math.min(wait, this.dueIn()), signal);
    if (news) return this.take(news);
    if (Date.now() < this.pollAt) return undefined;
    this.asked = true;
    return this.poll(signal);
  }

  close(): void {
    this.socket?.close();
    this.socket = undefined;
  }

  /** Opens, pings or gives up the WebSocket, whichever is due. */
  private tend(): void {
    const now = Date.now();
    if (this.socket && now >= this.openBy) this.lost();
    if (!this.socket && now >= this.connectAt) this.open(now);
    if (this.socket && now >= this.pingAt) {
      this.socket.ping();
      this.pingAt = now + this.pace.ping;
    }
  }

  private open(now: number): void {
    const { jobId, token, websocketUrl: url } = this.job;
    this.connectAt = Infinity;
    let ours: JobSocket | undefined;
    const put = (news: News) => {
      // A socket that was given up has nothing more to say.
      if (this.socket === ours) this.news.put(news);
    };
    try {
      ours = openJobSocket(
        { url, token, jobId, WebSocket: this.WebSocket },
        {
          onOpen: () => put({ type: 'open' }),
          onDocument: (document) => put({ type: 'document', document }),
          onClose: () => put({ type: 'close' }),
        },
      );
    } catch {
      this.pollAt = now; // Not a WebSocket's address, or no WebSockets here: polling has to do.
      return;
    }
    this.socket = ours;
    this.openBy = now + this.pace.openWithin;
  }

  private take(news: News): Heard | undefined {
    switch (news.type) {
      case 'open':
        this.openBy = Infinity;
        this.pingAt = Date.now() + this.pace.ping;
        this.pollAt = Date.now() + this.pace.quiet;
        this.connection = 'websocket';
        return undefined;
      case 'close':
        this.lost();
        return undefined;
      case 'document':
        this.failures = 0;
        this.trouble = undefined;
        this.pollAt = Date.now() + this.pace.quiet;
        return { document: news.document, via: 'websocket' };
    }
  }

  private lost(): void {
    this.close();
    this.openBy = this.pingAt = Infinity;
    this.connectAt =
      Date.now() + backoff(this.failures, this.pace.reconnect, this.pace.reconnectMost);
    this.failures += 1;
    this.pollAt = Math.min(this.pollAt, Date.now());
  }

  private async poll(signal?: AbortSignal): Promise<Heard | undefined> {
    try {
      const document = await this.job.progress(signal);
      this.trouble = undefined;
      if (!this.socket?.open) this.connection = 'polling';
      return { document, via: 'polling' };
    } catch (error) {
      const final = error instanceof RefusedError && !error.temporary;
      if (final || !(error instanceof DarkroomError)) throw error;
      this.trouble = error;
      if (!this.socket?.open) this.connection = 'none';
      return undefined;
    } finally {
      const asked = this.trouble instanceof RefusedError ? (this.trouble.retryAfter ?? 0) : 0;
      const pace = this.socket?.open ? this.pace.quiet : this.pace.poll;
      this.pollAt = Date.now() + Math.max(pace, asked);
    }
  }
}

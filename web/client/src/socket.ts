import { isJobDocument } from './answers.ts';
import type { JobDocument } from './model.ts';

export interface SocketEvents {
  onOpen: () => void;
  onDocument: (document: JobDocument) => void;
  onClose: () => void;
}

export interface JobSocket {
  readonly open: boolean;
  ping: () => void;
  close: () => void;
}

export interface Subscription {
  url: string;
  token: string;
  jobId: string;
  /** The constructor to use; the environment's own unless given. */
  WebSocket?: typeof WebSocket | undefined;
}

/**
 * Subscribes to a job's documents. `onClose` is called once, whatever ends the connection but
 * `close()`. Throws SyntaxError for a URL that is not one of a WebSocket, TypeError where there are
 * no WebSockets.
 */
export function openJobSocket(subscription: Subscription, events: SocketEvents): JobSocket {
  const { url, token, jobId } = subscription;
  const Socket = subscription.WebSocket ?? globalThis.WebSocket;
  const socket = new Socket(`${url}?token=${encodeURIComponent(token)}`);
  let ended = false;
  const isOpen = () => !ended && socket.readyState === socket.OPEN;
  const end = () => {
    if (ended) return;
    ended = true;
    events.onClose();
  };

  socket.onopen = () => {
    socket.send(JSON.stringify({ action: 'subscribe', job_id: jobId }));
    events.onOpen();
  };
  socket.onmessage = ({ data }) => {
    const message = documentIn(data);
    if (!ended && message?.job_id === jobId) events.onDocument(message);
  };
  socket.onerror = end;
  socket.onclose = end;
  return {
    get open() {
      return isOpen();
    },
    ping: () => {
      if (isOpen()) socket.send(JSON.stringify({ action: 'ping' }));
    },
    close: () => {
      ended = true;
      socket.close();
    },
  };
}

/** Pongs, errors and whatever is not understood are no news of the job. */
function documentIn(data: unknown): JobDocument | undefined {
  try {
    const message: unknown = JSON.parse(String(data));
    return isJobDocument(message) ? message : undefined;
  } catch {
    return undefined;
  }
}

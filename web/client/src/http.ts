import { MalformedError, RefusedError, UnreachableError, isTemporary } from './errors.ts';
import type { FieldProblem } from './errors.ts';
import { backoff, sleep } from './time.ts';

export interface Call {
  method?: 'GET' | 'POST' | 'DELETE';
  /** The deployment's key or the job's token. */
  credential?: string;
  body?: unknown;
  signal?: AbortSignal | undefined;
  /** How often to try in all; 3 unless given. */
  tries?: number;
}

const ANSWER_WITHIN = 30_000;
const LONGEST_WAIT = 30_000;

/**
 * Calls the service and returns the decoded answer, undefined for an empty one.
 *
 * A refusal that may pass (429, 5xx) is tried again after `Retry-After` or an exponential backoff;
 * a call that got no answer is tried again only where repeating it is harmless.
 *
 * Throws RefusedError, UnreachableError or MalformedError.
 */
export async function callService(url: string, call: Call = {}): Promise<unknown> {
  const tries = call.tries ?? 3;
  for (let attempt = 0; ; attempt++) {
    try {
      return await callOnce(url, call);
    } catch (error) {
      if (attempt + 1 >= tries || !mayRepeat(error, call.method)) throw error;
      const asked = error instanceof RefusedError ? error.retryAfter : undefined;
      await sleep(Math.min(LONGEST_WAIT, asked ?? backoff(attempt)), call.signal);
    }
  }
}

function mayRepeat(error: unknown, method: Call['method']): boolean {
  if (error instanceof RefusedError) {
    // 429 and 503 come before the request is carried out; other failures may come after it.
    const untouched = error.status === 429 || error.status === 503;
    return method === 'POST' ? untouched : isTemporary(error.status);
  }
  return error instanceof UnreachableError && method !== 'POST';
}

async function callOnce(url: string, call: Call): Promise<unknown> {
  const { response, text } = await exchange(url, call);
  if (!response.ok) throw refusalOf(response, text);
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new MalformedError(hostOf(url));
  }
}

/** The time limit covers the body too: a connection can stall in the middle of an answer. */
async function exchange(url: string, { method = 'GET', credential, body, signal }: Call) {
  signal?.throwIfAborted();
  const controller = new AbortController();
  const abort = () => controller.abort();
  const timer = setTimeout(abort, ANSWER_WITHIN);
  signal?.addEventListener('abort', abort, { once: true });
  const headers: Record<string, string> = {};
  if (credential) headers.Authorization = `Bearer ${credential}`;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  try {
    const response = await fetch(url, {
      method,
      headers,
      cache: 'no-store',
      signal: controller.signal,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { response, text: await response.text() };
  } catch (cause) {
    signal?.throwIfAborted();
    const host = hostOf(url);
    throw controller.signal.aborted
      ? new UnreachableError('timeout', `${host} did not answer in time. Try again.`, { cause })
      : new UnreachableError(
          'unreachable',
          `${host} cannot be reached. Check your connection and the address.`,
          { cause },
        );
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

/** A problem document (RFC 9457), or the best that can be said without one. */
function refusalOf(response: Response, text: string): RefusedError {
  const problem = decodedOr(text, {}) as Record<string, unknown>;
  const status = response.status;
  return new RefusedError({
    status,
    code: typeof problem.code === 'string' ? problem.code : `http_${status}`,
    message:
      typeof problem.detail === 'string'
        ? problem.detail
        : `The service answered ${status} ${response.statusText}`.trim() + '.',
    fields: Array.isArray(problem.errors) ? (problem.errors as FieldProblem[]) : [],
    requestId: typeof problem.request_id === 'string' ? problem.request_id : '',
    retryAfter: retryAfterOf(response.headers.get('Retry-After')),
  });
}

function decodedOr(text: string, otherwise: object): unknown {
  try {
    return JSON.parse(text) ?? otherwise;
  } catch {
    return otherwise;
  }
}

/** Seconds or an HTTP date, as milliseconds from now. */
export function retryAfterOf(header: string | null): number | undefined {
  if (!header) return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

function hostOf(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return url;
  }
}

/**
 * Everything that can go wrong. `message` is a sentence for people; `code` is stable, for programs.
 *
 *     DarkroomError
 *     ├── UnreachableError   no answer from the service, even after retries
 *     ├── RefusedError       the service refused the request and said why (RFC 9457)
 *     ├── UploadError        one file could not be sent
 *     └── MalformedError     the answer is not one of Darkroom's
 *
 * An aborted call rejects with its signal's reason instead, as `fetch` does.
 */
export class DarkroomError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** `code` is `unreachable`, or `timeout` where the connection was made but no answer came. */
export class UnreachableError extends DarkroomError {}

/** `code` is `malformed`. Often the address is wrong, or a proxy answered with a page of its own. */
export class MalformedError extends DarkroomError {
  constructor(where: string) {
    super('malformed', `The answer from ${where} is not one of Darkroom's. Check the address.`);
  }
}

/** One wrong field of a request. `field` is a dotted path, for example `options.model`. */
export interface FieldProblem {
  field: string;
  message: string;
}

export interface Refusal {
  status: number;
  code: string;
  message: string;
  fields?: readonly FieldProblem[];
  requestId?: string;
  /** Milliseconds the service asked to wait, from `Retry-After`. */
  retryAfter?: number | undefined;
}

/** `code` is the problem's own, or `http_503` and the like where the answer carried none. */
export class RefusedError extends DarkroomError {
  readonly status: number;
  readonly fields: readonly FieldProblem[];
  readonly requestId: string;
  readonly retryAfter: number | undefined;

  constructor(refusal: Refusal) {
    super(refusal.code, refusal.message);
    this.status = refusal.status;
    this.fields = refusal.fields ?? [];
    this.requestId = refusal.requestId ?? '';
    this.retryAfter = refusal.retryAfter;
  }

  /** The same request may succeed later. */
  get temporary(): boolean {
    return isTemporary(this.status);
  }
}

/**
 * `code` is `upload_expired` (the grant has run out: create a new job), `upload_refused` (the store
 * said no) or `upload_interrupted` (the connection broke, or the file can no longer be read).
 * `status` is the store's, 0 where there was no answer.
 */
export class UploadError extends DarkroomError {
  readonly status: number;
  readonly fileName: string;

  constructor(code: string, message: string, fileName: string, status = 0) {
    super(code, message);
    this.fileName = fileName;
    this.status = status;
  }

  /** Sending the file again may succeed. */
  get temporary(): boolean {
    return this.status === 0 || isTemporary(this.status);
  }
}

export function isTemporary(status: number): boolean {
  return status >= 500 || status === 408 || status === 429;
}

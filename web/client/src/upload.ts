import { UploadError } from './errors.ts';
import type { UploadGrant } from './model.ts';
import { backoff, sleep } from './time.ts';

/** One file and the grant to upload it. `expiresAt` is the grant's end, in ms since 1970. */
export interface Upload {
  grant: UploadGrant;
  file: File;
  expiresAt?: number;
}

export interface UploadProgress {
  /** Bytes of file content that have been sent, and that there are in all. */
  sent: number;
  total: number;
}

export interface UploadOptions {
  signal?: AbortSignal | undefined;
  /** How many at once; 4 unless given. */
  concurrency?: number;
  /** How often each is tried; 3 unless given. */
  tries?: number;
  /** The first wait between two tries, in ms; doubled each time. 1,000 unless given. */
  backoff?: number;
  /** Give up a try in which no byte moves for so many ms; 120,000 unless given. */
  stalledAfter?: number;
  onProgress?: (progress: UploadProgress) => void;
  /** `index` is the upload's place in the list. */
  onSent?: (index: number) => void;
}

export interface UploadFailure {
  index: number;
  error: UploadError;
}

/**
 * Sends every file, a few at once, and returns those that could not be sent.
 *
 * One file that fails does not stop the others. Rejects only when the signal is aborted, with its
 * reason. Needs XMLHttpRequest, because `fetch` does not report upload progress.
 */
export async function uploadFiles(
  uploads: readonly Upload[],
  options: UploadOptions = {},
): Promise<UploadFailure[]> {
  const { signal, concurrency = 4, onProgress, onSent } = options;
  const sent = uploads.map(() => 0);
  const total = uploads.reduce((sum, { file }) => sum + file.size, 0);
  const failures: UploadFailure[] = [];
  const waiting = uploads.map((upload, index) => ({ upload, index }));

  const report = (index: number, bytes: number) => {
    sent[index] = bytes;
    onProgress?.({ sent: sent.reduce((sum, part) => sum + part, 0), total });
  };
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      signal?.throwIfAborted();
      const { upload, index } = next;
      try {
        await sendWithRetries(upload, options, (bytes) => report(index, bytes));
        report(index, upload.file.size);
        onSent?.(index);
      } catch (error) {
        if (!(error instanceof UploadError)) throw error;
        report(index, 0);
        failures.push({ index, error });
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, uploads.length) }, work));
  return failures.sort((a, b) => a.index - b.index);
}

async function sendWithRetries(
  upload: Upload,
  options: UploadOptions,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const { signal, tries = 3, backoff: first = 1000, stalledAfter = 120_000 } = options;
  for (let attempt = 0; ; attempt++) {
    try {
      return await send(upload, { signal, stalledAfter, onBytes });
    } catch (error) {
      const again = error instanceof UploadError && error.temporary && attempt + 1 < tries;
      if (!again) throw error;
      await sleep(backoff(attempt, first), signal);
    }
  }
}

interface Sending {
  signal: AbortSignal | undefined;
  stalledAfter: number;
  onBytes: (bytes: number) => void;
}

function send(upload: Upload, { signal, stalledAfter, onBytes }: Sending): Promise<void> {
  const { grant, file } = upload;
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const watch = () => {
      clearTimeout(timer);
      timer = setTimeout(() => request.abort(), stalledAfter);
    };
    const stop = () => request.abort();
    const interrupted = () =>
      reject(
        signal?.aborted
          ? signal.reason
          : new UploadError(
              'upload_interrupted',
              `${file.name} could not be sent: the connection broke.`,
              file.name,
            ),
      );

    request.upload.onprogress = (event) => {
      watch();
      // The form's own fields count in `loaded`; the file is what people see.
      onBytes(Math.min(event.loaded, file.size));
    };
    request.onload = () =>
      request.status >= 200 && request.status < 300 ? resolve() : reject(refusal(request, upload));
    request.onerror = interrupted;
    request.onabort = interrupted;
    request.onloadend = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
    };
    signal?.addEventListener('abort', stop, { once: true });
    request.open('POST', grant.url);
    watch();
    request.send(formOf(grant, file));
  });
}

function formOf(grant: UploadGrant, file: File): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(grant.fields)) form.append(name, value);
  form.append('file', file); // Last: S3 ignores the fields that come after it.
  return form;
}

/** S3 answers with XML: `<Error><Code>AccessDenied</Code><Message>…</Message></Error>`. */
function refusal({ status, responseText }: XMLHttpRequest, { file, expiresAt }: Upload) {
  const message = /<Message>([^<]*)<\/Message>/.exec(responseText)?.[1] ?? '';
  const late = expiresAt !== undefined && Date.now() >= expiresAt;
  // S3 has no code of its own for an expired policy, only this wording.
  if (status === 403 && (late || /policy expired/i.test(message))) {
    const text = `The permission to send ${file.name} has expired. Start again.`;
    return new UploadError('upload_expired', text, file.name, status);
  }
  const why = message || `the store answered ${status}.`;
  const text = `${file.name} was refused: ${why}`;
  return new UploadError('upload_refused', text, file.name, status);
}

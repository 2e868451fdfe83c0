import { RefusedError } from '@darkroom/client';
import type { DarkroomError, JobDocument, Options } from '@darkroom/client';

/** The sentences people read. Pure, so that they can be tested word for word. */

const numbers = new Intl.NumberFormat('en');

export function count(value: number): string {
  return numbers.format(value);
}

export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** Decimal units, as the service's limits are. */
export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB'];
  let unit = 0;
  let left = value;
  for (; left >= 999.5 && unit < units.length - 1; unit++) left /= 1000;
  return `${unit && left < 10 ? left.toFixed(1) : Math.round(left)}\u00a0${units[unit]}`;
}

/** The primary action: "Cut out 3 photos". */
export function action(options: Options, files: number, zips: number): string {
  const what = zips ? plural(files, 'file') : plural(files, 'photo');
  if (options.remove_bg !== false) {
    return options.crop_face ? `Cut out and crop ${what}` : `Cut out ${what}`;
  }
  return options.crop_face ? `Crop ${what}` : `Convert ${what}`;
}

export interface BarWords {
  title: string;
  failed: string;
  detail: string;
  /** For screen readers: all of it as one sentence. */
  spoken: string;
}

export interface Moment {
  phase: 'creating' | 'sending' | 'working' | 'settled';
  document: JobDocument | null;
  /** Files announced; Y of "X of Y" until the service has counted. */
  files: number;
  /** Bytes. */
  sent: number;
  total: number;
  connection: 'websocket' | 'polling' | 'none' | null;
}

/** What the bar says. */
export function bar(moment: Moment): BarWords {
  const { phase, document } = moment;
  if (phase === 'creating')
    return words('Preparing', '', 'Asking the service for an upload address.');
  if (phase === 'settled' && document) return ending(document);
  const processed = document?.progress.processed ?? 0;
  const total = document?.progress.total ?? null;
  const failed = document?.summary.failed ? `${count(document.summary.failed)} failed` : '';
  const title = total === null ? 'Waiting for the files' : `${count(processed)} of ${count(total)}`;
  if (phase === 'sending') {
    const first = processed ? title : `Sending ${plural(moment.files, 'file')}`;
    const left = `${bytes(moment.sent)} of ${bytes(moment.total)} sent. Keep this page open until all is sent.`;
    return words(first, failed, left);
  }
  return words(title, failed, working(moment, total));
}

function working({ document, connection }: Moment, total: number | null): string {
  if (connection === 'none') return 'No connection. It goes on by itself when you are back.';
  if (document?.archive.status === 'building') return 'Building the ZIP.';
  if (document?.status === 'cancelled') return 'Stopping. What is ready stays ready.';
  if (total === null) return 'All sent. The service is counting the photos.';
  return 'All sent. Photos appear here as they are ready.';
}

function ending({ status, summary, archive, error }: JobDocument): BarWords {
  const { succeeded, failed } = summary;
  const attention = failed ? `${count(failed)} ${failed === 1 ? 'needs' : 'need'} attention` : '';
  const zip =
    archive.status === 'failed' ? ' The ZIP could not be built; take the photos one by one.' : '';
  if (status === 'cancelled') {
    return words('Stopped', '', `What is ready stays ready: ${plural(succeeded, 'photo')}.${zip}`);
  }
  if (status === 'expired')
    return words('Nothing arrived', '', error?.message ?? 'No file was sent in time.');
  if (!succeeded)
    return words('Nothing is ready', attention, error?.message ?? 'No photo could be processed.');
  return words(`${count(succeeded)} ready`, attention, zip.trim());
}

function words(title: string, failed: string, detail: string): BarWords {
  const spoken = [title, failed, detail].filter(Boolean).join('. ').replace(/\.\./g, '.');
  return { title, failed, detail, spoken };
}

/** What a person is told of an error. The service's own sentence, unless it speaks to developers. */
export function sentence(error: DarkroomError): string {
  if (error instanceof RefusedError) {
    if (['wrong_key', 'no_credential'].includes(error.code)) return 'This key is not accepted.';
    const fields = error.fields
      .filter(({ message }) => !error.message.includes(message))
      .map(({ field, message }) => `${field}: ${message}`);
    const request = error.status >= 500 && error.requestId ? ` (request ${error.requestId})` : '';
    return [error.message, ...fields].join(' ') + request;
  }
  return error.message;
}
